import { assert } from '../errors.js';
import type { Segment } from './segment.js';
import { histogram, histogramBuckets, histogramEntries, histogramOctaves } from './watch-layout.js';

/**
 * The histograms that every process shares: name, and what is measured. Their order is their place
 * in memory. Whoever measures records, without locks.
 */
export const histogramTable = {
  quantumJitter:
    'how far the time between two quanta given to the device was from the length of one',
  outputLatency: 'from sealing a tick to the loudspeaker, as the device says, at each quantum',
} as const;

export type HistogramName = keyof typeof histogramTable;

const names = Object.keys(histogramTable) as HistogramName[];
assert(names.length <= histogramEntries, 'every histogram has a place');

/** The number of each histogram, for `recordInHistogram`. */
export const histogramIndex = Object.fromEntries(
  names.map((name, index) => [name, index]),
) as Record<HistogramName, number>;

const bucketsPerOctave = 8;
const topUs = 2 ** histogramOctaves - 1;
assert(bucketOf(topUs) === histogramBuckets - 1, 'the longest time has the last bucket');

/**
 * The bucket of a time: each octave of microseconds has eight, so that a bucket is an eighth of
 * what it counts at most; below 8 µs each microsecond has its own.
 */
function bucketOf(us: number): number {
  if (us < bucketsPerOctave) return us;
  const octave = 31 - Math.clz32(us);
  return (octave - 2) * bucketsPerOctave + ((us >> (octave - 3)) & (bucketsPerOctave - 1));
}

/** The least time in microseconds that a bucket counts; for the one after the last, its end. */
export function bucketFromUs(bucket: number): number {
  if (bucket < bucketsPerOctave) return bucket;
  const octave = Math.floor(bucket / bucketsPerOctave) + 2;
  return (bucketsPerOctave + (bucket % bucketsPerOctave)) * 2 ** (octave - 3);
}

/**
 * Counts one time in whole microseconds; below 0 counts as 0, above a second as the last bucket.
 * Allocation-free for integers; may be called on the audio thread and by several processes at once.
 */
export function recordInHistogram({ words, layout }: Segment, index: number, us: number): void {
  const bounded = us < 0 ? 0 : us > topUs ? topUs : us | 0;
  const at = layout.histograms + index * histogram.words;
  Atomics.add(words, at + histogram.buckets + bucketOf(bounded), 1);
  const before = Atomics.add(words, at + histogram.sumLowUs, bounded);
  // Unsigned, it passed the end of the word: that is from below 0 to 0 or above.
  if (before < 0 && ((before + bounded) | 0) >= 0) Atomics.add(words, at + histogram.sumHighUs, 1);
}

/** What a histogram counted so far. */
export interface HistogramStatus {
  count: number;
  sumUs: number;
  /** Times by bucket, up to the last that is not 0; see `bucketFromUs`. */
  buckets: number[];
}

/** All histograms by name. */
export function readHistograms(segment: Segment): Record<HistogramName, HistogramStatus> {
  const { words, layout } = segment;
  return Object.fromEntries(
    names.map((name, index) => {
      const at = layout.histograms + index * histogram.words;
      const buckets: number[] = [];
      let count = 0;
      let used = 0;
      for (let i = 0; i < histogramBuckets; i++) {
        const times = Atomics.load(words, at + histogram.buckets + i) >>> 0;
        buckets.push(times);
        count += times;
        if (times > 0) used = i + 1;
      }
      const low = Atomics.load(words, at + histogram.sumLowUs) >>> 0;
      const sumUs = Atomics.load(words, at + histogram.sumHighUs) * 2 ** 32 + low;
      return [name, { count, sumUs, buckets: buckets.slice(0, used) }];
    }),
  ) as Record<HistogramName, HistogramStatus>;
}
