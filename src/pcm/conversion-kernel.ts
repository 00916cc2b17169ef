import type { FilterBank } from './filter-bank.js';
import { type KernelExports, KernelMemory } from './kernel-memory.js';

/** Byte places of a block; `assembly/convert.ts` says what they hold. */
const place = {
  phase: 0,
  step: 8,
  slope: 16,
  target: 24,
  wrap: 32,
  scale: 40,
  at: 48,
  ramp: 52,
  held: 56,
  taps: 60,
  centre: 64,
  fitted: 68,
  bank: 72,
  bankBytes: 76,
  middle: 80,
  middleBytes: 84,
  rows: 88,
  rowsBytes: 92,
  centres: 96,
  centresBytes: 100,
  channels: 104,
  history: 108,
  historyBytes: 112,
  input: 116,
  output: 120,
  turn: 124,
  count: 128,
} as const;

/** Places in `ConversionKernel.numbers`. */
export const numbers = {
  phase: place.phase / 8,
  step: place.step / 8,
  slope: place.slope / 8,
  target: place.target / 8,
  wrap: place.wrap / 8,
} as const;

/** Places in `ConversionKernel.words`. */
export const words = {
  at: place.at / 4,
  ramp: place.ramp / 4,
  held: place.held / 4,
  turn: place.turn / 4,
} as const;

/** Output frames that the kernel makes together. */
const together = 12;

/** How large the parts of a conversion's memory are. */
export interface ConversionSize {
  channels: number;
  /** Frames that one call can take and make. */
  inputFrames: number;
  outputFrames: number;
  /** Frames that wait or are under the filter. */
  historyFrames: number;
}

/** One conversion in a linear memory of its own, which never grows: its views stay. */
export class ConversionKernel {
  readonly #exports: KernelExports;
  readonly #block: number;
  /** Frames to take, interleaved. */
  readonly input: Float32Array;
  readonly #output: Float32Array;
  /** The first n frames made, by n; each is made when so many are first asked for, and kept. */
  readonly #outputs: (Float32Array | undefined)[];
  /** All channels' history. */
  readonly history: Float32Array;
  /** Positions and steps; places named by `numbers`. */
  readonly numbers: Float64Array;
  /** Whole numbers; places named by `words`. */
  readonly words: Int32Array;

  constructor(bank: FilterBank, size: ConversionSize) {
    const { taps, centre, pad, fitted } = bank;
    const { channels } = size;
    // Frames made together read up to `pad` frames beyond the last one that counts.
    const historyFrames = Math.ceil((size.historyFrames + pad) / 4) * 4;
    const rowsFloats = fitted ? together * (taps + pad) + pad : 0;
    const centresFloats = fitted && centre > 0 ? together * (centre + pad) + pad : 0;
    const memory = new KernelMemory();
    const parts = {
      block: memory.reserve(256),
      bank: memory.reserve(bank.coefficients.byteLength),
      middle: memory.reserve(bank.middle.byteLength),
      rows: memory.reserve(rowsFloats * 4),
      centres: memory.reserve(centresFloats * 8),
      history: memory.reserve(channels * historyFrames * 4),
      input: memory.reserve(channels * size.inputFrames * 4),
      output: memory.reserve(channels * size.outputFrames * 4),
    };
    this.#exports = memory.open();
    memory.floats(parts.bank, bank.coefficients.length).set(bank.coefficients);
    memory.doubles(parts.middle, bank.middle.length).set(bank.middle);
    this.#block = parts.block;
    this.input = memory.floats(parts.input, channels * size.inputFrames);
    this.#output = memory.floats(parts.output, channels * size.outputFrames);
    this.history = memory.floats(parts.history, channels * historyFrames);
    this.#outputs = new Array(size.outputFrames + 1).fill(undefined);
    this.numbers = memory.doubles(this.#block, 6);
    this.words = memory.words(this.#block, 64);
    const powers = 4;
    this.#write({
      taps,
      centre,
      fitted: fitted ? 1 : 0,
      bank: parts.bank + (fitted ? 0 : pad * 4),
      bankBytes: fitted ? taps * powers * 4 : (taps + pad) * 4,
      middle: parts.middle + (fitted ? 0 : pad * 8),
      middleBytes: fitted ? centre * powers * 8 : (centre + pad) * 8,
      rows: parts.rows + pad * 4,
      rowsBytes: (taps + pad) * 4,
      centres: parts.centres + pad * 8,
      centresBytes: (centre + pad) * 8,
      channels,
      history: parts.history,
      historyBytes: historyFrames * 4,
      input: parts.input,
      output: parts.output,
      count: bank.rows,
    });
    this.numbers[place.wrap / 8] = bank.outputStep;
    this.numbers[place.scale / 8] = bank.rows / bank.outputStep;
  }

  /** Takes `frames` frames of `input`; makes place for them first. */
  take(frames: number): void {
    this.#exports.take(this.#block, frames);
  }

  /** Makes up to `frames` frames in `output`, and says how many. */
  produce(frames: number): number {
    return this.#exports.produce(this.#block, frames);
  }

  /** The first `frames` frames made, interleaved. */
  output(frames: number): Float32Array {
    let view = this.#outputs[frames];
    if (view === undefined) {
      view = this.#output.subarray(0, frames * this.words[place.channels / 4]!);
      this.#outputs[frames] = view;
    }
    return view;
  }

  /** Frames that must be held for `frames` more output frames. */
  needed(frames: number): number {
    return this.#exports.needed(this.#block, frames);
  }

  #write(values: Partial<Record<keyof typeof place, number>>): void {
    for (const [name, value] of Object.entries(values)) {
      this.words[place[name as keyof typeof place] / 4] = value;
    }
  }
}
