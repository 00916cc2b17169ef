/** Beyond this (+120 dBFS) a number is no sound but a mistake. */
export const LEVEL_MAX = 1e6;
/** Below this (-360 dBFS) nothing is audible, and denormal numbers are not far. */
export const LEVEL_MIN = 1e-18;

/**
 * Makes silence of `samples[at]` if it is NaN, infinite, denormal or no sensible level: for what
 * enters or leaves the graph. It takes a place rather than a number because a number that is passed
 * to a function which V8 has not inlined is allocated.
 */
export function holdLevel(samples: Float32Array, at: number): void {
  const magnitude = Math.abs(samples[at]!);
  if (!(magnitude >= LEVEL_MIN && magnitude <= LEVEL_MAX)) samples[at] = 0;
}
