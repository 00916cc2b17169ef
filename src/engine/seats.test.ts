import { describe, expect, it } from 'vitest';
import { emptySeat, isStill } from './seats.js';

/** Looks at these milliseconds, each with what the process has come to; patience 150 ms. */
function looks(...steps: readonly (readonly [ms: number, progress: number])[]): boolean[] {
  const seat = emptySeat({ row: 0, role: 'replica', place: 0, firstWave: true });
  return steps.map(([ms, progress]) => isStill(seat, progress, 1e9 + ms * 1000, 150));
}

describe('a process', () => {
  it('stands still once it has come no further for longer than it may', () => {
    const heard = looks([0, 7], [100, 8], [170, 8], [240, 8], [260, 8], [300, 9], [400, 9]);
    expect(heard).toEqual([false, false, false, false, true, false, false]);
  });

  it('is not judged by one look, however late: it may have had no chance to work either', () => {
    expect(looks([0, 7], [60_000, 7], [60_010, 8])).toEqual([false, false, false]);
    expect(looks([0, 7], [60_000, 7], [60_080, 7])).toEqual([false, false, true]);
  });
});
