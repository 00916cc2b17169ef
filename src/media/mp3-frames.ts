import { limits } from '../limits.js';
import type { ByteSource } from './byte-source.js';

/** One MPEG audio frame header (ISO/IEC 11172-3, 2.4.1.3; 13818-3 for the lower rates). */
export interface FrameHeader {
  /** 1, 2 or 2.5. */
  version: number;
  /** 1, 2 or 3. */
  layer: number;
  rate: number;
  channels: number;
  /** Bytes of the whole frame. */
  bytes: number;
  /** Frames of sound in it. */
  frames: number;
}

const bitratesKbps: Record<string, readonly number[]> = {
  '1/1': [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  '1/2': [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  '1/3': [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  '2/1': [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  '2/2': [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  '2/3': [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};

const rates = [44_100, 48_000, 32_000];

/** The header at `at`, or undefined. Frames of free bit rate are not among those we know. */
export function parseFrameHeader(bytes: Uint8Array, at: number): FrameHeader | undefined {
  if (bytes[at] !== 0xff || at + 4 > bytes.length) return undefined;
  const b1 = bytes[at + 1]!;
  const b2 = bytes[at + 2]!;
  if ((b1 & 0xe0) !== 0xe0) return undefined;
  const versionCode = (b1 >> 3) & 3;
  const layer = 4 - ((b1 >> 1) & 3);
  const bitrateCode = b2 >> 4;
  const rateCode = (b2 >> 2) & 3;
  const bad = versionCode === 1 || layer === 4 || bitrateCode === 0 || bitrateCode === 15;
  if (bad || rateCode === 3) return undefined;

  const version = versionCode === 3 ? 1 : versionCode === 2 ? 2 : 2.5;
  const rate = rates[rateCode]! / (version === 1 ? 1 : version === 2 ? 2 : 4);
  const bitrate = bitratesKbps[`${version === 1 ? 1 : 2}/${layer}`]![bitrateCode]! * 1000;
  const padding = (b2 >> 1) & 1;
  const frames = layer === 1 ? 384 : layer === 3 && version !== 1 ? 576 : 1152;
  const length =
    layer === 1
      ? (Math.floor((12 * bitrate) / rate) + padding) * 4
      : Math.floor(((frames / 8) * bitrate) / rate) + padding;
  const channels = bytes[at + 3]! >> 6 === 3 ? 1 : 2;
  return { version, layer, rate, channels, bytes: length, frames };
}

/** Whether both can stand in one stream. */
export function alike(a: FrameHeader, b: FrameHeader): boolean {
  return a.version === b.version && a.layer === b.layer && a.rate === b.rate;
}

/** Cuts an MPEG audio stream into frames, finding its way back after damage. */
export class Mp3Frames {
  /** Stretches that are no frames. */
  errors = 0;
  readonly first: FrameHeader;
  readonly #source: ByteSource;
  #inSync = true;

  private constructor(source: ByteSource, first: FrameHeader) {
    this.#source = source;
    this.first = first;
  }

  /**
   * Moves to the first frame, which must come soon and with two more behind it, or with the end
   * of the file; undefined when there is none.
   */
  static async find(source: ByteSource): Promise<Mp3Frames | undefined> {
    const end = source.position + limits.mediaSearchBytesMax;
    while (source.position < end) {
      const window = await source.peek(windowBytes);
      const rest = source.remaining <= window.length;
      for (let at = window.indexOf(0xff); at >= 0; at = window.indexOf(0xff, at + 1)) {
        if (!rest && at > window.length / 2) break;
        const header = chained(window, at, 3, rest);
        if (!header) continue;
        source.skip(at);
        return new Mp3Frames(source, header);
      }
      if (rest) return undefined;
      source.skip(window.length >> 1);
    }
    return undefined;
  }

  /** A copy of the next whole frame, or null at the end. */
  async next(): Promise<{ bytes: Uint8Array; header: FrameHeader } | null> {
    for (;;) {
      const window = await this.#source.peek(windowBytes);
      if (window.length < 4) return null;
      const rest = this.#source.remaining <= window.length;
      // Two headers in a row are needed to come back into step, one to stay in it.
      const header = chained(window, 0, this.#inSync ? 1 : 2, rest);
      if (header && alike(header, this.first)) {
        if (header.bytes > window.length) {
          this.errors++;
          this.#source.skip(window.length);
          return null;
        }
        this.#inSync = true;
        const bytes = window.slice(0, header.bytes);
        this.#source.skip(header.bytes);
        return { bytes, header };
      }
      if (this.#inSync) {
        if (rest && isTrailer(window)) return null;
        this.errors++;
        this.#inSync = false;
      }
      const next = window.indexOf(0xff, 1);
      this.#source.skip(next < 0 ? window.length : next);
    }
  }
}

/** Room for three frames of the largest kind. */
const windowBytes = 16 << 10;

/** The header at `at` when `count` frames follow each other there, or as many as the file has. */
function chained(
  window: Uint8Array,
  at: number,
  count: number,
  rest: boolean,
): FrameHeader | undefined {
  const first = parseFrameHeader(window, at);
  if (!first) return undefined;
  let next = at + first.bytes;
  for (let i = 1; i < count; i++) {
    if (next >= window.length) return rest && next === window.length ? first : undefined;
    const header = parseFrameHeader(window, next);
    if (!header) return rest && isTrailer(window.subarray(next)) ? first : undefined;
    if (!alike(first, header)) return undefined;
    next += header.bytes;
  }
  return first;
}

/** The tags that programs put behind the last frame, and the zeros that some pad with. */
function isTrailer(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 11)).toString('latin1');
  const tag = start.startsWith('TAG') || start.startsWith('APETAGEX');
  return tag || start.startsWith('LYRICSBEGIN') || bytes.every((byte) => byte === 0);
}
