import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { JournalDamage } from './bytes.js';
import { ChunkKind, chunkHeaderBytes, decodeChunkHeader, isChunkWhole } from './chunk.js';
import { type FollowerPlace, placeAfter } from './follower.js';
import { decodeStep } from './step.js';

/** Where a journal file goes on. */
export interface LastStep {
  end: number;
  chunks: number;
  stepOffset: number;
  place: FollowerPlace;
}

/**
 * The last whole step of a file, or null when there is none (or no such file). A step is looked for
 * where it is said to be; if none is there, the file is read from its start.
 */
export function findLastStep(path: string, saidOffset: number | null): LastStep | null {
  let fd: number;
  try {
    // A pipe gives nothing back, and to open it waits for who writes there.
    if (!statSync(path).isFile()) return null;
    fd = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    const { size } = fstatSync(fd);
    if (saidOffset !== null) {
      const chunk = readChunk(fd, saidOffset, size);
      if (chunk?.step) return chunk.step;
    }
    let last: LastStep | null = null;
    let offset = 0;
    for (let number = 0; ; number++) {
      const chunk = readChunk(fd, offset, size);
      if (chunk === null || chunk.number !== number) return last;
      last = chunk.step ?? last;
      offset = chunk.end;
    }
  } finally {
    closeSync(fd);
  }
}

function readChunk(
  fd: number,
  offset: number,
  size: number,
): { number: number; end: number; step: LastStep | null } | null {
  const header = Buffer.alloc(chunkHeaderBytes);
  if (readSync(fd, header, 0, header.length, offset) < header.length) return null;
  const told = decodeChunkHeader(header);
  if (typeof told === 'string') return null;
  const end = offset + chunkHeaderBytes + told.bytes;
  if (end > size) return null;
  const payload = Buffer.allocUnsafe(told.bytes);
  if (readSync(fd, payload, 0, told.bytes, offset + chunkHeaderBytes) < told.bytes) return null;
  if (!isChunkWhole(header, payload)) return null;
  const { number } = told;
  if (told.kind !== ChunkKind.step) return { number, end, step: null };
  try {
    const place = placeAfter(decodeStep(payload));
    return { number, end, step: { end, chunks: number + 1, stepOffset: offset, place } };
  } catch (error) {
    if (error instanceof JournalDamage) return null;
    throw error;
  }
}
