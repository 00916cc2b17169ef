import { limits } from '../../limits.js';
import type { CompileInput, ListItem, NodeContext, NodeDefinition, NodeHost } from '../node.js';
import { gatePort } from '../node.js';
import { frequencyOf, readNote } from '../pitch.js';

/** Kinds of steps, as they stand in the data. */
const REST = 0;
const NORMAL = 1;
const ACCENT = 2;
const HOLD = 3;
const stepKinds: Readonly<Record<string, number>> = {
  '.': REST,
  x: NORMAL,
  X: ACCENT,
  '-': HOLD,
};

const ORDER_FORWARD = 0;
const ORDER_RANDOM = 1;
const ORDER_WALK = 2;

export const seq: NodeDefinition = {
  type: 'seq',
  summary:
    'Plays a pattern of steps and a list of notes. A step that sounds takes the next note ' +
    '(a chord takes as many voices as it has notes); voices are used in turn.',
  ports: [
    {
      name: 'tempo',
      summary: 'Beats per minute; that of the patch if not given.',
      unit: 'bpm',
      min: 1,
      max: 1000,
      default: 120,
      smoothingMs: 0,
    },
    {
      name: 'length',
      summary: 'How long a note lasts, as a part of its step; 1 ties it to the next.',
      unit: 'none',
      min: 0.01,
      max: 16,
      default: 0.5,
      smoothingMs: 0,
    },
    {
      name: 'chance',
      summary: 'How probable it is that a step sounds.',
      unit: 'none',
      min: 0,
      max: 1,
      default: 1,
      smoothingMs: 0,
    },
    {
      name: 'transpose',
      summary: 'Added to every note that starts.',
      unit: 'semitones',
      min: -60,
      max: 60,
      default: 0,
      smoothingMs: 0,
    },
    {
      name: 'swing',
      summary: 'How late every other step is: 1 is half a step.',
      unit: 'none',
      min: 0,
      max: 1,
      default: 0,
      smoothingMs: 0,
    },
    gatePort('run', 'Halts where it is while closed.', 1),
  ],
  options: {
    pattern: {
      kind: 'text',
      default: 'x',
      summary: '`x` a note, `X` an accent, `.` a rest, `-` holds on; blanks and `|` do not count.',
    },
    notes: {
      kind: 'list',
      default: ['A4'],
      summary: 'Names (`C4`, `F#3`, `Bb2`), MIDI numbers, or lists of these: chords.',
    },
    steps: {
      kind: 'number',
      unit: 'none',
      min: 0.01,
      max: 64,
      default: 4,
      summary: 'Steps in a beat.',
    },
    order: {
      kind: 'choice',
      choices: ['forward', 'random', 'walk'],
      default: 'forward',
      summary: 'How it goes through the notes; `walk` takes one step up or down the list.',
    },
    accent: {
      kind: 'number',
      unit: 'gain',
      min: 0,
      max: 1,
      default: 0.7,
      summary: 'The velocity of a note without accent; an accent has 1.',
    },
  },
  lanes: 'widest',
  voices: true,
  outputs: ['gate', 'freq', 'velocity'],
  stateBytes: (ctx) => 4 * (HEAD_WORDS + VOICE_WORDS * ctx.banks * 4),
  compile,
  accepts: (ctx) => readData(ctx.data) !== undefined,
  prepare: (ctx, i32, f32) => {
    const data = readData(ctx.data)!;
    new Float64Array(f32.buffer, f32.byteOffset, 1)[0] = PAIR;
    i32[GENERATOR] = ctx.seed;
    i32[NOTE] = ctx.options.order! === ORDER_WALK ? data.chords.length >> 1 : 0;
    const first = frequencyOf(data.chords[0]![0]!);
    for (let lane = 0; lane < ctx.banks * 4; lane++) {
      f32[HEAD_WORDS + lane * VOICE_WORDS + VOICE_FREQ] = first;
    }
  },
  create,
};

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
const CHORD_MAX = 16;

interface SequenceData {
  readonly steps: readonly number[];
  readonly chords: readonly (readonly number[])[];
}

/** [steps, chords, kind of each step..., then for each chord its size and its notes]. */
function compile({ texts, lists, fail }: CompileInput): Float32Array {
  const letters = [...texts.pattern!.replace(/[\s|]/g, '')];
  const steps = letters.map((letter) => {
    const kind = Object.hasOwn(stepKinds, letter) ? stepKinds[letter] : undefined;
    return kind ?? fail(`\`${letter}\` is no step; use X, x, . and -`, 'pattern');
  });
  if (steps.length === 0) fail('a pattern has at least one step', 'pattern');
  if (steps.length > limits.sequenceStepsMax) {
    fail(`a pattern has at most ${limits.sequenceStepsMax} steps`, 'pattern');
  }
  const notes = lists.notes!;
  if (notes.length === 0) fail('at least one note', 'notes');
  const chords = notes.flatMap((item, index) => {
    const items: ListItem[] = Array.isArray(item) ? [...item] : [item];
    if (items.length === 0 || items.length > CHORD_MAX) {
      fail(`a chord has 1 to ${CHORD_MAX} notes`, 'notes', index);
    }
    const numbers = items.map(
      (note) =>
        readNote(note as string | number) ??
        fail(
          `\`${String(note).slice(0, 40)}\` is no note; write C4, F#3, or 0 to 127`,
          'notes',
          index,
        ),
    );
    return [numbers.length, ...numbers];
  });
  return Float32Array.from([steps.length, notes.length, ...steps, ...chords]);
}

/** The inverse of `compile`, or undefined for what `compile` cannot have made. */
function readData(data: Float32Array): SequenceData | undefined {
  const [stepCount = 0, chordCount = 0] = data;
  const isCount = (n: number, most: number) => Number.isInteger(n) && n >= 1 && n <= most;
  if (!isCount(stepCount, limits.sequenceStepsMax)) return undefined;
  if (!isCount(chordCount, limits.sequenceStepsMax)) return undefined;
  const steps = [...data.subarray(2, 2 + stepCount)];
  const chords: number[][] = [];
  let at = 2 + stepCount;
  for (let i = 0; i < chordCount; i++) {
    const size = data[at] ?? 0;
    if (!isCount(size, CHORD_MAX)) return undefined;
    chords.push([...data.subarray(at + 1, at + 1 + size)]);
    at += 1 + size;
  }
  const isRight =
    at === data.length &&
    steps.length === stepCount &&
    steps.every((kind) => kind >= REST && kind <= HOLD && Number.isInteger(kind)) &&
    chords.every((chord) => chord.every((note) => note >= 0 && note <= 127));
  return isRight ? { steps, chords } : undefined;
}

function create(host: NodeHost): () => void {
  const sequence = new Sequence(host);
  return () => sequence.render();
}

/** Renders between events in whole runs, so that a quantum without one costs next to nothing. */
class Sequence {
  private readonly i32: Int32Array;
  private readonly f32: Float32Array;
  private readonly f64: Float64Array;
  private readonly state: number;
  private readonly place: number;
  private readonly port: number;
  private readonly lanes: number;
  private readonly allLanes: number;
  private readonly outputs: number;
  private readonly steps: Int32Array;
  /** Notes of all chords one after the other, and where each chord begins. */
  private readonly notes: Float32Array;
  private readonly chordStart: Int32Array;
  private readonly ctx: NodeContext;
  private readonly order: number;

  constructor(host: NodeHost) {
    const { ctx } = host;
    const data = readData(ctx.data)!;
    this.ctx = ctx;
    this.i32 = host.i32;
    this.f32 = host.f32;
    this.f64 = host.f64;
    this.state = host.state / 4;
    this.place = host.state / 8 + POSITION;
    this.port = host.block / 4 + 8;
    this.lanes = ctx.lanes;
    this.allLanes = ctx.banks * 4;
    this.outputs = host.output / 4;
    this.steps = Int32Array.from(data.steps);
    this.notes = Float32Array.from(data.chords.flat());
    const starts = [0];
    for (const chord of data.chords) starts.push(starts[starts.length - 1]! + chord.length);
    this.chordStart = Int32Array.from(starts);
    this.order = ctx.options.order!;
  }

  render(): void {
    const { i32, f64, state, place } = this;
    const { quantum, rate } = this.ctx;
    const pace = this.ctx.options.steps! / (60 * rate);
    let filled = 0;
    for (let frame = 0; frame < quantum; frame++) {
      if (!(this.value(5, frame) > 0)) continue;
      const swing = this.value(4, frame);
      const isOdd = i32[state + IS_ODD] === 1;
      const due = isOdd ? 1 + 0.5 * (swing >= 0 && swing <= 1 ? swing : 0) : PAIR;
      if (f64[place]! >= due) {
        if (!isOdd) f64[place] = f64[place]! - PAIR;
        i32[state + IS_ODD] = isOdd ? 0 : 1;
        this.fill(filled, frame);
        filled = frame;
        this.step(frame);
      }
      const tempo = this.value(0, frame);
      f64[place] = f64[place]! + (tempo >= 1 && tempo <= 1000 ? tempo : 1) * pace;
    }
    this.fill(filled, quantum);
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
    if (kind === REST || kind === HOLD) return;
    const chord = this.nextChord();
    // Drawn for every step, so that the course of events does not depend on the chance itself.
    const draw = this.random();
    if (!(draw < this.value(2, frame))) return;
    let held = 1;
    while (held < steps.length && steps[(step + held) % steps.length] === HOLD) held++;
    const tempo = Math.min(1000, Math.max(1, this.value(0, frame) || 1));
    const stepFrames = (60 * this.ctx.rate) / (tempo * this.ctx.options.steps!);
    const length = Math.min(16, Math.max(0.01, this.value(1, frame) || 0.01));
    const frames = Math.max(1, Math.round(stepFrames * (held - 1 + length)));
    const transpose = this.value(3, frame);
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
        f32[at + VOICE_VELOCITY] = kind === ACCENT ? 1 : this.ctx.options.accent!;
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
    if (to <= from) return;
    const { f32, i32 } = this;
    const { quantum } = this.ctx;
    const outputWords = this.allLanes * quantum;
    for (let lane = 0; lane < this.allLanes; lane++) {
      const voice = this.state + HEAD_WORDS + lane * VOICE_WORDS;
      const open = Math.min(i32[voice + VOICE_LEFT]!, to - from);
      i32[voice + VOICE_LEFT] = i32[voice + VOICE_LEFT]! - open;
      const freq = f32[voice + VOICE_FREQ]!;
      const velocity = f32[voice + VOICE_VELOCITY]!;
      let at = this.outputs + (lane >> 2) * quantum * 4 + (lane & 3) + from * 4;
      for (let frame = from; frame < to; frame++) {
        f32[at] = frame - from < open ? 1 : 0;
        f32[at + outputWords] = freq;
        f32[at + 2 * outputWords] = velocity;
        at += 4;
      }
    }
  }
}
