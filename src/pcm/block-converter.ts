import { assert } from '../errors.js';
import { limits } from '../limits.js';
import { type BlockPlan, blockPlan, type Transform } from './block-plan.js';
import type { Quality } from './filter-design.js';
import { type KernelExports, KernelMemory } from './kernel-memory.js';
import { RecentlyUsed } from './recently-used.js';

/** What a block converter is for. */
export interface BlockConverterOptions {
  /** Whole numbers. */
  inputRate: number;
  outputRate: number;
  /** 1 to `limits.channelsMax`. */
  channels: number;
  /** Default: `music`. */
  quality?: Exclude<Quality, 'draft'>;
  /**
   * Input frames that an output frame may wait for at most, its half of the filter included
   * (default: no limit, some 2000). Speed has its price: twice as many are twice as fast at first.
   */
  waitFramesMax?: number;
}

const plans = new RecentlyUsed<string, BlockPlan | undefined>(limits.pcmFilterBanksMax);

function planOf(options: BlockConverterOptions): BlockPlan | undefined {
  const { inputRate, outputRate, channels, quality = 'music' } = options;
  const { waitFramesMax = Number.POSITIVE_INFINITY } = options;
  const request = { inputRate, outputRate, quality, blocks: blocksOf(channels), waitFramesMax };
  return plans.get(Object.values(request).join('/'), () => blockPlan(request));
}

/** Blocks that are converted together: an odd number of signals makes no pairs, two of each do. */
function blocksOf(channels: number): number {
  return channels % 2 === 0 ? 1 : 2;
}

/**
 * Converts like `Converter`, to the same places and the same number of frames, and several times
 * as fast, by Fourier transforms: of some thousand frames for files, where nobody waits for the
 * first frame, of some hundred for streams. The same samples come out however calls cut the stream, and on every machine.
 * Allocates a little; not for the audio thread.
 */
export class BlockConverter {
  /** Input frames that an output frame waits for at most. They are no delay of the content. */
  readonly latencyFrames: number;
  readonly channels: number;
  readonly #ratio: number;
  readonly #plan: BlockPlan;
  readonly #layout: Layout;
  readonly #exports: KernelExports;
  readonly #input: Float32Array;
  readonly #output: Float32Array;
  /** Frames in `#input`. */
  #waiting = 0;
  /** Frames of `#output` from where to where they are to be given. */
  #from = 0;
  #to = 0;
  /** Frames that the next runs make before the stream begins. */
  #early: number;
  #taken = 0;
  #given = 0;
  #total = Number.POSITIVE_INFINITY;

  /** Whether there is a plan for a pair of rates: for all that usual files and devices have. */
  static supports(options: BlockConverterOptions): boolean {
    return planOf(options) !== undefined;
  }

  constructor(options: BlockConverterOptions) {
    const plan = planOf(options);
    assert(plan !== undefined, 'there is a plan for this pair of rates');
    const { channels } = options;
    assert(channels >= 1 && channels <= limits.channelsMax, 'the number of channels is in range');
    this.channels = channels;
    this.#plan = plan;
    this.#ratio = options.outputRate / options.inputRate;
    const memory = new KernelMemory();
    this.#layout = new Layout(memory, plan, channels);
    this.#exports = memory.open();
    this.#layout.fill(memory, plan);
    const { input, output, inputFrames, outputFrames } = this.#layout;
    this.#input = memory.floats(input, inputFrames * channels);
    this.#output = memory.floats(output, outputFrames * channels);
    this.#early = plan.edgeOutputFrames;
    this.latencyFrames = inputFrames + plan.edgeFrames;
  }

  /** Input frames that were pushed and whose output was not given yet. */
  get bufferedFrames(): number {
    return Math.max(0, this.#taken - Math.floor(this.#given / this.#ratio));
  }

  /**
   * Takes up to `frames` frames from frame `fromFrame` of `interleaved` on, and says how many:
   * fewer when there is output to be pulled first.
   */
  push(interleaved: Float32Array, frames: number, fromFrame = 0): number {
    assert(this.#total === Number.POSITIVE_INFINITY, 'the stream has not ended');
    let accepted = 0;
    while (accepted < frames && this.#from === this.#to) {
      const room = this.#layout.inputFrames - this.#waiting;
      const block = Math.min(room, frames - accepted);
      const from = (fromFrame + accepted) * this.channels;
      const samples = interleaved.subarray(from, from + block * this.channels);
      this.#input.set(samples, this.#waiting * this.channels);
      this.#waiting += block;
      accepted += block;
      if (block === room) this.#run();
    }
    this.#taken += accepted;
    return accepted;
  }

  /** Puts up to `frames` frames at frame `intoFrame` of `into`, and says how many there were. */
  pull(into: Float32Array, frames: number, intoFrame = 0): number {
    const isEnded = this.#total !== Number.POSITIVE_INFINITY;
    const most = Math.min(frames, this.#total - this.#given);
    let produced = 0;
    while (produced < most) {
      if (this.#from === this.#to) {
        if (!isEnded) break;
        this.#input.fill(0, this.#waiting * this.channels);
        this.#run();
        continue;
      }
      const block = Math.min(this.#to - this.#from, most - produced);
      const from = this.#from * this.channels;
      const samples = this.#output.subarray(from, from + block * this.channels);
      into.set(samples, (intoFrame + produced) * this.channels);
      this.#from += block;
      produced += block;
      this.#given += block;
    }
    return produced;
  }

  /** Says that no more is pushed: `pull` gives the rest, then nothing. */
  end(): void {
    const { inputFrames, outputFrames } = this.#plan;
    this.#total = Math.round((this.#taken * outputFrames) / inputFrames);
  }

  /** Converts what is in `#input`. */
  #run(): void {
    const { channels } = this;
    const layout = this.#layout;
    const { history, historyBytes, historyFrames, planes, planeBytes } = layout;
    const kernel = this.#exports;
    kernel.slide(history, historyBytes, historyFrames, layout.input, channels, layout.inputFrames);
    for (const plan of layout.plans) {
      if (this.#plan.isDouble) kernel.block64(plan);
      else kernel.block32(plan);
    }
    kernel.merge(planes, planeBytes, layout.output, channels, layout.outputFrames);
    this.#waiting = 0;
    const early = Math.min(this.#early, layout.outputFrames);
    this.#early -= early;
    this.#from = early;
    this.#to = layout.outputFrames;
  }
}

/** Bytes of the real or the imaginary parts of all points, and what the first pass spills over. */
function partBytes({ input, output, isDouble }: BlockPlan): number {
  return (Math.max(input.points, output.points) + 16) * (isDouble ? 8 : 4);
}

/** Words of one plan, and of one stage. */
const planWords = 20;
const stageWords = 4;

/** Where all of it lies in the kernels' memory. */
class Layout {
  readonly inputFrames: number;
  readonly outputFrames: number;
  readonly input: number;
  readonly output: number;
  readonly history: number;
  readonly historyFrames: number;
  readonly historyBytes: number;
  readonly planes: number;
  readonly planeBytes: number;
  /** Addresses of the plans of one run: of two signals each. */
  readonly plans: number[] = [];
  readonly #parts: Record<'arrays' | 'response' | 'stages' | 'factors', [number, number]>;
  readonly #pairs: [from: number, to: number][][] = [];

  constructor(memory: KernelMemory, plan: BlockPlan, channels: number) {
    const size = plan.isDouble ? 8 : 4;
    const blocks = blocksOf(channels);
    this.inputFrames = blocks * plan.inputFrames;
    this.outputFrames = blocks * plan.outputFrames;
    this.historyFrames = 2 * plan.edgeFrames + this.inputFrames;
    this.historyBytes = Math.ceil(this.historyFrames / 4) * 16;
    this.planeBytes = Math.ceil(this.outputFrames / 4) * 16;
    this.input = memory.reserve(this.inputFrames * channels * 4);
    this.output = memory.reserve(this.outputFrames * channels * 4);
    this.history = memory.reserve(this.historyBytes * channels);
    this.planes = memory.reserve(this.planeBytes * channels);
    const both = [plan.input, plan.output] as const;
    const reserveBoth = (bytes: (transform: Transform) => number): [number, number] => [
      memory.reserve(bytes(both[0])),
      memory.reserve(bytes(both[1])),
    ];
    const part = partBytes(plan);
    const response = memory.reserve(plan.response.length * size);
    this.#parts = {
      arrays: [memory.reserve(part * 2), memory.reserve(part * 2)],
      response: [response, response],
      stages: reserveBoth(({ stages }) => stages.length * stageWords * 4),
      factors: reserveBoth(({ factors }) => factors.length * size),
    };
    const signals: [number, number][] = [];
    for (let block = 0; block < blocks; block++) {
      for (let channel = 0; channel < channels; channel++) {
        signals.push([
          this.history + channel * this.historyBytes + block * plan.inputFrames * 4,
          this.planes + channel * this.planeBytes + block * plan.outputFrames * 4,
        ]);
      }
    }
    for (let i = 0; i < signals.length; i += 2) {
      this.#pairs.push([signals[i]!, signals[i + 1]!]);
      this.plans.push(memory.reserve(planWords * 4));
    }
  }

  /** Writes what the kernels read. */
  fill(memory: KernelMemory, plan: BlockPlan): void {
    const { isDouble, response, edgeOutputFrames } = plan;
    const parts = this.#parts;
    const size = isDouble ? 8 : 4;
    const write = (at: number, values: Float64Array) =>
      (isDouble ? memory.doubles(at, values.length) : memory.floats(at, values.length)).set(values);
    write(parts.response[0], response);
    for (const [index, { stages, factors }] of [plan.input, plan.output].entries()) {
      write(parts.factors[index]!, factors);
      const words = stages.flatMap(({ radix, m, s, at }) => [
        radix,
        m,
        s,
        parts.factors[index]! + at * size,
      ]);
      memory.words(parts.stages[index]!, words.length).set(words);
    }
    for (const [index, [real, imaginary]] of this.#pairs.entries()) {
      memory
        .words(this.plans[index]!, planWords)
        .set([
          real![0],
          imaginary![0],
          plan.input.points,
          plan.output.points,
          parts.stages[0],
          plan.input.stages.length,
          parts.stages[1],
          plan.output.stages.length,
          parts.arrays[0],
          parts.arrays[1],
          partBytes(plan),
          parts.response[0],
          response.length,
          edgeOutputFrames,
          plan.outputFrames,
          real![1],
          imaginary![1],
        ]);
    }
  }
}
