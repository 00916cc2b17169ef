import { clock, replicaSlots, SnapshotState, snapshot, snapshotsPerSlot } from './layout.js';
import type { Segment } from './segment.js';
import { ticksBetween } from './ticks.js';

/**
 * Snapshots: each replica slot has two, written in turn, so that one killed in mid-copy leaves the
 * other. A snapshot at tick T is the arena after T was rendered.
 */
export function snapshotAt(segment: Segment, slot: number, index: number): number {
  const { snapshots, snapshotStride } = segment.layout;
  return snapshots + (slot * snapshotsPerSlot + index) * snapshotStride;
}

/** Byte offset of a snapshot's arena. */
export function snapshotBytesAt(at: number): number {
  return (at + snapshot.words) * 4;
}

/**
 * Of a slot's snapshots the one to write at this tick: the one that is not valid, else the older.
 * -1 when there is one of this tick already, from a predecessor that went further: to write it
 * again over the older would leave none from before what is to be played next.
 */
export function olderSnapshot(segment: Segment, slot: number, tick: number): number {
  const { words } = segment;
  const first = snapshotAt(segment, slot, 0);
  const second = snapshotAt(segment, slot, 1);
  if (isAtOrAfter(segment, first, tick) || isAtOrAfter(segment, second, tick)) return -1;
  if (words[first + snapshot.state] !== SnapshotState.valid) return first;
  if (words[second + snapshot.state] !== SnapshotState.valid) return second;
  const newer = ticksBetween(words[first + snapshot.tick]!, words[second + snapshot.tick]!) > 0;
  return newer ? second : first;
}

function isAtOrAfter({ words }: Segment, at: number, tick: number): boolean {
  if (words[at + snapshot.state] !== SnapshotState.valid) return false;
  return ticksBetween(words[at + snapshot.tick]!, tick) >= 0;
}

/**
 * The newest valid snapshot of any replica from before the tick that is to be played next, as word
 * index; -1 when there is none. A later one would be of no use when all replicas died: whoever
 * joined from it would not render what is waited for.
 */
export function newestSnapshot(segment: Segment): number {
  const { words, layout } = segment;
  const head = words[layout.clock + clock.headTick]!;
  let best = -1;
  for (let slot = 0; slot < replicaSlots; slot++) {
    for (let index = 0; index < snapshotsPerSlot; index++) {
      const at = snapshotAt(segment, slot, index);
      if (Atomics.load(words, at + snapshot.state) !== SnapshotState.valid) continue;
      if (ticksBetween(words[at + snapshot.tick]!, head) >= 0) continue;
      const later =
        best < 0 || ticksBetween(words[at + snapshot.tick]!, words[best + snapshot.tick]!) > 0;
      if (later) best = at;
    }
  }
  return best;
}

/** Forgets the snapshots of a slot whose replica is not to be believed. */
export function discardSnapshots(segment: Segment, slot: number): void {
  for (let index = 0; index < snapshotsPerSlot; index++) {
    const at = snapshotAt(segment, slot, index);
    Atomics.store(segment.words, at + snapshot.state, SnapshotState.empty);
  }
}
