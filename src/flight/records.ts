import { deflateRawSync } from 'node:zlib';
import { limits } from '../limits.js';
import type { Geometry } from '../memory/layout.js';
import { ByteReader, ByteWriter, JournalDamage } from './bytes.js';
import type { PatchState } from './follower.js';
import { inflate } from './sample-packing.js';

/** The run that a journal is of. */
export interface JournalHead {
  format: number;
  engine: string;
  /** Differs from run to run. */
  session: string;
  /** Milliseconds since 1970 when the engine was met. */
  startedMs: number;
  geometry: Pick<Geometry, 'quantum' | 'rateHz' | 'channels' | 'lead' | 'firstTick'>;
  /** Of Tenuto, and the digest of its kernels: with others the samples may differ. */
  version: string;
  kernels: string;
}

/** The format that this version writes and reads. */
export const journalFormat = 1;

/** An asset by its content. */
export interface AssetReference {
  /** SHA-256 of the samples' bytes, hexadecimal. */
  digest: string;
  channels: number;
  frames: number;
  rate: number;
}

/** A program as it was offered to the engine. */
export interface JournalProgram {
  number: number;
  /** Whether it holds nodes of the user's, whose code is in `info`. */
  hasOwnNodes: boolean;
  /** In the order of the program's assets. */
  assets: AssetReference[];
  /** A `PatchInfo` as JSON. */
  info: Uint8Array;
  program: Uint8Array;
}

/** Some of an asset's bytes. */
export interface AssetPart extends AssetReference {
  offset: number;
  bytes: Uint8Array;
}

/** Ticks from `from` up to the next state that the journal does not have. */
export interface JournalGap {
  from: number;
  /** The first tick after it. */
  to: number;
  why: string;
  timeMs: number;
}

const jsonMax = 16 << 20;

export function encodeHead(head: JournalHead): Buffer {
  const to = new ByteWriter();
  to.text(JSON.stringify(head));
  return to.bytes;
}

/** @throws JournalDamage */
export function decodeHead(payload: Buffer): JournalHead {
  const head = new ByteReader(payload).json(jsonMax, 'the head') as unknown as JournalHead;
  if (head.format !== journalFormat) {
    throw new JournalDamage(`format ${head.format}; this version reads ${journalFormat}`);
  }
  const { quantum, rateHz, channels, lead, firstTick } = head.geometry ?? {};
  const { quantumFramesMin, quantumFramesMax, rateHzMin, rateHzMax } = limits;
  const isSound =
    isWhole(quantum, quantumFramesMin, quantumFramesMax) &&
    quantum % 4 === 0 &&
    isWhole(rateHz, rateHzMin, rateHzMax) &&
    isWhole(channels, 1, limits.channelsMax) &&
    isWhole(lead, 1, limits.leadQuantaMax) &&
    isWhole(firstTick, -(2 ** 31), 2 ** 31 - 1);
  if (!isSound) throw new JournalDamage('the head tells of a format that cannot be');
  return head;
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
}

export function encodeProgramRecord(record: JournalProgram): Buffer {
  const { number, hasOwnNodes, assets, info, program } = record;
  const to = new ByteWriter(program.length + info.length + 4096);
  to.text(JSON.stringify({ number, hasOwnNodes, assets }));
  to.block(info);
  to.block(program);
  return to.bytes;
}

/** @throws JournalDamage */
export function decodeProgramRecord(payload: Buffer): JournalProgram {
  const from = new ByteReader(payload);
  const told = from.json(jsonMax, 'a program') as unknown as JournalProgram;
  const { number, hasOwnNodes, assets } = told;
  const isOdd =
    !isWhole(number, 1, 2 ** 31 - 1) ||
    typeof hasOwnNodes !== 'boolean' ||
    !Array.isArray(assets) ||
    assets.length > limits.assetsMax;
  if (isOdd) throw new JournalDamage('a program is odd');
  for (const asset of assets) checkAsset(asset);
  // A copy of its own: a Buffer's `slice` is not that of other arrays.
  const info = new Uint8Array(from.block(jsonMax, 'what is told of a program'));
  const program = new Uint8Array(from.block(limits.programBytesMax, 'a program'));
  return { number, hasOwnNodes, assets, info, program };
}

function checkAsset({ digest, channels, frames, rate }: AssetReference): void {
  const isSound =
    /^[0-9a-f]{64}$/.test(digest) &&
    isWhole(channels, 1, limits.channelsMax) &&
    isWhole(frames, 0, 2 ** 32) &&
    Number.isFinite(rate) &&
    frames * channels * 4 <= limits.assetBytesMax;
  if (!isSound) throw new JournalDamage('an asset is odd');
}

export function encodeAssetPart({ offset, bytes, ...reference }: AssetPart): Buffer {
  const to = new ByteWriter(bytes.length + 256);
  to.text(JSON.stringify(reference));
  to.f64(offset);
  to.block(bytes);
  return to.bytes;
}

/** @throws JournalDamage */
export function decodeAssetPart(payload: Buffer): AssetPart {
  const from = new ByteReader(payload);
  const reference = from.json(4096, 'an asset') as unknown as AssetReference;
  checkAsset(reference);
  const offset = from.f64();
  const bytes = from.block(limits.journalChunkBytesMax, 'a part of an asset');
  const whole = reference.frames * reference.channels * 4;
  if (!isWhole(offset, 0, whole) || offset + bytes.length > whole) {
    throw new JournalDamage('a part of an asset lies outside of it');
  }
  return { ...reference, offset, bytes };
}

export function encodeState(state: PatchState): Buffer {
  const { tick, program, previous, arena, streamCursors } = state;
  const to = new ByteWriter(arena.length / 2 + 64);
  to.i32(tick);
  to.count(program);
  to.count(previous);
  for (const cursor of streamCursors) to.i32(cursor);
  to.count(arena.length);
  to.raw(deflateRawSync(arena, { level: 1 }));
  return to.bytes;
}

/** @throws JournalDamage */
export function decodeState(payload: Buffer): PatchState {
  const from = new ByteReader(payload);
  const tick = from.i32();
  const program = from.count(0xffff_ffff, 'a program');
  const previous = from.count(0xffff_ffff, 'a program');
  const streamCursors = Int32Array.from({ length: limits.streamsMax }, () => from.i32());
  const bytes = from.count(limits.arenaBytesMax, 'the size of a state');
  const arena = inflate(from.raw(from.left), bytes);
  if (arena.length !== bytes) throw new JournalDamage('a state is too short');
  return { tick, program, previous, streamCursors, arena };
}

export function encodeGap({ from, to: end, why, timeMs }: JournalGap): Buffer {
  const to = new ByteWriter();
  to.i32(from);
  to.i32(end);
  to.text(why);
  to.f64(timeMs);
  return to.bytes;
}

/** @throws JournalDamage */
export function decodeGap(payload: Buffer): JournalGap {
  const from = new ByteReader(payload);
  return {
    from: from.i32(),
    to: from.i32(),
    why: from.text(4096, 'a reason'),
    timeMs: from.f64(),
  };
}
