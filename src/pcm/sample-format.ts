import { assert } from '../errors.js';

/**
 * How samples stand in memory outside, little-endian: `s24` takes three bytes, `s24in32` the lower
 * three of four, as ALSA's S24_LE has it.
 */
export type SampleFormat = 's16' | 's24' | 's24in32' | 's32' | 'f32';

/** Bytes that one sample takes. */
export const sampleBytes: Readonly<Record<SampleFormat, number>> = {
  s16: 2,
  s24: 3,
  s24in32: 4,
  s32: 4,
  f32: 4,
};

/** Whether `text` names a format. */
export function isSampleFormat(text: string): text is SampleFormat {
  return Object.hasOwn(sampleBytes, text);
}

const scale16 = 2 ** 15;
const scale24 = 2 ** 23;
const scale32 = 2 ** 31;

/**
 * Puts `count` samples, which stand from byte `byteOffset` of `from` on, at place `at` of `into`:
 * integers as numbers from -1 to below 1, exactly but for the lowest bits of `s32`; `f32` as they
 * are, for `cleanSamples` to look at. May be called on the audio thread.
 */
export function decodeSamples(
  format: SampleFormat,
  from: DataView,
  byteOffset: number,
  into: Float32Array,
  at: number,
  count: number,
): void {
  const end = at + count;
  let byte = byteOffset;
  switch (format) {
    case 's16':
      for (let i = at; i < end; i++, byte += 2) into[i] = from.getInt16(byte, true) / scale16;
      return;
    case 's24':
      for (let i = at; i < end; i++, byte += 3) {
        into[i] = ((from.getInt8(byte + 2) << 16) | from.getUint16(byte, true)) / scale24;
      }
      return;
    case 's24in32':
      // The fourth byte may hold anything.
      for (let i = at; i < end; i++, byte += 4) {
        into[i] = ((from.getInt32(byte, true) << 8) >> 8) / scale24;
      }
      return;
    case 's32':
      for (let i = at; i < end; i++, byte += 4) into[i] = from.getInt32(byte, true) / scale32;
      return;
    case 'f32':
      for (let i = at; i < end; i++, byte += 4) into[i] = from.getFloat32(byte, true);
  }
}

/** What a `SampleEncoder` is for. */
export interface SampleEncoderOptions {
  format: SampleFormat;
  /** Whether lost bits become noise instead of distortion; default: yes. */
  dither?: boolean;
  /** Where the noise begins, 1 to 2^31 - 1; the same seed gives the same noise. Default: 1. */
  seed?: number;
}

/** Places in `#state`. */
const first = 0;
const clips = 0;

/**
 * Writes samples as bytes. Full scale is -1; what is louder is clipped and counted, and what is not
 * a number becomes 0. Where bits are lost, to 16 and 24 bits, triangular noise of two steps' width
 * is added before rounding, so that the error does not depend on the signal (S. P. Lipshitz et al.,
 * "Quantization and dither: a theoretical survey", 1992). A sample that needs no rounding gets no
 * noise: silence stays silence, and what was decoded comes out as it was.
 *
 * `encode` may be called on the audio thread.
 */
export class SampleEncoder {
  readonly format: SampleFormat;
  readonly #isDithered: boolean;
  /** State of the noise; 32 bits, which a field would not hold without allocating. */
  readonly #noise = new Uint32Array(1);
  readonly #clips = new Float64Array(1);

  constructor({ format, dither = true, seed = 1 }: SampleEncoderOptions) {
    assert(seed !== 0, 'noise from 0 would be silence');
    this.format = format;
    this.#isDithered = dither;
    this.#noise[first] = seed;
  }

  /** Samples that were too loud for the format so far. */
  get clipped(): number {
    return this.#clips[clips]!;
  }

  /** Puts `count` samples from place `from` of `samples` on at byte `byteOffset` of `into`. */
  encode(
    samples: Float32Array,
    from: number,
    count: number,
    into: DataView,
    byteOffset: number,
  ): void {
    const end = from + count;
    let byte = byteOffset;
    switch (this.format) {
      case 's16':
        for (let i = from; i < end; i++, byte += 2) {
          into.setInt16(byte, this.#round(samples[i]! * scale16, scale16), true);
        }
        return;
      case 's24':
        for (let i = from; i < end; i++, byte += 3) {
          const value = this.#round(samples[i]! * scale24, scale24);
          into.setInt16(byte, value, true);
          into.setInt8(byte + 2, value >> 16);
        }
        return;
      case 's24in32':
        for (let i = from; i < end; i++, byte += 4) {
          into.setInt32(byte, this.#round(samples[i]! * scale24, scale24), true);
        }
        return;
      case 's32':
        for (let i = from; i < end; i++, byte += 4) {
          into.setInt32(byte, this.#clip(samples[i]! * scale32, scale32), true);
        }
        return;
      case 'f32':
        for (let i = from; i < end; i++, byte += 4) into.setFloat32(byte, samples[i]!, true);
    }
  }

  #round(value: number, scale: number): number {
    const whole = Math.floor(value);
    if (whole === value || !this.#isDithered) return this.#clip(Math.floor(value + 0.5), scale);
    // G. Marsaglia, "Xorshift RNGs", 2003; its two halves are the two uniform numbers.
    let noise = this.#noise[first]!;
    noise ^= noise << 13;
    noise ^= noise >>> 17;
    noise ^= noise << 5;
    this.#noise[first] = noise;
    const triangle = ((noise & 0xffff) + (noise >>> 16)) / 0x10000 - 1 + 1 / 0x10000;
    return this.#clip(Math.floor(value + triangle + 0.5), scale);
  }

  /** A whole number that the format can hold; 0 for what is not a number. */
  #clip(value: number, scale: number): number {
    if (value >= -scale && value < scale) return value;
    // Full scale up is one step too far for integers, and no fault of the signal.
    if (value > scale || value < -scale) this.#clips[clips]!++;
    return value > 0 ? scale - 1 : value < 0 ? -scale : 0;
  }
}
