import { limits } from '../limits.js';
import type { ByteSource } from './byte-source.js';

/** What STREAMINFO says (RFC 9639, 8.2). */
export interface StreamInfo {
  /** The 34 bytes as they stand in the file. */
  bytes: Uint8Array;
  blockFramesMax: number;
  rate: number;
  channels: number;
  bits: number;
  /** Frames of sound in the whole stream; undefined when it was not known. */
  frames: number | undefined;
}

export const streamInfoBytes = 34;

/** Longest header: 4 bytes, 7 of the number, 2 and 2 of sizes, the checksum. */
const headerBytesMax = 16;

/** Reads the block of at least 34 bytes that every FLAC stream begins with. */
export function parseStreamInfo(bytes: Uint8Array): StreamInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const packed = view.getBigUint64(10);
  const frames = Number(packed & 0xf_ffff_ffffn);
  return {
    bytes: bytes.slice(0, streamInfoBytes),
    blockFramesMax: view.getUint16(2),
    rate: Number(packed >> 44n),
    channels: Number((packed >> 41n) & 7n) + 1,
    bits: Number((packed >> 36n) & 31n) + 1,
    frames: frames === 0 ? undefined : frames,
  };
}

/**
 * Cuts a stream of FLAC frames into frames. FLAC does not state the length of a frame: its end is
 * where the next header, or the end of the file, follows on a right checksum.
 */
export class FlacFrames {
  /** Damaged frames and stretches that are no frames. */
  errors = 0;
  readonly #source: ByteSource;
  readonly #channels: number;
  readonly #frameBytesMax: number;
  /** Bytes searched in vain since a frame was found; bounds the work that crafted headers make. */
  #wasted = 0;
  #inGap = false;

  constructor(source: ByteSource, info: StreamInfo) {
    this.#source = source;
    this.#channels = info.channels;
    // No encoder makes a frame longer than its samples as they are, with a bit for the side channel.
    const samplesBytes = Math.ceil((info.blockFramesMax * info.channels * (info.bits + 1)) / 8);
    this.#frameBytesMax = Math.min(samplesBytes + 256, limits.mediaPacketBytesMax);
  }

  /** A copy of the next frame, or null at the end of the file. */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const window = await this.#source.peek(this.#frameBytesMax + headerBytesMax);
      if (window.length < headerBytesMax / 2) {
        if (window.length > 0) this.#gap();
        this.#source.skip(window.length);
        return null;
      }
      const start = this.#nextHeader(window, 0);
      if (start > 0) {
        if (!isTag(window)) this.#gap();
        this.#source.skip(start);
        continue;
      }
      const end = this.#frameEnd(window);
      if (end > 0) {
        const frame = window.slice(0, end);
        this.#source.skip(end);
        this.#wasted = 0;
        this.#inGap = false;
        return frame;
      }
      this.#gap();
      const searched = Math.min(window.length, this.#frameBytesMax);
      this.#wasted += searched;
      const giveUp = this.#wasted > 8 * this.#frameBytesMax;
      if (giveUp) this.#wasted = 0;
      this.#source.skip(giveUp ? searched : 1);
    }
  }

  #gap(): void {
    if (!this.#inGap) this.errors++;
    this.#inGap = true;
  }

  /** Offset of the next header from `from` on; the end, less a possible beginning, if none. */
  #nextHeader(window: Uint8Array, from: number): number {
    for (let at = window.indexOf(0xff, from); at >= 0; at = window.indexOf(0xff, at + 1)) {
      if (at + headerBytesMax > window.length && this.#source.remaining > window.length) return at;
      if (headerLength(window, at, this.#channels) > 0) return at;
    }
    return window.length;
  }

  /** Length of the frame at the start of the window, or 0 when no end of it is found. */
  #frameEnd(window: Uint8Array): number {
    const limit = Math.min(window.length, this.#frameBytesMax);
    let crc = 0;
    let at = 0;
    const first = headerLength(window, 0, this.#channels) + 2;
    for (let next = first; next < limit; next++) {
      next = window.indexOf(0xff, next);
      if (next < 0 || next >= limit) break;
      if (headerLength(window, next, this.#channels) === 0) continue;
      crc = crc16(window, at, next, crc);
      at = next;
      if (crc === 0) return next;
    }
    const atEnd = window.length <= this.#frameBytesMax && this.#source.remaining <= window.length;
    if (!atEnd) return 0;
    return crc16(window, at, window.length, crc) === 0 ? window.length : 0;
  }
}

/** Bytes of a valid frame header at `at`, or 0 (RFC 9639, 9.1). */
export function headerLength(bytes: Uint8Array, at: number, channels: number): number {
  if (bytes[at] !== 0xff || (bytes[at + 1]! & 0xfe) !== 0xf8) return 0;
  const sizes = bytes[at + 2]!;
  const layout = bytes[at + 3]!;
  const sizeCode = sizes >> 4;
  const rateCode = sizes & 15;
  const assignment = layout >> 4;
  if (sizeCode === 0 || rateCode === 15 || (layout & 1) !== 0) return 0;
  if (assignment > 10 || (assignment < 8 ? assignment + 1 : 2) !== channels) return 0;
  if (((layout >> 1) & 7) === 3) return 0;

  // The number is coded as UTF-8 would, in up to seven bytes.
  const lead = bytes[at + 4]!;
  const ones = Math.clz32(~(lead << 24));
  if (ones === 1 || ones === 8) return 0;
  let length = 4 + (ones === 0 ? 1 : ones);
  if (sizeCode === 6) length += 1;
  else if (sizeCode === 7) length += 2;
  if (rateCode === 12) length += 1;
  else if (rateCode > 12) length += 2;
  if (at + length >= bytes.length) return 0;
  return crc8(bytes, at, at + length) === bytes[at + length] ? length + 1 : 0;
}

/** CRC-8 with polynomial 0x07 (RFC 9639, 9.1.8). */
function crc8(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0;
  for (let i = from; i < to; i++) {
    crc ^= bytes[i]!;
    for (let bit = 0; bit < 8; bit++)
      crc = (crc & 0x80) !== 0 ? ((crc << 1) ^ 0x07) & 0xff : crc << 1;
  }
  return crc;
}

/** CRC-16 with polynomial 0x8005 (RFC 9639, 9.3); over a frame with its own it is 0. */
function crc16(bytes: Uint8Array, from: number, to: number, start: number): number {
  let crc = start;
  for (let i = from; i < to; i++) crc = ((crc << 8) & 0xffff) ^ crc16Table[(crc >> 8) ^ bytes[i]!]!;
  return crc;
}

const crc16Table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) !== 0 ? (crc << 1) ^ 0x8005 : crc << 1;
  return crc;
});

/** An ID3v1 tag, which some programs put behind the last frame. */
function isTag(window: Uint8Array): boolean {
  return window.length === 128 && Buffer.from(window.subarray(0, 3)).toString('latin1') === 'TAG';
}
