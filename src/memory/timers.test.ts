import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { timer, timerPlaces, timerWindow } from './layout.js';
import {
  readTimers,
  recentTimes,
  recordTime,
  timerCount,
  timerIndex,
  timerUsMax,
} from './timers.js';

const { deviceOpen, takeoverGap, callbackResample } = timerIndex;

describe('a timer', () => {
  it('has nothing to tell before it measured', () => {
    const none = { count: 0, lastMs: 0, averageMs: 0, maxMs: 0 };
    for (const status of Object.values(readTimers(segmentFor()))) expect(status).toEqual(none);
  });

  it('tells the last, the average of the last hundred, and the longest of all', () => {
    const segment = segmentFor();
    recordTime(segment, deviceOpen, 90_000);
    for (let i = 1; i <= timerWindow; i++) recordTime(segment, deviceOpen, i * 1000);
    recordTime(segment, takeoverGap, 7);
    const timers = readTimers(segment);
    expect(timers.deviceOpen).toEqual({ count: 101, lastMs: 100, averageMs: 50.5, maxMs: 100 });
    expect(timers.takeoverGap).toEqual({ count: 1, lastMs: 0.007, averageMs: 0.007, maxMs: 0.007 });
    expect(timers.recreateTotal.count).toBe(0);
  });

  it('takes any number', () => {
    const segment = segmentFor();
    const told = (us: number) => {
      recordTime(segment, deviceOpen, us);
      return Math.round(readTimers(segment).deviceOpen.lastMs * 1000);
    };
    expect([-1, Number.NaN, 1.9, 2 ** 40, Number.POSITIVE_INFINITY].map(told)).toEqual([
      0,
      0,
      1,
      timerUsMax,
      timerUsMax,
    ]);
  });

  it('agrees with a plain list, also where its count wraps', () => {
    const times = fc.array(fc.integer({ min: 0, max: timerUsMax }), { maxLength: 300 });
    const firsts = fc.constantFrom(0, 2 ** 31 - 50, 2 ** 32 - 50);
    const segment = segmentFor();
    const at = segment.layout.timers + callbackResample * timer.words;
    fc.assert(
      fc.property(times, firsts, fc.nat(300), (list, first, among) => {
        segment.words[at + timer.count] = first;
        for (const us of list) recordTime(segment, callbackResample, us);
        const newest = Math.min(among, timerWindow, list.length);
        const kept = newest === 0 ? [] : list.slice(-newest);
        const sum = kept.reduce((total, us) => total + us, 0);
        expect(recentTimes(segment, callbackResample, newest)).toEqual({
          averageUs: newest === 0 ? 0 : sum / newest,
          maxUs: Math.max(0, ...kept),
        });
        expect(timerCount(segment, callbackResample)).toBe((first + list.length) % 2 ** 32);
        expect(timerPlaces).toBeGreaterThan(timerWindow);
      }),
    );
  });
});
