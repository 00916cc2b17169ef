import { describe, expect, it } from 'vitest';
import { choose, seededRandom } from './random.js';
import { durationsOf } from './report.js';

describe('durations', () => {
  it('have no median and no maximum when there are none', () => {
    expect(durationsOf([])).toEqual({ count: 0, median: null, max: null });
  });

  it('are in the middle of two, and rounded', () => {
    expect(durationsOf([3])).toEqual({ count: 1, median: 3, max: 3 });
    expect(durationsOf([30, 1.23456, 2])).toEqual({ count: 3, median: 2, max: 30 });
    expect(durationsOf([4, 1, 2, 3])).toEqual({ count: 4, median: 2.5, max: 4 });
  });
});

describe('the generator of faults', () => {
  it('gives the same for the same seed, evenly, from 0 to below 1', () => {
    for (const seed of [0, 1, 7, 0xffff_ffff]) {
      const [one, other] = [seededRandom(seed), seededRandom(seed)];
      const counts = [0, 0, 0, 0];
      for (let i = 0; i < 4000; i++) {
        const value = one();
        expect(other()).toBe(value);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThan(1);
        counts[Math.floor(value * 4)]!++;
      }
      expect(Math.min(...counts)).toBeGreaterThan(850);
    }
    expect(seededRandom(1)()).not.toBe(seededRandom(2)());
  });

  it('chooses nothing from nothing', () => {
    expect(choose([], seededRandom(1))).toBeUndefined();
    expect(choose(['one'], seededRandom(1))).toBe('one');
  });
});
