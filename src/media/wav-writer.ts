import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { assert, TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import {
  parseWavHeader,
  riffBytesMax,
  type WavFormat,
  type WavSamples,
  wavFrameBytes,
  wavHeader,
  wavHeaderBytes,
} from './wav-format.js';

/** What `WavWriter` needs to know. */
export interface WavWriterOptions extends WavFormat {
  /** Largest RIFF size before the file becomes RF64. Default: what 32 bits can say. */
  riffBytesMax?: number;
}

/**
 * Writes a WAV file, float32 or s16, with synchronous system calls, for a process that does nothing else.
 *
 * The file is a valid WAV at any instant: samples are written first, then the sizes in the header
 * in one call, so a kill between the two leaves a header that claims less than there is. It
 * becomes RF64 in place when it outgrows 4 GiB. Nothing in it depends on time or place.
 * Not to be called on the audio thread.
 */
export class WavWriter {
  readonly path: string;
  readonly rate: number;
  readonly channels: number;
  readonly samples: WavSamples;
  readonly #riffMax: number;
  readonly #headerBytes: number;
  readonly #frameBytes: number;
  #fd: number;
  #frames: number;

  private constructor(path: string, fd: number, options: WavWriterOptions, frames: number) {
    this.path = path;
    this.rate = options.rate;
    this.channels = options.channels;
    this.#riffMax = options.riffBytesMax ?? riffBytesMax;
    this.#headerBytes = wavHeaderBytes(options.channels);
    this.samples = options.samples ?? 'f32';
    this.#frameBytes = wavFrameBytes(options);
    this.#fd = fd;
    this.#frames = frames;
  }

  /**
   * Makes a new file, or empties the one that is there.
   *
   * @throws TenutoError `TENUTO_RECORD_FAILED` when it cannot be made; nothing is left then.
   */
  static create(path: string, options: WavWriterOptions): WavWriter {
    checkFormat(options);
    const fd = attempt(path, 'cannot be made', () => openSync(path, 'w'));
    const writer = new WavWriter(path, fd, options, 0);
    try {
      writer.#writeHeader();
    } catch (cause) {
      const status = fstatSync(fd);
      closeSync(fd);
      // Never a device: its node would be gone for everybody.
      if (status.isFile() && status.size === 0) removeQuietly(path);
      throw failure(path, 'cannot be written', cause);
    }
    return writer;
  }

  /**
   * Goes on with a file that a writer left behind, killed or not: takes the samples that are in
   * the file whatever its header says, and drops a frame that is torn at the end.
   *
   * @param options the format it must have; with it, a file in which not even the header was
   * written yet is begun anew.
   * @throws TenutoError `TENUTO_RECORD_FAILED` when there is no such file, it was not made by
   * this writer, or has another format. The file is untouched then.
   */
  static resume(path: string, options?: WavWriterOptions): WavWriter {
    const fd = attempt(path, 'cannot be opened', () => openSync(path, 'r+'));
    try {
      const { size } = fstatSync(fd);
      if (size === 0 && options) {
        closeSync(fd);
        return WavWriter.create(path, options);
      }
      const head = new Uint8Array(wavHeaderBytes(limits.channelsMax));
      const format = parseWavHeader(head.subarray(0, readSync(fd, head, 0, head.length, 0)));
      if (!format) throw failure(path, 'is no recording of this program');
      const wanted = { samples: 'f32', ...options };
      const isOther =
        wanted.rate !== format.rate ||
        wanted.channels !== format.channels ||
        wanted.samples !== format.samples;
      if (options && isOther) {
        const is = `${format.rate} Hz, ${format.channels} channels, ${format.samples}`;
        throw failure(path, `is another recording (${is})`);
      }
      const dataBytes = size - wavHeaderBytes(format.channels);
      const frames = Math.floor(dataBytes / wavFrameBytes(format));
      const writer = new WavWriter(path, fd, { ...options, ...format }, frames);
      writer.#settle();
      return writer;
    } catch (cause) {
      closeQuietly(fd);
      throw cause instanceof TenutoError ? cause : failure(path, 'cannot be read', cause);
    }
  }

  /** Whole frames in the file. */
  get framesWritten(): number {
    return this.#frames;
  }

  /**
   * Appends `frames` frames (default: all) of interleaved samples, then corrects the header. The
   * array is that of the file's samples.
   *
   * @throws TenutoError `TENUTO_RECORD_FAILED` on a full disk or a failing one. The file then
   * ends with the last whole frame that found place, its header is right, `framesWritten` counts
   * it, and `append` may be tried again with the rest.
   */
  append(
    interleaved: Float32Array | Int16Array,
    frames = interleaved.length / this.channels,
  ): void {
    assert(this.#fd >= 0, 'the writer is open');
    assert(interleaved instanceof Int16Array === (this.samples === 's16'), 'samples of the file');
    assert(
      Number.isInteger(frames) && frames >= 0 && frames * this.channels <= interleaved.length,
      'whole frames are appended',
    );
    if (frames === 0) return;
    const bytes = new Uint8Array(
      interleaved.buffer,
      interleaved.byteOffset,
      frames * this.#frameBytes,
    );
    const start = this.#headerBytes + this.#frames * this.#frameBytes;
    let written = 0;
    try {
      while (written < bytes.length) {
        const count = writeSync(this.#fd, bytes, written, bytes.length - written, start + written);
        if (count === 0) throw new Error('the system wrote nothing');
        written += count;
      }
      this.#frames += frames;
      this.#writeHeader();
    } catch (cause) {
      if (written < bytes.length) this.#frames += Math.floor(written / this.#frameBytes);
      this.#settleQuietly();
      throw failure(this.path, `cannot be written after ${this.#frames} frames`, cause);
    }
  }

  /**
   * Waits until all of it is on the disk, so that it survives a loss of power too. May take long.
   *
   * @throws TenutoError `TENUTO_RECORD_FAILED`.
   */
  sync(): void {
    assert(this.#fd >= 0, 'the writer is open');
    attempt(this.path, 'cannot be written', () => {
      this.#writeHeader();
      fdatasyncSync(this.#fd);
    });
  }

  /** Ends the file. May be called again, to no effect. */
  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    attempt(this.path, 'cannot be closed', () => closeSync(fd));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** One call inside one page: a kill sees the header before it or after it, never between. */
  #writeHeader(): void {
    const header = wavHeader(this, this.#frames * this.#frameBytes, this.#riffMax);
    const count = writeSync(this.#fd, header, 0, header.length, 0);
    if (count < header.length) throw new Error('the header was written in part');
  }

  /** Makes the file end with its last whole frame, and the header say so. */
  #settle(): void {
    ftruncateSync(this.#fd, this.#headerBytes + this.#frames * this.#frameBytes);
    this.#writeHeader();
  }

  #settleQuietly(): void {
    try {
      this.#settle();
    } catch {
      // The header still claims no more than there is, and the first failure is the one to report.
    }
  }
}

function checkFormat({ rate, channels }: WavFormat): void {
  assert(Number.isInteger(rate) && rate > 0, 'the rate is in whole Hz');
  assert(channels >= 1 && channels <= limits.channelsMax, 'the number of channels is in range');
}

function attempt<T>(path: string, what: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw failure(path, what, cause);
  }
}

function failure(path: string, what: string, cause?: unknown): TenutoError {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new TenutoError('TENUTO_RECORD_FAILED', `${path} ${what}${reason}`, { cause });
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // It was closed already by whoever reported the failure.
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It stays behind empty; the first failure is the one to report.
  }
}
