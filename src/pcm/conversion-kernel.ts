import { readFileSync } from 'node:fs';
import { assert } from '../errors.js';
import type { FilterBank } from './filter-bank.js';

/** The few parts of the WebAssembly interface in use; Node's types leave them out. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    constructor(module: Module, imports: { env: { memory: Memory } });
    readonly exports: object;
  }
}

interface Exports {
  memoryBase(): number;
  take(block: number, frames: number): void;
  produce(block: number, frames: number): number;
  needed(block: number, frames: number): number;
}

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
  begun: 124,
  first: 132,
} as const;

/** Places in `ConversionKernel.numbers`. */
export const numbers = {
  phase: place.phase / 8,
  step: place.step / 8,
  slope: place.slope / 8,
  target: place.target / 8,
} as const;

/** Places in `ConversionKernel.words`. */
export const words = {
  at: place.at / 4,
  ramp: place.ramp / 4,
  held: place.held / 4,
  begun: place.begun / 4,
  first: place.first / 4,
} as const;

/** How large the parts of a conversion's memory are. */
export interface ConversionSize {
  channels: number;
  /** Frames that one call can take and make. */
  inputFrames: number;
  outputFrames: number;
  /** Frames that wait or are under the filter. */
  historyFrames: number;
}

const PAGE_BYTES = 65_536;
/** Where a conversion begins; the module's own few bytes are below. */
const base = 2048;
let compiled: WebAssembly.Module | undefined;

/** One conversion in a linear memory of its own, which never grows: its views stay. */
export class ConversionKernel {
  readonly #exports: Exports;
  readonly #block: number;
  /** Frames to take, interleaved. */
  readonly input: Float32Array;
  /** Frames made, interleaved. */
  readonly output: Float32Array;
  /** All channels' history. */
  readonly history: Float32Array;
  /** Positions and steps; places named by `numbers`. */
  readonly numbers: Float64Array;
  /** Whole numbers; places named by `words`. */
  readonly words: Int32Array;

  constructor(bank: FilterBank, size: ConversionSize) {
    // Read and compiled once in a process: every conversion shares the code.
    compiled ??= new WebAssembly.Module(
      readFileSync(new URL('../pcm/kernels.wasm', import.meta.url)),
    );
    const { taps, centre, pad, fitted } = bank;
    const { channels } = size;
    // A group reads up to `pad` frames beyond the last one that counts.
    const historyFrames = size.historyFrames + pad;
    const rowsFloats = fitted ? 4 * (taps + pad) + pad : 0;
    const centresFloats = fitted && centre > 0 ? 4 * (centre + pad) + pad : 0;
    let end = 0;
    const reserve = (bytes: number) => {
      const start = end;
      end += Math.ceil(bytes / 64) * 64;
      return start;
    };
    const parts = {
      block: reserve(256),
      bank: reserve(bank.coefficients.byteLength),
      middle: reserve(bank.middle.byteLength),
      rows: reserve(rowsFloats * 4),
      centres: reserve(centresFloats * 8),
      history: reserve(channels * historyFrames * 4),
      input: reserve(channels * size.inputFrames * 4),
      output: reserve(channels * size.outputFrames * 4),
    };
    const pages = Math.ceil((base + end + 64) / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const instance = new WebAssembly.Instance(compiled, { env: { memory } });
    this.#exports = instance.exports as Exports;
    assert(this.#exports.memoryBase() <= base, 'the module has place for what is its own');
    const { buffer } = memory;
    const floats = (start: number, count: number) => new Float32Array(buffer, base + start, count);
    floats(parts.bank, bank.coefficients.length).set(bank.coefficients);
    new Float64Array(buffer, base + parts.middle, bank.middle.length).set(bank.middle);
    this.#block = base + parts.block;
    this.input = floats(parts.input, channels * size.inputFrames);
    this.output = floats(parts.output, channels * size.outputFrames);
    this.history = floats(parts.history, channels * historyFrames);
    this.numbers = new Float64Array(buffer, this.#block, 6);
    this.words = new Int32Array(buffer, this.#block, 64);
    const powers = 4;
    this.#write({
      taps,
      centre,
      fitted: fitted ? 1 : 0,
      bank: base + parts.bank + (fitted ? 0 : pad * 4),
      bankBytes: fitted ? taps * powers * 4 : (taps + pad) * 4,
      middle: base + parts.middle + (fitted ? 0 : pad * 8),
      middleBytes: fitted ? centre * powers * 8 : (centre + pad) * 8,
      rows: base + parts.rows + pad * 4,
      rowsBytes: (taps + pad) * 4,
      centres: base + parts.centres + pad * 8,
      centresBytes: (centre + pad) * 8,
      channels,
      history: base + parts.history,
      historyBytes: historyFrames * 4,
      input: base + parts.input,
      output: base + parts.output,
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
