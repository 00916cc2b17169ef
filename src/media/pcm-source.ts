import { assert, TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import {
  BlockConverter,
  ChannelMap,
  Converter,
  channelMatrix,
  interleave,
  mapChannels,
} from '../pcm/index.js';
import { type Decoder, type MediaFormat, openDecoder, type Tags } from './decoder.js';

/** What one wants to read, whatever the file holds. */
export interface PcmFormat {
  /** Frames per second of what is read. */
  rate: number;
  /** Channels of what is read, 1 to 8. */
  channels: number;
}

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
 * @param options the rate and the channels to give (default: the file's own), and `maxBytes`, the
 * that the samples may take (default: the limit of one asset).
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

/** Frames that the converter takes at a time. */
const maxInputFrames = 4096;

class FilePcm implements PcmSource {
  readonly rate: number;
  readonly channels: number;
  readonly media: PcmSource['media'];
  position = 0;
  readonly #decoder: Decoder;
  readonly #matrix: readonly Float64Array[];
  /** Mixing down comes before the conversion of the rate, mixing up after it: less to convert. */
  readonly #mapFirst: boolean;
  readonly #converter: Converter | BlockConverter | undefined;
  readonly #mapAfter: ChannelMap | undefined;
  #ended = false;

  constructor(decoder: Decoder, { rate, channels }: PcmFormat) {
    assert(rate > 0 && channels >= 1 && channels <= limits.channelsMax, 'the format is possible');
    this.rate = rate;
    this.channels = channels;
    this.#decoder = decoder;
    this.#matrix = channelMatrix(decoder.channels, channels);
    this.#mapFirst = channels < decoder.channels;
    if (decoder.rate !== rate) {
      const converted = Math.min(channels, decoder.channels);
      const format = { inputRate: decoder.rate, outputRate: rate, channels: converted };
      this.#converter = BlockConverter.supports(format)
        ? new BlockConverter(format)
        : new Converter({ ...format, maxInputFrames });
      if (channels > converted) {
        this.#mapAfter = new ChannelMap({ inputs: converted, outputs: channels });
      }
    }
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
      const frames = block ? this.#take(block) : this.#rest();
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

  #take(block: readonly Float32Array[]): Float32Array {
    const isMapped = this.#mapFirst || !this.#converter;
    const frames = interleave(isMapped ? mapChannels(block, this.#matrix) : block);
    const converter = this.#converter;
    if (!converter) return frames;
    const total = block[0]!.length;
    const ratio = this.rate / this.#decoder.rate;
    // What is still in the converter may come too; a few frames more are for rounding.
    const most = Math.ceil((total + converter.bufferedFrames) * ratio) + 8;
    const output = new Float32Array(most * converter.channels);
    let made = 0;
    for (let taken = 0; taken < total; ) {
      taken += converter.push(frames, total - taken, taken);
      made += converter.pull(output, most - made, made);
    }
    return this.#finish(output, made);
  }

  #rest(): Float32Array {
    const converter = this.#converter;
    if (!converter) return new Float32Array(0);
    const ratio = this.rate / this.#decoder.rate;
    converter.end();
    const output = new Float32Array(
      (Math.ceil(converter.bufferedFrames * ratio) + 8) * converter.channels,
    );
    return this.#finish(output, converter.pull(output, output.length / converter.channels));
  }

  /** The frames that were made, with the channels that are wanted. */
  #finish(output: Float32Array, frames: number): Float32Array {
    const map = this.#mapAfter;
    if (!map) return output.slice(0, frames * this.channels);
    const mapped = new Float32Array(frames * this.channels);
    map.map(output, mapped, frames);
    return mapped;
  }
}
