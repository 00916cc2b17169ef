/** A generator of numbers in [0, 1). */
export type Random = () => number;

/**
 * The same seed gives the same numbers: mulberry32 by Tommy Ettinger, in the public domain. It
 * only chooses what to harm and when, so a short state is enough.
 *
 * @param seed whole number, 0 to 2^32 - 1
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of the list, each as likely; undefined when there is none. */
export function choose<T>(from: readonly T[], random: Random): T | undefined {
  return from[Math.floor(random() * from.length)];
}
