import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fencedGeneration,
  fencedValue,
  isLaterGeneration,
  packFenced,
  tickAfter,
  tickIndex,
  ticksBetween,
} from './ticks.js';

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

describe('ticks', () => {
  it('compare by signed difference across the wrap', () => {
    expect(ticksBetween(-(2 ** 31), 2 ** 31 - 1)).toBe(1);
    expect(ticksBetween(3, -2)).toBe(5);
    fc.assert(
      fc.property(int32, fc.nat(2 ** 31 - 1), (tick, count) => {
        expect(ticksBetween(tickAfter(tick, count), tick)).toBe(count);
      }),
    );
  });

  it('index a ring without a jump at the wrap', () => {
    fc.assert(
      fc.property(int32, (tick) => {
        const step = (tickIndex(tickAfter(tick, 1), 64) - tickIndex(tick, 64) + 64) % 64;
        expect(step).toBe(1);
      }),
    );
  });

  it('come whole out of a fenced word when a near one is known', () => {
    const near = fc.integer({ min: -(2 ** 23) + 1, max: 2 ** 23 - 1 });
    fc.assert(
      fc.property(int32, near, fc.nat(255), (tick, off, generation) => {
        const word = packFenced(generation, tick);
        expect(fencedGeneration(word)).toBe(generation);
        expect(fencedValue(word, tickAfter(tick, off))).toBe(tick);
      }),
    );
  });

  it('order generations across their wrap', () => {
    expect(isLaterGeneration(0, 255)).toBe(true);
    expect(isLaterGeneration(255, 0)).toBe(false);
    expect(isLaterGeneration(7, 7)).toBe(false);
  });
});
