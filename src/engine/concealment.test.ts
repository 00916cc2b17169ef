import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Concealment } from './concealment.js';

const quantum = 64;

/** Largest step between neighbouring samples. */
function largestStep(samples: number[]): number {
  let largest = 0;
  for (let i = 1; i < samples.length; i++) {
    largest = Math.max(largest, Math.abs(samples[i]! - samples[i - 1]!));
  }
  return largest;
}

describe('concealment', () => {
  it('goes from the last sample to silence and to the next one without a step', () => {
    const level = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(level, level, fc.integer({ min: 1, max: 4 }), (before, after, quanta) => {
        const concealment = new Concealment(quantum, 1);
        const into = new Float32Array(quantum);
        const heard: number[] = [before];
        concealment.follow(new Float32Array(quantum).fill(before));
        for (let i = 0; i < quanta; i++) {
          concealment.fill(into);
          heard.push(...into);
        }
        expect(Math.abs(into[quantum - 1]!)).toBeLessThan(1e-6);
        concealment.approach(new Float32Array(quantum).fill(after), into);
        heard.push(...into, after);
        // A raised cosine of this length is never steeper than pi / 2 in its length.
        expect(largestStep(heard)).toBeLessThan(Math.PI / 2 / quantum + 1e-6);
      }),
    );
  });

  it('is silent from the first when nothing was played', () => {
    const into = new Float32Array(quantum).fill(1);
    new Concealment(quantum, 1).fill(into);
    expect(into.every((sample) => sample === 0)).toBe(true);
  });
});
