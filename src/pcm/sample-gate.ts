/** Places in the tally of `cleanSamples`, which has `places` of them. */
export const gateTally = { nonFinite: 0, outside: 1, places: 2 } as const;

/**
 * The door for samples from outside: NaN and the infinities become 0, and what is outside of
 * [-1, 1] becomes the nearer end, so that inside all is finite and at most full scale. Each is
 * added to `tally`. Changes `count` samples from place `from` on where they are. May be called on
 * the audio thread.
 */
export function cleanSamples(
  samples: Float32Array,
  from: number,
  count: number,
  tally: Float64Array,
): void {
  const end = from + count;
  for (let i = from; i < end; i++) {
    const sample = samples[i]!;
    // False for NaN too.
    if (sample >= -1 && sample <= 1) continue;
    if (sample - sample !== 0) {
      samples[i] = 0;
      tally[gateTally.nonFinite]!++;
    } else {
      samples[i] = sample > 0 ? 1 : -1;
      tally[gateTally.outside]!++;
    }
  }
}
