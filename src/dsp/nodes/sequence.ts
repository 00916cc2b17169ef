import type { NodeContext, NodeHost } from '../node.js';
import { frequencyOf } from '../pitch.js';
import { readSequence, stepKinds } from './sequence-data.js';

// How it goes through the notes, by the index of the choice.
const ORDER_FORWARD = 0;
const ORDER_RANDOM = 1;
const ORDER_WALK = 2;

// State. Time is counted in steps since the last even one (float64), which keeps it exact.
const POSITION = 0;
const STEP = 2;
const NOTE = 3;
const NEXT_VOICE = 4;
const GENERATOR = 5;
const IS_ODD = 6;
const HEAD_WORDS = 8;
/** For each voice: frames until its gate closes, frequency, velocity. */
const VOICE_LEFT = 0;
const VOICE_FREQ = 1;
const VOICE_VELOCITY = 2;
const VOICE_WORDS = 4;
/** Steps after which the count of time starts again. */
const PAIR = 2;
/** Less than a frame at the slowest pace: so that rounding cannot put a step off by one frame. */
const EARLY = 1e-9;
/** Ports. */
const TEMPO = 0;
const LENGTH = 1;
const CHANCE = 2;
const TRANSPOSE = 3;
const SWING = 4;
const RUN = 5;
/** Words of `timing`. */
const PACE = 0;
const DUE = 1;

/** Bytes of state: the head, then each voice. */
export function stateBytes(ctx: NodeContext): number {
  return 4 * (HEAD_WORDS + VOICE_WORDS * ctx.banks * 4);
}

/** The state before the first quantum: a step is due, and every voice has the first pitch. */
export function prepareSequence(ctx: NodeContext, i32: Int32Array, f32: Float32Array): void {
  const data = readSequence(ctx.data)!;
  new Float64Array(f32.buffer, f32.byteOffset, 1)[0] = PAIR;
  i32[GENERATOR] = ctx.seed;
  i32[NOTE] = ctx.options.order! === ORDER_WALK ? data.chords.length >> 1 : 0;
  const first = frequencyOf(data.chords[0]![0]!);
  for (let lane = 0; lane < ctx.banks * 4; lane++) {
    f32[HEAD_WORDS + lane * VOICE_WORDS + VOICE_FREQ] = first;
  }
}

/** Renders between events in whole runs, so that a quantum without one costs next to nothing. */
export class Sequence {
  private readonly i32: Int32Array;
  private readonly f32: Float32Array;
  private readonly f64: Float64Array;
  private readonly state: number;
  private readonly place: number;
  private readonly port: number;
  private readonly lanes: number;
  private readonly outputs: number;
  private readonly steps: Int32Array;
  /** Notes of all chords one after the other, and where each chord begins. */
  private readonly notes: Float32Array;
  private readonly chordStart: Int32Array;
  private readonly ctx: NodeContext;
  private readonly hold: NodeHost['hold'];
  private readonly order: number;
  /** What `read` found: results that are returned may be allocated, these are not. */
  private readonly timing = new Float64Array(2);

  constructor(host: NodeHost) {
    const { ctx } = host;
    const data = readSequence(ctx.data)!;
    this.ctx = ctx;
    this.hold = host.hold;
    this.i32 = host.i32;
    this.f32 = host.f32;
    this.f64 = host.f64;
    this.state = host.state / 4;
    this.place = host.state / 8 + POSITION;
    this.port = host.block / 4 + 8;
    this.lanes = ctx.lanes;
    this.outputs = host.output / 4;
    this.steps = Int32Array.from(data.steps);
    this.notes = Float32Array.from(data.chords.flat());
    const starts = [0];
    for (const chord of data.chords) starts.push(starts[starts.length - 1]! + chord.length);
    this.chordStart = Int32Array.from(starts);
    this.order = ctx.options.order!;
  }

  render(): void {
    const { i32, port } = this;
    const isSteady = i32[port + 1] === 0 && i32[port + 13] === 0 && i32[port + 16] === 0;
    const { quantum } = this.ctx;
    let from = 0;
    while (from < quantum) {
      const next = isSteady ? this.nextSteady(from) : this.nextMoving(from);
      this.fill(from, next);
      if (next < quantum) this.step(next);
      from = next;
    }
  }

  /** How far time goes in a frame, and when the next step is due: steps since the last even one. */
  private read(frame: number): void {
    const { timing } = this;
    timing[PACE] = 0;
    if (this.value(RUN, frame) > 0) {
      const tempo = this.value(TEMPO, frame);
      const beats = tempo >= 1 && tempo <= 1000 ? tempo : 1;
      timing[PACE] = (beats * this.ctx.options.steps!) / 60 / this.ctx.rate;
    }
    timing[DUE] = PAIR - EARLY;
    if (this.i32[this.state + IS_ODD] === 0) return;
    const swing = this.value(SWING, frame);
    timing[DUE] = 1 - EARLY + 0.5 * (swing >= 0 && swing <= 1 ? swing : 0);
  }

  /** The frame from `from` on at which a step is due, or the quantum; time has moved there. */
  private nextSteady(from: number): number {
    const { f64, place, timing } = this;
    this.read(from);
    const pace = timing[PACE]!;
    const due = timing[DUE]!;
    if (pace === 0) return this.ctx.quantum;
    if (f64[place]! >= due) return this.pass(from);
    const left = this.ctx.quantum - from;
    const frames = Math.min(left, Math.ceil((due - f64[place]!) / pace));
    f64[place] = f64[place]! + pace * frames;
    if (frames === left) return this.ctx.quantum;
    // Rounding may leave it a hair short of what the division promised.
    f64[place] = Math.max(f64[place]!, due);
    return this.pass(from + frames);
  }

  /** The same while tempo, swing or run change within the quantum. */
  private nextMoving(from: number): number {
    const { f64, place, timing } = this;
    for (let frame = from; frame < this.ctx.quantum; frame++) {
      this.read(frame);
      if (timing[PACE]! > 0 && f64[place]! >= timing[DUE]!) return this.pass(frame);
      f64[place] = f64[place]! + timing[PACE]!;
    }
    return this.ctx.quantum;
  }

  /** Counts the step that begins at `frame`. */
  private pass(frame: number): number {
    const odd = this.state + IS_ODD;
    if (this.i32[odd] === 0) this.f64[this.place] = this.f64[this.place]! - PAIR;
    this.i32[odd] = 1 - this.i32[odd]!;
    return frame;
  }

  /** Lane 0 of a port at a frame. */
  private value(port: number, frame: number): number {
    const word = this.port + 3 * port;
    return this.f32[(this.i32[word]! + frame * this.i32[word + 1]!) >> 2]!;
  }

  /** Starts what the next step of the pattern says. */
  private step(frame: number): void {
    const { i32, f32, state, steps, chordStart } = this;
    const step = i32[state + STEP]! % steps.length;
    i32[state + STEP] = (step + 1) % steps.length;
    const kind = steps[step]!;
    if (kind === stepKinds.rest || kind === stepKinds.hold) return;
    const chord = this.nextChord();
    // Drawn for every step, so that the course of events does not depend on the chance itself.
    const draw = this.random();
    if (!(draw < this.value(CHANCE, frame))) return;
    let held = 1;
    while (held < steps.length && steps[(step + held) % steps.length] === stepKinds.hold) held++;
    const tempo = Math.min(1000, Math.max(1, this.value(TEMPO, frame) || 1));
    const stepFrames = (60 * this.ctx.rate) / (tempo * this.ctx.options.steps!);
    const length = Math.min(16, Math.max(0.01, this.value(LENGTH, frame) || 0.01));
    const frames = Math.max(1, Math.round(stepFrames * (held - 1 + length)));
    const transpose = this.value(TRANSPOSE, frame);
    for (let i = chordStart[chord]!; i < chordStart[chord + 1]!; i++) {
      const voice = i32[state + NEXT_VOICE]!;
      i32[state + NEXT_VOICE] = (voice + 1) % this.lanes;
      // A mono cable carries the same in all four lanes.
      const last = this.lanes === 1 ? 3 : voice;
      for (let lane = voice; lane <= last; lane++) {
        const at = state + HEAD_WORDS + lane * VOICE_WORDS;
        i32[at + VOICE_LEFT] = Math.min(frames, 0x7fffffff);
        f32[at + VOICE_FREQ] = frequencyOf(
          this.notes[i]! + (transpose >= -60 && transpose <= 60 ? transpose : 0),
        );
        f32[at + VOICE_VELOCITY] = kind === stepKinds.accent ? 1 : this.ctx.options.accent!;
      }
    }
  }

  /** The chord to sound now; moves on in the order that the patch asks for. */
  private nextChord(): number {
    const { i32, state } = this;
    const count = this.chordStart.length - 1;
    const chord = i32[state + NOTE]! % count;
    let next = chord + 1;
    if (this.order !== ORDER_FORWARD) {
      const draw = this.random();
      if (this.order === ORDER_RANDOM) next = Math.floor(draw * count);
      // At an end of the list the walk turns back.
      else next = chord + (chord === 0 || (draw < 0.5 && chord < count - 1) ? 1 : -1);
    }
    i32[state + NOTE] = ((next % count) + count) % count;
    return chord;
  }

  /** xorshift32 (Marsaglia, "Xorshift RNGs", 2003), as a number from 0 to below 1. */
  private random(): number {
    const at = this.state + GENERATOR;
    let x = this.i32[at]!;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.i32[at] = x;
    return (x >>> 1) / 2 ** 31;
  }

  /** Writes all outputs for frames [from, to), during which nothing starts. */
  private fill(from: number, to: number): void {
    const { quantum, banks } = this.ctx;
    const sectionWords = banks * quantum * 4;
    for (let bank = 0; bank < banks; bank++) {
      const voices = this.state + HEAD_WORDS + bank * 4 * VOICE_WORDS;
      const start = this.outputs + (bank * quantum + from) * 4;
      this.fillGates(start, to - from, voices + VOICE_LEFT);
      this.fillHeld(start + sectionWords, to - from, voices + VOICE_FREQ);
      this.fillHeld(start + 2 * sectionWords, to - from, voices + VOICE_VELOCITY);
    }
  }

  /** Each gate is open for as many frames as are left of it. */
  private fillGates(start: number, frames: number, word: number): void {
    const { f32, i32 } = this;
    this.hold(
      start * 4,
      frames,
      i32[word]! > 0 ? 1 : 0,
      i32[word + VOICE_WORDS]! > 0 ? 1 : 0,
      i32[word + 2 * VOICE_WORDS]! > 0 ? 1 : 0,
      i32[word + 3 * VOICE_WORDS]! > 0 ? 1 : 0,
    );
    for (let lane = 0; lane < 4; lane++) {
      const left = word + lane * VOICE_WORDS;
      const open = Math.min(i32[left]!, frames);
      if (open === 0) continue;
      i32[left] = i32[left]! - open;
      for (let i = open; i < frames; i++) f32[start + i * 4 + lane] = 0;
    }
  }

  /** Writes the same word of four voices into `frames` frames. */
  private fillHeld(start: number, frames: number, word: number): void {
    const { f32 } = this;
    this.hold(
      start * 4,
      frames,
      f32[word]!,
      f32[word + VOICE_WORDS]!,
      f32[word + 2 * VOICE_WORDS]!,
      f32[word + 3 * VOICE_WORDS]!,
    );
  }
}
