import { limits } from '../limits.js';
import type { ByteSource } from './byte-source.js';

/** One page, taken apart. */
export interface OggPage {
  serial: number;
  /** Position of the last packet that ends here, in the codec's count; undefined for none. */
  granule: number | undefined;
  /** First page of its stream. */
  first: boolean;
  /** Last page of its stream. */
  last: boolean;
  /** The packets that end on this page. */
  packets: Uint8Array[];
}

const headBytes = 27;
const pageBytesMax = headBytes + 255 + 255 * 255;

/**
 * Takes Ogg pages apart into packets (RFC 3533). Pages that do not match their checksum are left
 * out and counted, with the packets that reach into them.
 */
export class OggDemuxer {
  /** Damaged pages, gaps and stretches that are no pages. */
  errors = 0;
  readonly #source: ByteSource;
  #serial: number | undefined;
  #sequence = -1;
  #pieces: Uint8Array[] | undefined;
  #pieceBytes = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** From now on gives the pages of this stream, and the first page of any other one. */
  follow(serial: number): void {
    this.#serial = serial;
    this.#sequence = -1;
    this.#pieces = undefined;
  }

  /** The next page of interest, or null at the end of the file. */
  async next(): Promise<OggPage | null> {
    for (;;) {
      const bytes = await this.#sync();
      if (!bytes) return null;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const flags = bytes[5]!;
      const serial = view.getUint32(14, true);
      const first = (flags & 2) !== 0;
      if (!first && serial !== this.#serial) continue;
      const granule = Number(view.getBigInt64(6, true));
      return {
        serial,
        granule: granule >= 0 && granule <= Number.MAX_SAFE_INTEGER ? granule : undefined,
        first,
        last: (flags & 4) !== 0,
        packets:
          serial === this.#serial
            ? this.#packets(bytes, view.getUint32(18, true), (flags & 1) !== 0, first)
            : firstPacket(bytes),
      };
    }
  }

  /** Finds the next page with a right checksum, passes it and gives a copy. */
  async #sync(): Promise<Uint8Array | undefined> {
    let skipped = 0;
    for (;;) {
      const window = await this.#source.peek(pageBytesMax);
      if (window.length < headBytes) {
        if (skipped + window.length > 0) this.errors++;
        return undefined;
      }
      const length = pageLength(window, 0);
      if (length > 0 && length <= window.length) {
        const page = window.slice(0, length);
        if (checksumRight(page)) {
          this.#source.skip(length);
          if (skipped > 0) this.errors++;
          return page;
        }
      }
      const next = findPage(window, 1);
      this.#source.skip(next);
      skipped += next;
    }
  }

  #packets(page: Uint8Array, sequence: number, continues: boolean, first: boolean): Uint8Array[] {
    if (!first && this.#sequence >= 0 && sequence !== (this.#sequence + 1) >>> 0) {
      this.errors++;
      this.#pieces = undefined;
    }
    this.#sequence = sequence;
    if (!continues) {
      this.#pieces = [];
      this.#pieceBytes = 0;
    }
    const packets: Uint8Array[] = [];
    const segments = page[26]!;
    let at = headBytes + segments;
    let from = at;
    for (let i = 0; i < segments; i++) {
      const lacing = page[headBytes + i]!;
      at += lacing;
      if (lacing === 255 && i < segments - 1) continue;
      this.#piece(page.subarray(from, at));
      from = at;
      if (lacing === 255) break;
      // A packet whose beginning was lost is lost.
      if (this.#pieces) packets.push(joined(this.#pieces));
      this.#pieces = [];
      this.#pieceBytes = 0;
    }
    return packets;
  }

  #piece(bytes: Uint8Array): void {
    if (!this.#pieces) return;
    this.#pieceBytes += bytes.length;
    // Only the pictures in comments are that large, and nobody asks for them.
    if (this.#pieceBytes <= limits.mediaPacketBytesMax) this.#pieces.push(bytes);
  }
}

/** The packet that a first page holds, which is short and alone (RFC 3533, 4). */
function firstPacket(page: Uint8Array): Uint8Array[] {
  const segments = page[26]!;
  const table = page.subarray(headBytes, headBytes + segments);
  const ends = table.findIndex((lacing) => lacing < 255);
  const length = table.subarray(0, ends + 1).reduce((sum, lacing) => sum + lacing, 0);
  const from = headBytes + segments;
  return ends < 0 ? [] : [page.subarray(from, from + length)];
}

/** The last position that the stream `serial` states in the last bytes of the file. */
export async function lastGranule(source: ByteSource, serial: number): Promise<number | undefined> {
  const bytes = await source.tail(2 * pageBytesMax);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let last: number | undefined;
  for (let at = findPage(bytes, 0); at + headBytes <= bytes.length; at = findPage(bytes, at + 1)) {
    const length = pageLength(bytes, at);
    if (length === 0 || at + length > bytes.length) continue;
    if (!checksumRight(bytes.slice(at, at + length))) continue;
    const granule = Number(view.getBigInt64(at + 6, true));
    if (view.getUint32(at + 14, true) !== serial) last = undefined;
    else if (granule >= 0 && granule <= Number.MAX_SAFE_INTEGER) last = granule;
  }
  return last;
}

/** Bytes of the page at `at`, or 0 when there is none; `at` + 27 bytes must be there. */
function pageLength(bytes: Uint8Array, at: number): number {
  if (!isCapture(bytes, at) || bytes[at + 4] !== 0) return 0;
  const segments = bytes[at + 26]!;
  if (at + headBytes + segments > bytes.length) return bytes.length + 1;
  let length = headBytes + segments;
  for (let i = 0; i < segments; i++) length += bytes[at + headBytes + i]!;
  return length;
}

/** Offset of the next "OggS" from `from` on, or of where its first bytes may stand at the end. */
function findPage(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0x4f, from); at >= 0; at = bytes.indexOf(0x4f, at + 1)) {
    if (at + 4 > bytes.length || isCapture(bytes, at)) return at;
  }
  return bytes.length;
}

function isCapture(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at] === 0x4f && bytes[at + 1] === 0x67 && bytes[at + 2] === 0x67 && bytes[at + 3] === 0x53
  );
}

function checksumRight(page: Uint8Array): boolean {
  const view = new DataView(page.buffer, page.byteOffset, page.length);
  return oggChecksum(page) === view.getUint32(22, true);
}

/** CRC-32 with polynomial 0x04c11db7 from 0, not reflected, its own field taken as 0 (RFC 3533). */
export function oggChecksum(page: Uint8Array): number {
  let crc = 0;
  for (let i = 0; i < page.length; i++) {
    const byte = i >= 22 && i < 26 ? 0 : page[i]!;
    crc = (crc << 8) ^ crcTable[(crc >>> 24) ^ byte]!;
  }
  return crc >>> 0;
}

const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
