import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimit } from './rate-limit.js';

describe('a rate limit', () => {
  it('never lets more through than the burst and what has grown since', () => {
    const waits = fc.array(fc.nat(200), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(
        waits,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 20 }),
        (list, perSec, burst) => {
          let nowMs = 0;
          let passed = 0;
          const rate = new RateLimit({ perSec, burst, placesMax: 4 }, () => nowMs);
          for (const waitMs of list) {
            nowMs += waitMs;
            if (rate.take('here')) passed++;
            expect(passed).toBeLessThanOrEqual(burst + (nowMs * perSec) / 1000);
          }
        },
      ),
    );
  });

  it('remembers so many places and no more, the quietest of them least', () => {
    const rate = new RateLimit({ perSec: 1, burst: 1, placesMax: 2 }, () => 0);
    expect(rate.take('a')).toBe(true);
    expect(rate.take('b')).toBe(true);
    expect(rate.take('a')).toBe(false);
    // b was quiet longest and is forgotten.
    expect(rate.take('c')).toBe(true);
    expect(rate.take('a')).toBe(false);
    expect(rate.take('b')).toBe(true);
  });
});
