import { type Handover, type Part, Performance, switchOp } from '../../src/dsp/performance.js';
import { limits } from '../../src/limits.js';

/** Operations of the simulation's commands. */
export const ToyOp = { mix: 1, die: 2, hang: 3, change: switchOp } as const;

const hashWords = 16;
/** Behind the positions of the streams. */
const quanta = hashWords + limits.streamsMax;
const silenced = quanta + 1;
const lastFrame = quanta + 2;
const arenaWords = quanta + 3;

/** Every so many programs there is one that kills whoever renders it, after some quanta. */
const badEvery = 4;

/** Of a program, at which of its quanta it kills, and how; null for one that does not. */
function malice(program: number): { at: number; op: number } | null {
  if (program % badEvery !== badEvery - 1) return null;
  const draw = Math.imul(program, 0x9e3779b1) >>> 8;
  return { at: 1 + (draw % 60), op: draw % 2 === 0 ? ToyOp.die : ToyOp.hang };
}

/**
 * The smallest patch that notices everything: its state is a hash of all that it was ever told, and
 * every sample depends on the whole state. So one command applied twice, late, or not at all, one
 * tick skipped, one frame of a stream too many, or one torn byte of a snapshot changes all that
 * follows.
 */
export class ToyPatch implements Part {
  static readonly arenaBytes = arenaWords * 4;
  readonly arena: Uint8Array;
  readonly output: Float32Array;
  readonly lastFrame: Float32Array;
  private readonly state = new Int32Array(arenaWords);
  /** Per stream, the frames it has read: part of the arena. */
  private readonly positions = this.state.subarray(hashWords, quanta);
  private readonly ends = new Int32Array(limits.streamsMax);
  private readonly malice: ReturnType<typeof malice>;

  /**
   * @param onFatal called for a command that kills or hangs whoever applies it.
   * @param read the frame at a position of a stream.
   */
  constructor(
    quantumSamples: number,
    private readonly program: number,
    private readonly onFatal: (op: number) => void,
    private readonly read: (stream: number, position: number) => number,
  ) {
    this.arena = new Uint8Array(this.state.buffer);
    this.output = new Float32Array(quantumSamples);
    this.lastFrame = new Float32Array(this.state.buffer, lastFrame * 4, 1);
    this.malice = malice(program);
    this.reset();
  }

  reset(): void {
    this.state.fill(0);
    this.state[0] = 1;
    this.state[1] = this.program;
  }

  /** Takes over all that the one before knows. */
  follow(before: ToyPatch): void {
    this.state.set(before.state);
    this.state[quanta] = 0;
    this.state[silenced] = 0;
    this.mix(this.program);
  }

  get silencedNodes(): number {
    return this.state[silenced]!;
  }

  silenceOwn(): void {
    this.state[silenced] = 1;
    this.mix(silenced);
  }

  setStreamEnd(stream: number, frames: number): void {
    this.ends[stream] = frames;
  }

  apply(words: Int32Array, at: number): void {
    const op = words[at]! & 0xffff;
    if (op !== ToyOp.mix) this.onFatal(op);
    for (let i = 0; i < 8; i++) this.mix(words[at + i]!);
  }

  render(): void {
    const { malice, state } = this;
    if (malice !== null && state[silenced] === 0 && state[quanta] === malice.at) {
      this.onFatal(malice.op);
    }
    state[quanta] = state[quanta]! + 1;
    for (let stream = 0; stream < this.ends.length; stream++) {
      while (this.positions[stream] !== this.ends[stream]) {
        const position = this.positions[stream]!;
        this.mix(this.read(stream, position) ^ Math.imul(stream + 1, 0x9e3779b1));
        this.positions[stream] = position + 1;
      }
    }
    for (let i = 0; i < this.output.length; i++) {
      this.mix(i);
      this.output[i] = (this.state[i & (hashWords - 1)]! >> 8) / 2 ** 23;
    }
  }

  private mix(value: number): void {
    const { state } = this;
    const at = state[0]! & (hashWords - 1);
    let x = state[hashWords - 1]! ^ value;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    state[at] = (state[at]! + (x ^ (x >>> 16))) | 0;
    state[0] = (state[0]! + 1) | 0;
    state[hashWords - 1] = x;
  }
}

/** The real performance, of toy patches of one channel. */
export function toyPerformance(rate: number, quantum: number): Performance<ToyPatch> {
  const handover = (from: ToyPatch, to: ToyPatch): Handover => ({ handOn: () => to.follow(from) });
  return new Performance({ rate, quantum, channels: 1, streams: limits.streamsMax }, handover);
}
