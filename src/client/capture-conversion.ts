import { TenutoError } from '../errors.js';
import { FormatConversion, SampleEncoder } from '../pcm/index.js';
import type { RowMark } from './capture-rows.js';
import type { CaptureData, CaptureMark, EngineCapture } from './types.js';

/** Engine frames that are converted at a time, about. */
const batchFrames = 4096;

/**
 * Turns what was captured into frames of the reader: rate, channels, format. A run is what was
 * captured without a break: frame n of it stands at n / ratio of its first engine frame.
 */
export class CaptureConversion {
  /** Number of the next frame that is given, those that were lost counted. */
  index = 0;
  private readonly conversion: FormatConversion;
  private readonly encoder: SampleEncoder;
  private readonly ratio: number;
  private readonly channels: number;
  /** Converted frames that wait, and how many of them are gone. */
  private ready: Float32Array = new Float32Array(0);
  private gone = 0;
  /** Turns whose frames wait here, the oldest first. */
  private marks: RowMark[] = [];
  private run = { index: 0, from: 0 };
  private batch: Float32Array;
  private batched = 0;

  constructor(
    private readonly format: EngineCapture['format'],
    private readonly engine: { rate: number; channels: number; quantum: number },
  ) {
    const { rate, channels } = format;
    this.channels = channels;
    this.ratio = rate / engine.rate;
    this.conversion = new FormatConversion(engine, { rate, channels });
    const isPacked = format.format === 's24';
    this.encoder = new SampleEncoder({ format: isPacked ? 's24in32' : format.format });
    const turns = Math.max(1, Math.floor(batchFrames / engine.quantum));
    this.batch = new Float32Array(turns * engine.quantum * engine.channels);
  }

  /** Frames that wait here. */
  get frames(): number {
    return this.ready.length / this.channels - this.gone;
  }

  /** Takes what was captured in a turn. */
  push(mark: RowMark, captured: Float32Array): void {
    this.marks.push(mark);
    this.batch.set(captured, this.batched);
    this.batched += captured.length;
    if (this.batched === this.batch.length) this.convert();
  }

  /** Converts what was pushed. */
  convert(): void {
    if (this.batched === 0) return;
    const made = this.conversion.push(this.batch.slice(0, this.batched));
    this.batched = 0;
    const left = this.ready.subarray(this.gone * this.channels);
    this.gone = 0;
    if (left.length === 0) {
      this.ready = made;
      return;
    }
    this.ready = new Float32Array(left.length + made.length);
    this.ready.set(left);
    this.ready.set(made, left.length);
  }

  /** Throws the oldest frames away. */
  drop(frames: number): void {
    const count = Math.min(frames, this.frames);
    this.gone += count;
    this.index += count;
    this.forget();
  }

  /** Begins another run, at an engine frame; tells how many frames of the reader are lost so. */
  restart(from: number): number {
    const before = this.index;
    this.conversion.drop();
    this.batched = 0;
    this.ready = new Float32Array(0);
    this.gone = 0;
    this.marks = [];
    this.index = Math.max(before, Math.round(from * this.ratio));
    this.run = { index: this.index, from };
    return this.index - before;
  }

  /** Where the next `frames` frames are from; there are so many. */
  markOf(frames: number): Omit<CaptureMark, 'dropped'> {
    const at = this.engineFrame(this.index);
    const until = this.engineFrame(this.index + frames);
    const [first] = this.marks;
    if (first === undefined) throw new Error('what waits was captured in some turn');
    const rows = this.marks.filter((mark) => mark.from < until);
    const deviceDropFrames = rows.reduce((sum, row) => sum + row.deviceDropFrames, 0);
    // Told once, though other frames of these turns may follow.
    for (const row of rows) row.deviceDropFrames = 0;
    return {
      index: this.index,
      position: first.position,
      frame: Math.floor(at - first.from),
      tick: first.tick,
      generation: first.generation,
      timeMs: first.timeMs + ((at - first.from - this.engine.quantum) * 1000) / this.engine.rate,
      concealed: rows.some((row) => row.concealed),
      away: rows.some((row) => row.away),
      deviceDropFrames,
    };
  }

  /** Gives frames into the array of the format, or bytes. */
  give(into: CaptureData | Uint8Array, at: number, frames: number): void {
    const { channels, gone } = this;
    const samples = this.ready.subarray(gone * channels, (gone + frames) * channels);
    const { format } = this.format;
    if (into instanceof Float32Array) into.set(samples, at * channels);
    else if (into instanceof Uint8Array && format === 's24') this.giveThreeBytes(into, at, samples);
    else {
      const first = into.byteOffset + at * channels * bytesIn(into, format);
      const view = new DataView(into.buffer, first, samples.length * bytesIn(into, format));
      this.encoder.encode(samples, 0, samples.length, view, 0);
    }
    this.gone += frames;
    this.index += frames;
    this.forget();
  }

  private giveThreeBytes(into: Uint8Array, at: number, samples: Float32Array): void {
    const whole = new DataView(new ArrayBuffer(4 * samples.length));
    this.encoder.encode(samples, 0, samples.length, whole, 0);
    let byte = 3 * at * this.channels;
    for (let i = 0; i < samples.length; i++) {
      for (let k = 0; k < 3; k++) into[byte++] = whole.getUint8(4 * i + k);
    }
  }

  private engineFrame(index: number): number {
    return this.run.from + (index - this.run.index) / this.ratio;
  }

  /** Turns all of whose frames were given are not needed any more. */
  private forget(): void {
    // A frame on the edge belongs to the turn that it begins, whatever the division makes of it.
    const at = this.engineFrame(this.index) + 1e-6;
    const { quantum } = this.engine;
    let whole = 0;
    while (whole < this.marks.length - 1 && this.marks[whole]!.from + quantum <= at) whole++;
    if (whole > 0) this.marks.splice(0, whole);
  }
}

const sampleBytes = { s16: 2, s24: 3, s32: 4, f32: 4 } as const;

function bytesIn(data: CaptureData | Uint8Array, format: keyof typeof sampleBytes): number {
  return data instanceof Uint8Array ? sampleBytes[format] : data.BYTES_PER_ELEMENT;
}

/** @throws TenutoError `TENUTO_CAPTURE_FORMAT` when the array is not of the format. */
export function framesFor(
  into: CaptureData | Uint8Array,
  { format, channels }: EngineCapture['format'],
): number {
  const fits =
    into instanceof Uint8Array ||
    (format === 'f32' && into instanceof Float32Array) ||
    (format === 's16' && into instanceof Int16Array) ||
    ((format === 's24' || format === 's32') && into instanceof Int32Array);
  if (!fits) {
    const kind = (into as object | null)?.constructor?.name ?? typeof into;
    throw new TenutoError('TENUTO_CAPTURE_FORMAT', `${kind} holds no samples of ${format}`);
  }
  const samples = into instanceof Uint8Array ? into.length / sampleBytes[format] : into.length;
  const frames = samples / channels;
  if (!Number.isInteger(frames)) {
    const text = `${into.length} elements are no whole frames of ${channels} channels, ${format}`;
    throw new TenutoError('TENUTO_CAPTURE_FORMAT', text);
  }
  return frames;
}

/** An array of the format for so many frames. */
export function arrayFor({ format, channels }: EngineCapture['format'], frames: number) {
  const samples = frames * channels;
  if (format === 'f32') return new Float32Array(samples);
  return format === 's16' ? new Int16Array(samples) : new Int32Array(samples);
}
