import { crc32 } from 'node:zlib';
import { limits } from '../limits.js';

/**
 * A journal file is a row of chunks, so that it may end anywhere: whatever was written whole counts.
 * Each has a header of five little-endian words: the magic word, its kind, its running number in the
 * file, the bytes that follow, and the CRC-32 of kind, number and those bytes.
 */
export const chunkHeaderBytes = 20;
const magic = 0x4a544e54; // "TNTJ" in the file

/** What a chunk holds; numbers never change their meaning. */
export const ChunkKind = {
  /** The run: format, engine, versions. The first of every file. */
  head: 1,
  /** A numbered program, what people know of it, and which assets it plays. */
  program: 2,
  /** A part of an asset's samples. */
  asset: 3,
  /** The whole state of the patch after a tick. */
  state: 4,
  /** Some ticks: commands, streams, what was played, events. */
  step: 5,
  /** Ticks that are missing, and why. */
  gap: 6,
  /** The run ended in order. */
  end: 7,
} as const;
export type ChunkKind = (typeof ChunkKind)[keyof typeof ChunkKind];

const kinds = new Set<number>(Object.values(ChunkKind));

/** What a reader finds where a chunk should begin. */
export interface ChunkHeader {
  kind: ChunkKind;
  number: number;
  bytes: number;
  sum: number;
}

export function encodeChunk(kind: ChunkKind, number: number, payload: Uint8Array): Buffer {
  const chunk = Buffer.allocUnsafe(chunkHeaderBytes + payload.length);
  chunk.writeUInt32LE(magic, 0);
  chunk.writeUInt32LE(kind, 4);
  chunk.writeUInt32LE(number >>> 0, 8);
  chunk.writeUInt32LE(payload.length, 12);
  chunk.set(payload, chunkHeaderBytes);
  chunk.writeUInt32LE(sumOf(chunk.subarray(4, 16), payload), 16);
  return chunk;
}

/** The header, or what is wrong with it. `header` has `chunkHeaderBytes` bytes. */
export function decodeChunkHeader(header: Buffer): ChunkHeader | string {
  if (header.readUInt32LE(0) !== magic) return 'no chunk begins there';
  const kind = header.readUInt32LE(4);
  if (!kinds.has(kind)) return `a chunk of unknown kind ${kind}`;
  const bytes = header.readUInt32LE(12);
  if (bytes > limits.journalChunkBytesMax) return `a chunk claims ${bytes} bytes`;
  return {
    kind: kind as ChunkKind,
    number: header.readUInt32LE(8),
    bytes,
    sum: header.readUInt32LE(16),
  };
}

/** Whether these are the bytes that the header was written for. */
export function isChunkWhole(header: Buffer, payload: Uint8Array): boolean {
  return header.readUInt32LE(16) === sumOf(header.subarray(4, 16), payload);
}

function sumOf(header: Uint8Array, payload: Uint8Array): number {
  return crc32(payload, crc32(header));
}
