import { TenutoError } from '../errors.js';

/**
 * How a client gives its samples: whole numbers of 16, 24 or 32 bits, or float32 in [-1, 1]. As
 * bytes they are little-endian, `s24` packed in three; in an Int32Array `s24` stands in the low bits.
 */
export const sampleFormats = ['s16', 's24', 's32', 'f32'] as const;
export type SampleFormat = (typeof sampleFormats)[number];

/** Interleaved frames: the array of the format, or bytes (a Buffer is a Uint8Array). */
export type StreamData = Float32Array | Int16Array | Int32Array | Uint8Array;

const bytesOf: Record<SampleFormat, number> = { s16: 2, s24: 3, s32: 4, f32: 4 };
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
  /** Samples that were NaN or infinite. */
  badSamples = 0;
  /** Samples beyond full scale. */
  loudSamples = 0;

  constructor(
    private readonly format: SampleFormat,
    private readonly channels: number,
  ) {}

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
    const samples = data instanceof Uint8Array ? data.length / bytesOf[format] : data.length;
    const frames = samples / channels;
    if (!Number.isInteger(frames)) {
      const text = `${data.length} elements are no whole frames of ${channels} channels, ${format}`;
      throw new TenutoError('TENUTO_STREAM_FORMAT', text);
    }
    return frames;
  }

  /** A copy of `count` frames of `data` from frame `from` on, clean. */
  read(data: StreamData, from: number, count: number): Float32Array {
    const first = from * this.channels;
    const samples = new Float32Array(count * this.channels);
    if (data instanceof Float32Array) samples.set(data.subarray(first, first + samples.length));
    else if (data instanceof Uint8Array) this.readBytes(data, first, samples);
    else {
      const scale = scaleOf[this.format];
      for (let i = 0; i < samples.length; i++) samples[i] = data[first + i]! * scale;
    }
    this.clean(samples);
    return samples;
  }

  private readBytes(data: Uint8Array, first: number, samples: Float32Array): void {
    const { format } = this;
    const bytes = bytesOf[format];
    const scale = scaleOf[format];
    const view = new DataView(data.buffer, data.byteOffset + first * bytes, samples.length * bytes);
    for (let i = 0, at = 0; i < samples.length; i++, at += bytes) {
      if (format === 'f32') samples[i] = view.getFloat32(at, true);
      else if (format === 's16') samples[i] = view.getInt16(at, true) * scale;
      else if (format === 's32') samples[i] = view.getInt32(at, true) * scale;
      else samples[i] = (view.getUint16(at, true) + view.getInt8(at + 2) * 65_536) * scale;
    }
  }

  private clean(samples: Float32Array): void {
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i]!;
      if (sample >= -1 && sample <= 1) continue;
      if (Number.isFinite(sample)) {
        this.loudSamples++;
        samples[i] = Math.sign(sample);
      } else {
        this.badSamples++;
        samples[i] = 0;
      }
    }
  }
}
