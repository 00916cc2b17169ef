import { assert } from '../errors.js';
import { limits } from '../limits.js';
import { ConversionKernel, numbers, words } from './conversion-kernel.js';
import { filterBank } from './filter-bank.js';
import type { Quality } from './filter-design.js';

/** What a converter is for. */
export interface ConverterOptions {
  /** Any positive numbers, also fractions: a drifting clock's 48,000.7 Hz is one. */
  inputRate: number;
  outputRate: number;
  /** 1 to `limits.channelsMax`. */
  channels: number;
  /** Default: `music`. */
  quality?: Quality;
  /** Frames that one `push` can be sure to place once `pull` has given less than was asked for. */
  maxInputFrames: number;
  /**
   * Whether `setTrim` will be called (default: no). The filter is then made of polynomials, which
   * takes about three times as long.
   */
  adjustable?: boolean;
}

/** Frames of one call of the kernel. */
const outputFrames = 1024;

/** Places in `#counts`. */
const given = 0;
const taken = 1;
const total = 2;

/**
 * Converts interleaved frames from one rate to another by a windowed sinc with linear phase and no
 * delay: output frame n stands exactly at n * inputRate / outputRate of the input, and N frames
 * give round(N * outputRate / inputRate). The same samples come out however calls cut the stream,
 * and on every machine. What is not finite in the input counts as 0.
 *
 * All memory is taken when it is made, but for a small view for each number of frames that a `pull`
 * gives for the first time; its methods may be called on the audio thread.
 */
export class Converter {
  /**
   * Input frames that must follow an output frame's place before it can be made. They are no delay
   * of the content.
   */
  readonly latencyFrames: number;
  readonly channels: number;
  readonly #kernel: ConversionKernel;
  readonly #step: number;
  readonly #taps: number;
  readonly #capacityFrames: number;
  readonly #maxInputFrames: number;
  readonly #adjustable: boolean;
  /** Output frames given, input frames taken, output frames there will be: too large for fields. */
  readonly #counts = new Float64Array(3);
  readonly #trim = new Float64Array(1);
  #ended = false;

  constructor(options: ConverterOptions) {
    const { inputRate, outputRate, channels, quality = 'music', maxInputFrames } = options;
    const { adjustable = false } = options;
    assert(inputRate > 0 && outputRate > 0, 'rates are positive');
    assert(inputRate / outputRate <= limits.pcmSpeedMax, 'the input is not too fast');
    assert(Number.isInteger(channels) && channels >= 1, 'there are channels');
    assert(channels <= limits.channelsMax, 'there are not too many channels');
    assert(Number.isInteger(maxInputFrames) && maxInputFrames >= 1, 'blocks have frames');
    const bank = filterBank({ inputRate, outputRate, quality, adjustable });
    this.channels = channels;
    this.latencyFrames = bank.taps / 2;
    this.#taps = bank.taps;
    this.#step = bank.inputStep;
    this.#adjustable = adjustable;
    this.#maxInputFrames = maxInputFrames;
    // Under the filter, waiting, and up to three that are kept so that lanes stay.
    this.#capacityFrames = bank.taps + 4 + 2 * maxInputFrames;
    this.#kernel = new ConversionKernel(bank, {
      channels,
      inputFrames: maxInputFrames,
      outputFrames,
      // Behind the end, half a filter of silence.
      historyFrames: this.#capacityFrames + bank.taps,
    });
    this.#kernel.numbers[numbers.step] = bank.inputStep;
    this.#kernel.numbers[numbers.target] = bank.inputStep;
    this.reset();
  }

  /** Input frames that were pushed and are not passed yet. */
  get bufferedFrames(): number {
    const { words: word } = this.#kernel;
    const behind = word[words.held]! - word[words.at]! - this.#taps / 2 + 1;
    return Math.max(behind, 0);
  }

  /** Takes up to `frames` frames from frame `fromFrame` of `interleaved` on, and says how many. */
  push(interleaved: Float32Array, frames: number, fromFrame = 0): number {
    assert(!this.#ended, 'the stream has not ended');
    const kernel = this.#kernel;
    const { channels } = this;
    let accepted = 0;
    while (accepted < frames) {
      const room = this.#capacityFrames - this.#keptFrames();
      let block = frames - accepted;
      if (block > this.#maxInputFrames) block = this.#maxInputFrames;
      if (block > room) block = room;
      if (block <= 0) break;
      const { input } = kernel;
      const from = (fromFrame + accepted) * channels;
      const samples = block * channels;
      // A whole array is copied without a view of it.
      if (samples === interleaved.length) input.set(interleaved);
      else for (let i = 0; i < samples; i++) input[i] = interleaved[from + i]!;
      kernel.take(block);
      accepted += block;
    }
    this.#counts[taken]! += accepted;
    return accepted;
  }

  /** Puts up to `frames` frames at frame `intoFrame` of `into`, and says how many there were. */
  pull(into: Float32Array, frames: number, intoFrame = 0): number {
    const kernel = this.#kernel;
    const { channels } = this;
    let produced = 0;
    while (produced < frames) {
      let block = frames - produced;
      if (block > outputFrames) block = outputFrames;
      const left = this.#counts[total]! - this.#counts[given]!;
      if (block > left) block = left;
      const made = block > 0 ? kernel.produce(block) : 0;
      if (made === 0) break;
      into.set(kernel.output(made), (intoFrame + produced) * channels);
      this.#counts[given]! += made;
      produced += made;
    }
    return produced;
  }

  /** Input frames that must still be pushed until `pull` gives `outFrames` frames; exact. */
  framesNeeded(outFrames: number): number {
    const missing = this.#kernel.needed(outFrames) - this.#kernel.words[words.held]!;
    return Math.max(missing, 0);
  }

  /**
   * Consumes the input by `ppm` faster than the rates say, or slower if negative; moves there
   * within `limits.pcmTrimRampFrames` output frames, so that nothing clicks.
   *
   * @param ppm within `limits.pcmTrimPpmMax`; more is cut.
   */
  setTrim(ppm: number): void {
    this.#trim[0] = ppm;
    this.follow(this.#trim);
  }

  /** `setTrim` to the ppm in an array's first place: a number would be allocated for the call. */
  follow(trim: Float64Array): void {
    assert(this.#adjustable, 'the converter was made adjustable');
    const most = limits.pcmTrimPpmMax;
    const ppm = Math.min(most, Math.max(-most, trim[0]!));
    const number = this.#kernel.numbers;
    const target = this.#step * (1 + ppm * 1e-6);
    number[numbers.target] = target;
    number[numbers.slope] = (target - number[numbers.step]!) / limits.pcmTrimRampFrames;
    this.#kernel.words[words.ramp] = limits.pcmTrimRampFrames;
  }

  /** Says that no more is pushed: `pull` gives the rest, then nothing. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const kernel = this.#kernel;
    const wrap = kernel.numbers[numbers.wrap]!;
    this.#counts[total] = this.#adjustable
      ? this.#framesToEnd()
      : Math.round((this.#counts[taken]! * wrap) / this.#step);
    kernel.input.fill(0);
    for (let left = this.#taps; left > 0; left -= this.#maxInputFrames) {
      kernel.take(Math.min(left, this.#maxInputFrames));
    }
  }

  /** Forgets all that was pushed; the trim stays. */
  reset(): void {
    const kernel = this.#kernel;
    this.#ended = false;
    this.#counts[given] = 0;
    this.#counts[taken] = 0;
    this.#counts[total] = Number.POSITIVE_INFINITY;
    kernel.history.fill(0);
    kernel.numbers[numbers.phase] = 0;
    kernel.numbers[numbers.step] = kernel.numbers[numbers.target]!;
    kernel.words[words.ramp] = 0;
    kernel.words[words.at] = 0;
    kernel.words[words.turn] = 0;
    // Coefficient taps/2 - 1 lies on the frame at or before the output frame's place.
    kernel.words[words.held] = this.#taps / 2 - 1;
  }

  /** Frames of the history that the next `take` keeps. */
  #keptFrames(): number {
    const { words: word } = this.#kernel;
    const held = word[words.held]!;
    return held - (Math.min(held, word[words.at]!) & ~3);
  }

  /** All output frames, when the ratio moved: those whose middle is before the end. */
  #framesToEnd(): number {
    const { words: word, numbers: number } = this.#kernel;
    const left = word[words.held]! - word[words.at]! - this.#taps / 2 + 1;
    const units = left * number[numbers.wrap]! - number[numbers.phase]!;
    return this.#counts[given]! + Math.max(0, Math.round(units / number[numbers.target]!));
  }
}
