import { assert } from '../errors.js';
import { limits } from '../limits.js';
import { currentSealedTick, findRecord, isKept } from './journal.js';
import { type Geometry, journalTicks, record } from './layout.js';
import type { Segment } from './segment.js';
import { ticksBetween } from './ticks.js';

/**
 * One client stream: a segment of its own, so that a faulty client can damage only its own sound.
 * Interleaved float32 frames in a ring at the engine's rate and channels; the client writes frames
 * and then the count of frames ever written. What it wrote counts once the driver has sealed how
 * much of it a tick plays: the cursor in the tick's record. The counts go on from one client to the
 * next, so that a stream begins where the one before it in the same place ended.
 */
export interface StreamSegment {
  readonly words: Int32Array;
  readonly samples: Float32Array;
  readonly channels: number;
  /** Frames that the ring holds, a power of two. */
  readonly frames: number;
}

/** Word offsets of a stream's header, all written by its client. */
export const streamHeader = {
  /** Frames ever written (wraps). */
  written: 0,
  /** 1 while nothing of the ring is to be played: whoever set it is about to take frames back. */
  hold: 1,
  /** Samples that were no numbers, and samples beyond full scale (both wrap). */
  badSamples: 2,
  loudSamples: 3,
  /** Samples begin here. */
  words: 1024,
} as const;

/** No snapshot is taken while a patch fades into another or falls silent. */
const fadeMsMost = limits.patchFadeMsMax + 50;

type StreamGeometry = Pick<Geometry, 'quantum' | 'rateHz' | 'channels' | 'snapshotTicks'>;

/**
 * Ticks whose stream content stays in the ring after they were sealed. A replica that joins begins
 * at the newest snapshot from before the tick that is to be played next. Each slot is written to
 * every `snapshotTicks`, before a later tick is published, or right behind a fade; that one may be
 * too new by the lead, or torn, and then the one before it counts. So it goes back by two snapshots,
 * a fade and the lead at most, and has as long again as two snapshots to catch up.
 */
export function streamKeptTicks({ snapshotTicks, rateHz, quantum }: StreamGeometry): number {
  const fadeTicks = Math.ceil((fadeMsMost * rateHz) / 1000 / quantum);
  return Math.min(4 * snapshotTicks + fadeTicks, journalTicks);
}

/** Twice what a process takes to be started again on a machine that is busy with others. */
const recordedMs = 2000;

/** Frames that a client may write ahead. */
function framesAhead({ rateHz }: StreamGeometry): number {
  return Math.ceil((limits.streamBufferMsMax * rateHz) / 1000);
}

/** Frames of a stream's ring: what is left in it, and all that a client may write ahead. */
export function streamFrames(geometry: StreamGeometry): number {
  const { quantum, rateHz } = geometry;
  const recorded = Math.min(Math.ceil((recordedMs * rateHz) / 1000 / quantum), journalTicks);
  const kept = Math.max(streamKeptTicks(geometry), recorded) * quantum;
  return 2 ** Math.ceil(Math.log2(kept + framesAhead(geometry)));
}

/**
 * Ticks whose stream content clients leave in their rings: what replicas may ask for again, and, so
 * that a flight recorder which died finds its place again, all that the ring has room for.
 */
export function streamRecordedTicks(geometry: StreamGeometry): number {
  const room = streamFrames(geometry) - framesAhead(geometry);
  return Math.min(Math.floor(room / geometry.quantum), journalTicks);
}

export function streamBytes(geometry: StreamGeometry): number {
  return (streamHeader.words + streamFrames(geometry) * geometry.channels) * 4;
}

export function openStreamSegment(
  buffer: ArrayBufferLike,
  geometry: StreamGeometry,
): StreamSegment {
  const frames = streamFrames(geometry);
  const { channels } = geometry;
  assert((frames & (frames - 1)) === 0, 'a power of two');
  return {
    words: new Int32Array(buffer, 0, streamHeader.words),
    samples: new Float32Array(buffer, streamHeader.words * 4, frames * channels),
    channels,
    frames,
  };
}

/**
 * Frames that may be written now. A part of the ring is kept behind the play position, because a
 * replica that joins from a snapshot plays it again.
 *
 * @param cursor frames played, from the last sealed record.
 * @param keptFrames frames that a joining replica may ask for again.
 */
export function streamSpace(stream: StreamSegment, cursor: number, keptFrames: number): number {
  const written = Atomics.load(stream.words, streamHeader.written);
  return Math.max(0, stream.frames - keptFrames - ((written - cursor) | 0));
}

/** Copies interleaved frames into the ring and publishes them; all of them must fit. */
export function writeStream(stream: StreamSegment, samples: Float32Array): void {
  const { channels, frames } = stream;
  const written = Atomics.load(stream.words, streamHeader.written);
  const count = samples.length / channels;
  assert(Number.isInteger(count) && count <= frames, 'whole frames that fit');
  const at = written & (frames - 1);
  const first = Math.min(count, frames - at);
  stream.samples.set(samples.subarray(0, first * channels), at * channels);
  stream.samples.set(samples.subarray(first * channels), 0);
  Atomics.store(stream.words, streamHeader.written, (written + count) | 0);
}

/** Where the play position of a stream is, and since which tick it is known. */
export interface StreamPlace {
  /** The last sealed tick. */
  tick: number;
  /** Frames played when it is over. */
  cursor: number;
}

/**
 * The play position of a stream by the last sealed record. Before the first tick it is 0. Null when
 * the reader was too slow and has to look again.
 */
export function readStreamPlace(segment: Segment, stream: number): StreamPlace | null {
  const tick = currentSealedTick(segment);
  if (ticksBetween(tick, segment.layout.firstTick) < 0) return { tick, cursor: 0 };
  const at = findRecord(segment, tick);
  if (at < 0) return null;
  const cursor = Atomics.load(segment.words, at + record.streamCursors + stream);
  return isKept(segment, tick) ? { tick, cursor } : null;
}

/**
 * Ticks after which the driver has surely seen what was stored before the call: the record after
 * the last sealed one may have been prepared already, the one after that was not.
 */
export const streamNoticeTicks = 2;

/**
 * Throws away what is not played yet. To be called by who holds the stream, when it has had `hold`
 * set for `streamNoticeTicks`: the play position stands still then, and no replica will ever ask
 * for what lies behind it.
 */
export function rewindStream(stream: StreamSegment, cursor: number): void {
  Atomics.store(stream.words, streamHeader.written, cursor);
  Atomics.store(stream.words, streamHeader.hold, 0);
}

/**
 * Were all stream frames of a tick still in their rings when `sealed` was the last sealed tick?
 * A tick within what is kept always has them; later it depends on how much was played since.
 * Allocation-free; for the audio thread.
 *
 * @param keptTicks - what clients leave in the rings behind the play position
 */
export function hasStreamContent(
  segment: Segment,
  tick: number,
  sealed: number,
  keptTicks = streamKeptTicks(segment.layout),
): boolean {
  const { words, layout } = segment;
  if (ticksBetween(sealed, tick) < keptTicks) return true;
  const then = findRecord(segment, tick);
  const now = findRecord(segment, sealed);
  if (then < 0 || now < 0) return false;
  const keptFrames = keptTicks * layout.quantum;
  for (let i = 0; i < limits.streamsMax; i++) {
    const before = words[then + record.streamCursors + i]!;
    const after = words[now + record.streamCursors + i]!;
    if (((after - before) | 0) > keptFrames - layout.quantum) return false;
  }
  return isKept(segment, tick);
}
