import { assert } from '../errors.js';
import type { Segment } from './segment.js';
import { timer, timerEntries, timerPlaces, timerWindow } from './watch-layout.js';

/**
 * The timers that every process shares: name, and what is measured. Their order is their place in
 * memory. Whoever measures records, without locks.
 */
export const timerTable = {
  recreateTotal: 'from asking for another opening of a device to the first quantum on it',
  callbackResample: 'rate conversion of one quantum',
  deviceOpen: 'opening and starting a device',
  takeoverGap: 'without a quantum at a change of driver',
} as const;

export type TimerName = keyof typeof timerTable;

const names = Object.keys(timerTable) as TimerName[];
assert(names.length <= timerEntries, 'every timer has a place');
assert(timerWindow < timerPlaces, 'a measurement that is being written is not read as an old one');

/** The number of each timer, for `recordTime`. */
export const timerIndex = Object.fromEntries(names.map((name, index) => [name, index])) as Record<
  TimerName,
  number
>;

/** The longest time that is told from a longer one: 17 minutes. */
export const timerUsMax = 0x3fffffff;

/**
 * Records one measurement of a timer, in whole microseconds; below 0 counts as 0, above
 * `timerUsMax` as that. Allocation-free for integers; may be called on the audio thread and by
 * several processes at once.
 */
export function recordTime({ words, layout }: Segment, index: number, us: number): void {
  const bounded = us < 0 ? 0 : us > timerUsMax ? timerUsMax : us | 0;
  const at = layout.timers + index * timer.words;
  const place = Atomics.add(words, at + timer.count, 1) & (timerPlaces - 1);
  Atomics.store(words, at + timer.places + place, bounded);
  Atomics.store(words, at + timer.lastUs, bounded);
  let known = Atomics.load(words, at + timer.maxUs);
  // Each turn that fails means that somebody else raised it.
  while (bounded > known) {
    const found = Atomics.compareExchange(words, at + timer.maxUs, known, bounded);
    if (found === known) return;
    known = found;
  }
}

/** How often a timer measured, as an unsigned number that wraps at 2^32. */
export function timerCount({ words, layout }: Segment, index: number): number {
  return Atomics.load(words, layout.timers + index * timer.words + timer.count) >>> 0;
}

/**
 * Average and longest of a timer's newest measurements, in microseconds: of `among`, or of the last
 * 100 when those are fewer. 0 when there is none.
 */
export function recentTimes(
  { words, layout }: Segment,
  index: number,
  among: number,
): { averageUs: number; maxUs: number } {
  const at = layout.timers + index * timer.words;
  const count = Atomics.load(words, at + timer.count);
  const newest = Math.min(among, timerWindow);
  let sum = 0;
  let maxUs = 0;
  for (let back = 1; back <= newest; back++) {
    const us = Atomics.load(words, at + timer.places + ((count - back) & (timerPlaces - 1)));
    sum += us;
    if (us > maxUs) maxUs = us;
  }
  return { averageUs: newest === 0 ? 0 : sum / newest, maxUs };
}

/** What a timer measured so far. */
export interface TimerStatus {
  /** Measurements, wrapping at 2^32. */
  count: number;
  lastMs: number;
  /** Of the last 100. */
  averageMs: number;
  /** Of all. */
  maxMs: number;
}

/** All timers by name. */
export function readTimers(segment: Segment): Record<TimerName, TimerStatus> {
  const { words, layout } = segment;
  return Object.fromEntries(
    names.map((name, index) => {
      const at = layout.timers + index * timer.words;
      const count = timerCount(segment, index);
      return [
        name,
        {
          count,
          lastMs: Atomics.load(words, at + timer.lastUs) / 1000,
          averageMs: recentTimes(segment, index, count).averageUs / 1000,
          maxMs: Atomics.load(words, at + timer.maxUs) / 1000,
        },
      ];
    }),
  ) as Record<TimerName, TimerStatus>;
}
