import { createHash } from 'node:crypto';

/** The name of a command as its record carries it: 64 bits of a hash, never 0. */
export interface IdHash {
  readonly low: number;
  readonly high: number;
}

/** The record of a command that was given no name. */
export const noId: IdHash = { low: 0, high: 0 };

/** Hashes a name. Two names that differ have the same hash once in 10^13 pairs of a window. */
export function hashOf(id: string): IdHash {
  const digest = createHash('sha256').update(id).digest();
  const low = digest.readInt32LE(0);
  const high = digest.readInt32LE(4);
  return low === 0 && high === 0 ? { low: 1, high: 0 } : { low, high };
}

/** A key of 53 bits for maps. */
export function keyOf({ low, high }: IdHash): number {
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
}
