import { checksumWords } from './checksum.js';
import { quantumHeader, ReplicaState, replica, ringQuanta } from './layout.js';
import type { Segment } from './segment.js';
import { tickIndex, ticksBetween } from './ticks.js';

/** Word index of a replica's own words. */
export function replicaAt(segment: Segment, slot: number): number {
  return segment.layout.replicas + slot * replica.words;
}

/** Word index of the header of a tick's quantum on a replica's ring. */
export function quantumAt(segment: Segment, slot: number, tick: number): number {
  const { rings, ringStride, quantumStride } = segment.layout;
  return rings + slot * ringStride + tickIndex(tick, ringQuanta) * quantumStride;
}

/** Is the quantum of this tick on this replica's ring? */
export function hasQuantum(segment: Segment, slot: number, tick: number): boolean {
  const { words } = segment;
  const at = replicaAt(segment, slot);
  // Most slots are empty, which an ordinary read tells: an atomic one costs many times as much.
  const state = words[at + replica.state];
  if (state !== ReplicaState.ready && state !== ReplicaState.joining) return false;
  if (words[at + replica.publishedBy] !== words[at + replica.incarnation]) return false;
  const published = Atomics.load(words, at + replica.published);
  const ahead = ticksBetween(published, tick);
  return ahead >= 0 && ahead < ringQuanta - 1;
}

/**
 * Is what stands on the ring for this tick of the replica that holds the slot now? Before it came
 * there were others, or nothing but zeros.
 */
export function isOwnQuantum(segment: Segment, slot: number, tick: number): boolean {
  const { words } = segment;
  const at = quantumAt(segment, slot, tick);
  return (
    Atomics.load(words, at + quantumHeader.tick) === tick &&
    words[at + quantumHeader.incarnation] === words[replicaAt(segment, slot) + replica.incarnation]
  );
}

/**
 * Copies the quantum of a tick from a replica's ring. False when it is not there, or not whole:
 * then `into` holds nothing of use. Allocation-free.
 */
export function takeQuantum(
  segment: Segment,
  slot: number,
  tick: number,
  into: Int32Array,
): boolean {
  if (!hasQuantum(segment, slot, tick)) return false;
  const { words } = segment;
  const at = quantumAt(segment, slot, tick);
  if (!isOwnQuantum(segment, slot, tick)) return false;
  const samples = at + quantumHeader.words;
  const count = segment.layout.quantumSamples;
  for (let i = 0; i < count; i++) into[i] = words[samples + i]!;
  return checksumWords(into, 0, count) === words[at + quantumHeader.checksum];
}

/** The checksum that a replica published for a tick it is known to have. */
export function quantumChecksum(segment: Segment, slot: number, tick: number): number {
  return segment.words[quantumAt(segment, slot, tick) + quantumHeader.checksum]!;
}
