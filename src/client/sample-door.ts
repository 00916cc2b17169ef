import { TenutoError } from '../errors.js';
import { cleanSamples, decodeSamples, gateTally, sampleBytes } from '../pcm/index.js';

/**
 * How a client gives its samples: whole numbers of 16, 24 or 32 bits, or float32 in [-1, 1]. As
 * bytes they are little-endian, `s24` packed in three; in an Int32Array `s24` stands in the low bits.
 */
export const sampleFormats = ['s16', 's24', 's32', 'f32'] as const;
export type SampleFormat = (typeof sampleFormats)[number];

/** Interleaved frames: the array of the format, or bytes (a Buffer is a Uint8Array). */
export type StreamData = Float32Array | Int16Array | Int32Array | Uint8Array;

const scaleOf: Record<SampleFormat, number> = {
  s16: 2 ** -15,
  s24: 2 ** -23,
  s32: 2 ** -31,
  f32: 1,
};

/**
 * Where sound from outside becomes the engine's: float32 within [-1, 1], and nothing else. What is
 * no number becomes silence, what is louder than full scale is held there, and both are counted.
 */
export class SampleDoor {
  private readonly tally = new Float64Array(gateTally.places);

  constructor(
    private readonly format: SampleFormat,
    private readonly channels: number,
  ) {}

  /** Samples that were NaN or infinite. */
  get badSamples(): number {
    return this.tally[gateTally.nonFinite]!;
  }

  /** Samples beyond full scale. */
  get loudSamples(): number {
    return this.tally[gateTally.outside]!;
  }

  /**
   * Frames in `data`.
   *
   * @throws TenutoError `TENUTO_STREAM_FORMAT` when it is another array than that of the format, or
   * its frames are not whole.
   */
  framesIn(data: StreamData): number {
    const { format, channels } = this;
    const fits =
      data instanceof Uint8Array ||
      (format === 'f32' && data instanceof Float32Array) ||
      (format === 's16' && data instanceof Int16Array) ||
      ((format === 's24' || format === 's32') && data instanceof Int32Array);
    if (!fits) {
      const kind = (data as object | null)?.constructor?.name ?? typeof data;
      throw new TenutoError('TENUTO_STREAM_FORMAT', `${kind} holds no samples of ${format}`);
    }
    const samples = data instanceof Uint8Array ? data.length / sampleBytes[format] : data.length;
    const frames = samples / channels;
    if (!Number.isInteger(frames)) {
      const text = `${data.length} elements are no whole frames of ${channels} channels, ${format}`;
      throw new TenutoError('TENUTO_STREAM_FORMAT', text);
    }
    return frames;
  }

  /** A copy of `count` frames of `data` from frame `from` on, clean. */
  read(data: StreamData, from: number, count: number): Float32Array {
    const { format, channels } = this;
    const first = from * channels;
    const samples = new Float32Array(count * channels);
    if (data instanceof Float32Array) samples.set(data.subarray(first, first + samples.length));
    else if (data instanceof Uint8Array) {
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      decodeSamples(format, view, first * sampleBytes[format], samples, 0, samples.length);
    } else {
      const scale = scaleOf[format];
      for (let i = 0; i < samples.length; i++) samples[i] = data[first + i]! * scale;
    }
    cleanSamples(samples, 0, samples.length, this.tally);
    return samples;
  }
}
