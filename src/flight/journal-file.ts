import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TenutoError } from '../errors.js';
import { JournalDamage } from './bytes.js';
import { ChunkKind, chunkHeaderBytes, decodeChunkHeader, isChunkWhole } from './chunk.js';
import type { PatchState } from './follower.js';
import {
  type AssetPart,
  decodeAssetPart,
  decodeGap,
  decodeHead,
  decodeProgramRecord,
  decodeState,
  type JournalGap,
  type JournalHead,
  type JournalProgram,
} from './records.js';
import { decodeStep, type Step } from './step.js';

/** Where a journal cannot be read on. */
export interface Damage {
  file: string;
  /** Bytes from the start of the file up to which it is whole. */
  offset: number;
  why: string;
  /** It just ends there, as the file of a process does that was killed while it wrote. */
  isTorn: boolean;
}

/** What a journal holds, in order. */
export type JournalItem =
  | { kind: 'head'; head: JournalHead; file: string }
  | { kind: 'program'; program: JournalProgram }
  | { kind: 'asset'; part: AssetPart }
  | { kind: 'state'; state: PatchState }
  | { kind: 'step'; step: Step }
  | { kind: 'gap'; gap: JournalGap }
  | { kind: 'end' }
  | { kind: 'damage'; damage: Damage };

/** Files that hold assets, which are read before the others. */
const assetFile = /^asset-[0-9a-f]+\.tj$/;

/**
 * The files of a journal in the order in which they are to be read: the one that is named, or those
 * of a folder.
 *
 * @throws TenutoError `TENUTO_FILE_UNREADABLE`
 */
export function journalFiles(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => name.endsWith('.tj'));
    const assets = names.filter((name) => assetFile.test(name)).sort();
    const others = names.filter((name) => !assetFile.test(name)).sort();
    if (others.length === 0) throw unreadable(path, 'holds no journal');
    return [...assets, ...others].map((name) => join(path, name));
  } catch (cause) {
    if (cause instanceof TenutoError) throw cause;
    throw unreadable(path, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
}

function unreadable(path: string, why: string, cause?: unknown): TenutoError {
  return new TenutoError('TENUTO_FILE_UNREADABLE', `${path} ${why}`, { cause });
}

/**
 * Reads a journal, chunk by chunk, up to its end or to the first damage, which is then the last item
 * of its file. Holds one chunk at a time. Blocks while it reads.
 *
 * @throws TenutoError `TENUTO_FILE_UNREADABLE`, `TENUTO_JOURNAL_DAMAGED` when a file is no journal
 */
export function* readJournal(path: string): Generator<JournalItem> {
  for (const file of journalFiles(path)) yield* readJournalFile(file);
}

function* readJournalFile(file: string): Generator<JournalItem> {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (cause) {
    throw unreadable(file, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
  try {
    yield* readChunks(file, fd);
  } finally {
    closeSync(fd);
  }
}

function* readChunks(file: string, fd: number): Generator<JournalItem> {
  let offset = 0;
  const header = Buffer.alloc(chunkHeaderBytes);
  for (let number = 0; ; number++) {
    const there = readFully(fd, header, offset, file);
    if (there === 0) return;
    const damage = (why: string, isTorn = false): JournalItem => {
      if (offset === 0) {
        const text = `${file} is no journal, or damaged from the first byte on: ${why}`;
        throw new TenutoError('TENUTO_JOURNAL_DAMAGED', text);
      }
      return { kind: 'damage', damage: { file, offset, why, isTorn } };
    };
    if (there < chunkHeaderBytes) return yield damage('it ends within a chunk', true);
    const told = decodeChunkHeader(header);
    if (typeof told === 'string') return yield damage(told);
    // Never more than the file has, whatever a damaged length claims.
    if (told.bytes > bytesOf(fd, offset)) return yield damage('it ends within a chunk', true);
    const payload = Buffer.allocUnsafe(told.bytes);
    if (readFully(fd, payload, offset + chunkHeaderBytes, file) < told.bytes) {
      return yield damage('it ends within a chunk', true);
    }
    if (!isChunkWhole(header, payload)) return yield damage('a checksum does not fit');
    if (told.number !== number) return yield damage(`chunk ${number} is not where it was written`);
    if (number === 0 && told.kind !== ChunkKind.head) return yield damage('it has no head');
    let item: JournalItem;
    try {
      item = decode(told.kind, payload, file);
    } catch (error) {
      if (!(error instanceof JournalDamage)) throw error;
      return yield damage(error.message);
    }
    yield item;
    offset += chunkHeaderBytes + told.bytes;
  }
}

function bytesOf(fd: number, offset: number): number {
  return fstatSync(fd).size - offset - chunkHeaderBytes;
}

/** Reads until the buffer is full or the file ends; the bytes that are there. */
function readFully(fd: number, into: Buffer, offset: number, file: string): number {
  let filled = 0;
  try {
    while (filled < into.length) {
      const read = readSync(fd, into, filled, into.length - filled, offset + filled);
      if (read === 0) break;
      filled += read;
    }
  } catch (cause) {
    throw unreadable(file, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
  return filled;
}

function decode(kind: ChunkKind, payload: Buffer, file: string): JournalItem {
  switch (kind) {
    case ChunkKind.head:
      return { kind: 'head', head: decodeHead(payload), file };
    case ChunkKind.program:
      return { kind: 'program', program: decodeProgramRecord(payload) };
    case ChunkKind.asset:
      return { kind: 'asset', part: decodeAssetPart(payload) };
    case ChunkKind.state:
      return { kind: 'state', state: decodeState(payload) };
    case ChunkKind.step:
      return { kind: 'step', step: decodeStep(payload) };
    case ChunkKind.gap:
      return { kind: 'gap', gap: decodeGap(payload) };
    case ChunkKind.end:
      return { kind: 'end' };
  }
}
