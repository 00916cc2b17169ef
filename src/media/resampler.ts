import { assert } from '../errors.js';
import { type FilterBank, filterBank } from './filter-bank.js';

/** Converts a stream of planes from one rate to another; the next one may be another engine. */
export interface RateConverter {
  /**
   * Takes planes of equal length, gives what is complete: planes of equal length, perhaps of 0.
   * They are valid until the next call.
   */
  push(planes: readonly Float32Array[]): Float32Array[];
  /** Gives the rest. Nothing may be pushed after it. */
  end(): Float32Array[];
}

/** What `Resampler` needs to know. */
export interface ResamplerOptions {
  /** Any positive numbers, also fractions: a drifting clock's 48,000.7 Hz is one. */
  inputRate: number;
  outputRate: number;
  channels: number;
}

/**
 * Windowed-sinc conversion with linear phase and no delay: output frame n stands exactly at
 * n * inputRate / outputRate of the input, and N frames give round(N * outputRate / inputRate).
 * Level up to 0.907 of the lower Nyquist frequency, -120 dB and less from that frequency on
 * (20 kHz and 22.05 kHz for 44.1 kHz). The arithmetic is the same on every machine.
 * Allocates; not to be called on the audio thread.
 */
export class Resampler implements RateConverter {
  readonly #bank: FilterBank;
  readonly #ratio: number;
  /** Input samples not yet done with, by channel; the first ones are silence before the start. */
  readonly #held: Float32Array[];
  #heldFrames: number;
  /** Frame in `#held` under the first coefficient of the next output frame. */
  #at = 0;
  /** How far the next output frame is past that, in units of 1 / `outputStep` frames. */
  #phase = 0;
  #inputFrames = 0;
  #outputFrames = 0;
  #ended = false;

  constructor({ inputRate, outputRate, channels }: ResamplerOptions) {
    assert(inputRate > 0 && outputRate > 0 && channels > 0, 'rates and channels are positive');
    this.#bank = filterBank(inputRate, outputRate);
    this.#ratio = outputRate / inputRate;
    // Coefficient taps/2 - 1 lies on the frame at or before the output frame's place.
    this.#heldFrames = this.#bank.taps / 2 - 1;
    this.#held = Array.from({ length: channels }, () => new Float32Array(this.#heldFrames));
  }

  push(planes: readonly Float32Array[]): Float32Array[] {
    assert(!this.#ended, 'the stream has not ended');
    assert(planes.length === this.#held.length, 'there is one plane for each channel');
    const frames = planes[0]!.length;
    this.#inputFrames += frames;
    this.#hold(planes, frames);
    return this.#produce(Number.POSITIVE_INFINITY);
  }

  end(): Float32Array[] {
    assert(!this.#ended, 'the stream has not ended');
    this.#ended = true;
    const silence = new Float32Array(this.#bank.taps);
    const total = Math.round(this.#inputFrames * this.#ratio);
    const tail = this.#held.map(() => silence);
    this.#hold(tail, silence.length);
    return this.#produce(total - this.#outputFrames);
  }

  #hold(planes: readonly Float32Array[], frames: number): void {
    const kept = Math.max(0, this.#heldFrames - this.#at);
    // More than is held is to be passed when the input's steps are longer than its block.
    const passed = Math.min(this.#at, this.#heldFrames);
    for (let channel = 0; channel < planes.length; channel++) {
      const held = this.#held[channel]!;
      let into = held;
      if (held.length < kept + frames) into = new Float32Array(2 * (kept + frames));
      into.set(held.subarray(passed, passed + kept));
      into.set(planes[channel]!, kept);
      this.#held[channel] = into;
    }
    this.#at -= passed;
    this.#heldFrames = kept + frames;
  }

  #produce(most: number): Float32Array[] {
    const { taps, inputStep, outputStep } = this.#bank;
    const room = this.#heldFrames - taps - this.#at;
    const possible = Math.max(0, Math.ceil(((room + 1) * outputStep - this.#phase) / inputStep));
    const frames = Math.max(0, Math.min(possible, most));
    const start = { at: this.#at, phase: this.#phase };
    const outputs = this.#held.map((held) => {
      const output = new Float32Array(frames);
      const end = convolve(this.#bank, held, output, start.at, start.phase);
      this.#at = end.at;
      this.#phase = end.phase;
      return output;
    });
    this.#outputFrames += frames;
    return outputs;
  }
}

/** Fills `output`, and says where the frame after it stands. */
function convolve(
  bank: FilterBank,
  input: Float32Array,
  output: Float32Array,
  startAt: number,
  startPhase: number,
): { at: number; phase: number } {
  const { taps, inputStep, outputStep, coefficients, phases, exact } = bank;
  let at = startAt;
  let phase = startPhase;
  for (let n = 0; n < output.length; n++) {
    if (exact) {
      output[n] = dot(coefficients, phase * taps, input, at, taps);
    } else {
      const place = (phase / outputStep) * phases;
      const row = Math.floor(place);
      const between = place - row;
      const low = dot(coefficients, row * taps, input, at, taps);
      const high = dot(coefficients, (row + 1) * taps, input, at, taps);
      output[n] = low + between * (high - low);
    }
    phase += inputStep;
    const whole = Math.floor(phase / outputStep);
    at += whole;
    phase -= whole * outputStep;
  }
  return { at, phase };
}

/** Sum of products over `taps` (a multiple of 8) elements; four sums keep the processor busy. */
function dot(
  coefficients: Float64Array,
  from: number,
  input: Float32Array,
  at: number,
  taps: number,
): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0; i < taps; i += 4) {
    a += coefficients[from + i]! * input[at + i]!;
    b += coefficients[from + i + 1]! * input[at + i + 1]!;
    c += coefficients[from + i + 2]! * input[at + i + 2]!;
    d += coefficients[from + i + 3]! * input[at + i + 3]!;
  }
  return a + b + (c + d);
}
