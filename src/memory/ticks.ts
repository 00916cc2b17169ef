/**
 * Wrap-safe arithmetic. A *tick* is the index of one quantum: a 32-bit integer that wraps, held as
 * a signed int32. Two ticks are compared by their signed difference only.
 *
 * The words that several driver generations compete for hold two things at once, so that a single
 * compare-and-exchange fences and advances: the generation in the upper 8 bits and the lower 24
 * bits of a tick or of a ring position. A reader widens the 24 bits with a value that it knows to
 * be near (within 2^23 quanta, six hours at the defaults).
 */

/** Signed distance from `b` to `a`: positive when `a` is later. */
export function ticksBetween(a: number, b: number): number {
  return (a - b) | 0;
}

/** The tick `count` after `tick`. */
export function tickAfter(tick: number, count: number): number {
  return (tick + count) | 0;
}

/** Remainder of a tick by a power of two, right for negative ticks too. */
export function tickIndex(tick: number, powerOfTwo: number): number {
  return tick & (powerOfTwo - 1);
}

export function packFenced(generation: number, value: number): number {
  return (generation << 24) | (value & 0xffffff);
}

/** The low 8 bits of the generation that wrote the word. */
export function fencedGeneration(word: number): number {
  return word >>> 24;
}

/** The tick or position in a fenced word, widened by one that is near it. */
export function fencedValue(word: number, near: number): number {
  return (near + (((word - near) << 8) >> 8)) | 0;
}

/** True when generation `a` (8 bits) is later than `b`. */
export function isLaterGeneration(a: number, b: number): boolean {
  return ((a - b) << 24) >> 24 > 0;
}
