import { headerWords, type Layout, paramWords } from './arena.js';
import type { Program } from './program.js';

/** Words of a parameter record: where its value is, and where it is going. */
export const paramWord = {
  value: 0,
  target: 1,
  step: 2,
  /** Frames until the target. */
  remaining: 3,
  /** Frames until a trigger falls back to 0; 0 when there is none. */
  hold: 4,
  /** Frames of this quantum that are in the slot already. */
  filled: 5,
  /** The slot in use, plus one; 0 when the parameter stands still. */
  slot: 6,
} as const;

const VALUE = paramWord.value;
const TARGET = paramWord.target;
const STEP = paramWord.step;
const REMAINING = paramWord.remaining;
const HOLD = paramWord.hold;
const FILLED = paramWord.filled;
const SLOT = paramWord.slot;

/**
 * Parameters that move. A parameter at rest is one v128 that its port points to; a moving one has
 * a slot, a buffer of a value for each frame, and its port points there until it is at rest again.
 * All of it lies in the arena, so that a snapshot may be taken in the middle of a ramp.
 */
export class Ramps {
  private readonly f32: Float32Array;
  private readonly i32: Int32Array;
  private readonly quantum: number;
  private readonly moving: number;
  private readonly records: number;
  private readonly movingList: number;
  private readonly freeSlots: number;
  private readonly slots: number;
  private readonly slotCount: number;
  /** By parameter: word of its port in the node's block, word of its constant, and its range. */
  private readonly portWord: Int32Array;
  private readonly constantWord: Int32Array;
  private readonly low: Float32Array;
  private readonly high: Float32Array;
  private readonly smoothingFrames: Int32Array;
  /** By node * ports + port: the parameter, or -1. */
  private readonly paramOf: Int32Array;
  private readonly portsMax: number;

  constructor(buffer: ArrayBuffer, layout: Layout, program: Program) {
    this.f32 = new Float32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.quantum = program.quantum;
    this.moving = layout.header / 4 + headerWords.moving;
    this.records = layout.paramRecords / 4;
    this.movingList = layout.movingList / 4;
    this.freeSlots = layout.freeSlots / 4;
    this.slots = layout.slots / 4;
    this.slotCount = layout.slotCount;
    const { params } = layout;
    const ports = params.map((p) => program.nodes[p.node]!.definition.ports[p.port]!);
    this.portWord = Int32Array.from(
      params,
      (p) => layout.nodes[p.node]!.block / 4 + 8 + 3 * p.port,
    );
    this.constantWord = Int32Array.from(params, (p) => p.constant / 4);
    this.low = Float32Array.from(ports, (port) => port.min);
    this.high = Float32Array.from(ports, (port) => port.max);
    this.smoothingFrames = Int32Array.from(ports, (port) =>
      Math.round((port.smoothingMs / 1000) * program.rate),
    );
    this.portsMax = Math.max(1, ...program.nodes.map((node) => node.ports.length));
    this.paramOf = new Int32Array(program.nodes.length * this.portsMax).fill(-1);
    params.forEach((p, index) => {
      this.paramOf[p.node * this.portsMax + p.port] = index;
    });
  }

  /** Sets every parameter to the number in the program. For a fresh arena. */
  prepare(program: Program, layout: Layout): void {
    for (let i = 0; i < this.slotCount; i++) this.i32[this.freeSlots + i] = i;
    layout.params.forEach((place, param) => {
      const port = program.nodes[place.node]!.ports[place.port]!;
      const value = port.kind === 'value' ? port.value : 0;
      this.f32[this.records + param * paramWords + VALUE] = this.held(param, value);
      this.rest(param);
    });
  }

  /** The parameter behind a port, or -1 when there is none that a command may change. */
  find(node: number, port: number): number {
    if (port < 0 || port >= this.portsMax || node < 0) return -1;
    return this.paramOf[node * this.portsMax + port] ?? -1;
  }

  /**
   * Goes on as a parameter of another program does, from the coming quantum on. False when too many
   * move already: then it stands at the other's value.
   */
  adopt(param: number, from: Ramps, other: number): boolean {
    const record = this.records + param * paramWords;
    const source = from.records + other * paramWords;
    const moves = from.i32[source + REMAINING]! > 0 || from.i32[source + HOLD]! > 0;
    this.f32[record + VALUE] = this.held(param, from.f32[source + VALUE]!);
    if (!moves || !this.begin(param, 0)) {
      this.rest(param);
      return !moves;
    }
    this.f32[record + TARGET] = from.f32[source + TARGET]!;
    this.f32[record + STEP] = from.f32[source + STEP]!;
    this.i32[record + REMAINING] = from.i32[source + REMAINING]!;
    this.i32[record + HOLD] = from.i32[source + HOLD]!;
    return true;
  }

  /**
   * From `frame` of the coming quantum on, goes to `value` in `rampFrames`, or in the port's own
   * smoothing time if that is longer. Returns false when too many parameters move already.
   */
  set(param: number, frame: number, value: number, rampFrames: number): boolean {
    if (!this.begin(param, frame)) return false;
    const record = this.records + param * paramWords;
    const frames = Math.max(rampFrames, this.smoothingFrames[param]!);
    const target = this.held(param, value);
    this.f32[record + TARGET] = target;
    this.i32[record + HOLD] = 0;
    this.i32[record + REMAINING] = frames;
    if (frames > 0) {
      this.f32[record + STEP] = (target - this.f32[record + VALUE]!) / frames;
    } else {
      this.f32[record + VALUE] = target;
    }
    return true;
  }

  /** From `frame` on, jumps to `value`; falls back to 0 after `holdFrames` unless those are 0. */
  jump(param: number, frame: number, value: number, holdFrames: number): boolean {
    if (!this.begin(param, frame)) return false;
    const record = this.records + param * paramWords;
    this.f32[record + VALUE] = this.held(param, value);
    this.i32[record + REMAINING] = 0;
    this.i32[record + HOLD] = holdFrames;
    return true;
  }

  /** Before the nodes render: completes the slots of this quantum. */
  fill(): void {
    const count = this.i32[this.moving]!;
    for (let i = 0; i < count; i++) this.fillTo(this.i32[this.movingList + i]!, this.quantum);
  }

  /** After the nodes have rendered: parameters that have arrived give their slot back. */
  settle(): void {
    const count = this.i32[this.moving]!;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const param = this.i32[this.movingList + i]!;
      const record = this.records + param * paramWords;
      this.i32[record + FILLED] = 0;
      if (this.i32[record + REMAINING]! > 0 || this.i32[record + HOLD]! > 0) {
        this.i32[this.movingList + kept++] = param;
        continue;
      }
      // Free slots lie above as many as are in use, so the stack needs no count of its own.
      this.i32[this.freeSlots + count - 1 - (i - kept)] = this.i32[record + SLOT]! - 1;
      this.i32[record + SLOT] = 0;
      this.rest(param);
    }
    this.i32[this.moving] = kept;
  }

  private held(param: number, value: number): number {
    return Math.min(this.high[param]!, Math.max(this.low[param]!, value));
  }

  /** Gives the parameter a slot if it has none, and fills it up to `frame`. */
  private begin(param: number, frame: number): boolean {
    const record = this.records + param * paramWords;
    if (this.i32[record + SLOT] === 0) {
      const count = this.i32[this.moving]!;
      if (count >= this.slotCount) return false;
      const slot = this.i32[this.freeSlots + count]!;
      this.i32[record + SLOT] = slot + 1;
      this.i32[record + FILLED] = 0;
      this.i32[this.movingList + count] = param;
      this.i32[this.moving] = count + 1;
      const port = this.portWord[param]!;
      this.i32[port] = (this.slots + slot * this.quantum * 4) * 4;
      this.i32[port + 1] = 16;
    }
    this.fillTo(param, frame);
    return true;
  }

  private fillTo(param: number, frame: number): void {
    const { f32, i32 } = this;
    const record = this.records + param * paramWords;
    const slot = this.slots + (i32[record + SLOT]! - 1) * this.quantum * 4;
    for (let i = i32[record + FILLED]!; i < frame; i++) {
      if (i32[record + REMAINING]! > 0) {
        const left = i32[record + REMAINING]! - 1;
        i32[record + REMAINING] = left;
        // Counted back from the target, so that a ramp ends exactly there.
        f32[record + VALUE] = f32[record + TARGET]! - f32[record + STEP]! * left;
      }
      const at = slot + i * 4;
      f32[at] = f32[record + VALUE]!;
      f32[at + 1] = f32[at]!;
      f32[at + 2] = f32[at]!;
      f32[at + 3] = f32[at]!;
      if (i32[record + HOLD]! > 0) {
        i32[record + HOLD] = i32[record + HOLD]! - 1;
        if (i32[record + HOLD] === 0) f32[record + VALUE] = 0;
      }
    }
    if (frame > i32[record + FILLED]!) i32[record + FILLED] = frame;
  }

  private rest(param: number): void {
    const value = this.f32[this.records + param * paramWords + VALUE]!;
    const constant = this.constantWord[param]!;
    for (let lane = 0; lane < 4; lane++) this.f32[constant + lane] = value;
    const port = this.portWord[param]!;
    this.i32[port] = constant * 4;
    this.i32[port + 1] = 0;
  }
}
