import { assert, TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { FormatConversion, interleave, type PcmFormat } from '../pcm/index.js';
import { type Decoder, type MediaFormat, openDecoder, type Tags } from './decoder.js';

/** A sound file as the engine wants it: interleaved, at its rate and with its channels. */
export interface PcmSource extends AsyncDisposable {
  readonly rate: number;
  readonly channels: number;
  /** Frames that there will be if the file is what it says; undefined when it does not say. */
  readonly frames: number | undefined;
  /** Frames read so far. */
  readonly position: number;
  /** Damaged places met so far, each left out. */
  readonly errors: number;
  /** What the file is. */
  readonly media: { format: MediaFormat; rate: number; channels: number; tags: Tags };
  /** The next frames, interleaved, never empty and the reader's to keep; null at the end. */
  read(): Promise<Float32Array | null>;
  close(): Promise<void>;
}

/**
 * Opens a sound file for playing. Memory stays bounded whatever its length.
 *
 * @param format the rate and the channels to give; default: the file's own.
 * @throws TenutoError as `openDecoder` does.
 */
export async function openPcm(path: string, format: Partial<PcmFormat> = {}): Promise<PcmSource> {
  const decoder = await openDecoder(path);
  const { rate = decoder.rate, channels = decoder.channels } = format;
  return new FilePcm(decoder, { rate, channels });
}

/** A file in memory. */
export interface DecodedAudio {
  /** Interleaved. */
  samples: Float32Array;
  frames: number;
  rate: number;
  channels: number;
  /** Damaged places that were left out. */
  errors: number;
}

/**
 * Decodes a whole file, for an asset.
 *
 * @param options the rate and the channels to give (default: the file's own), and `maxBytes` that the
 * samples may take (default: the limit of one asset).
 * @throws TenutoError `TENUTO_MEDIA_LIMIT` as soon as it is known to be larger; otherwise as
 * `openDecoder` does.
 */
export async function decodeWhole(
  path: string,
  options: Partial<PcmFormat> & { maxBytes?: number } = {},
): Promise<DecodedAudio> {
  const { maxBytes = limits.assetBytesMax, ...format } = options;
  const source = await openPcm(path, format);
  const { rate, channels } = source;
  try {
    const blocks: Float32Array[] = [];
    let length = 0;
    for (let block = await source.read(); block; block = await source.read()) {
      length += block.length;
      const bytes = Math.max(length, (source.frames ?? 0) * channels) * 4;
      if (bytes > maxBytes) {
        const says = `${bytes} bytes when decoded, ${maxBytes} are allowed`;
        throw new TenutoError('TENUTO_MEDIA_LIMIT', `${path}: ${says}`);
      }
      blocks.push(block);
    }
    const samples = new Float32Array(length);
    let at = 0;
    for (const block of blocks) {
      samples.set(block, at);
      at += block.length;
    }
    return { samples, frames: length / channels, rate, channels, errors: source.errors };
  } finally {
    await source.close();
  }
}

class FilePcm implements PcmSource {
  readonly rate: number;
  readonly channels: number;
  readonly media: PcmSource['media'];
  position = 0;
  readonly #decoder: Decoder;
  readonly #conversion: FormatConversion;
  #ended = false;

  constructor(decoder: Decoder, { rate, channels }: PcmFormat) {
    assert(rate > 0 && channels >= 1 && channels <= limits.channelsMax, 'the format is possible');
    this.rate = rate;
    this.channels = channels;
    this.#decoder = decoder;
    const waitMs = Number.POSITIVE_INFINITY;
    this.#conversion = new FormatConversion(decoder, { rate, channels }, { waitMs });
    const { format, tags } = decoder;
    this.media = { format, rate: decoder.rate, channels: decoder.channels, tags };
  }

  get frames(): number | undefined {
    const { frames, rate } = this.#decoder;
    return frames === undefined ? undefined : Math.round((frames * this.rate) / rate);
  }

  get errors(): number {
    return this.#decoder.errors;
  }

  async read(): Promise<Float32Array | null> {
    while (!this.#ended) {
      const block = await this.#decoder.read();
      if (!block) this.#ended = true;
      const frames = block ? this.#conversion.push(interleave(block)) : this.#conversion.end();
      if (frames.length === 0) continue;
      this.position += frames.length / this.channels;
      return frames;
    }
    return null;
  }

  close(): Promise<void> {
    return this.#decoder.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
