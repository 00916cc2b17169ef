import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { db, listen, peak, rate, rms } from '../../../test/kit/dsp-listening.js';

const latency = 63;
const frames = 9600;

function limited(
  input: (frame: number) => number | readonly [number, number],
  text = 'ceiling: -1',
): { left: Float64Array; right: Float64Array } {
  return listen(`  limiter: { type: limiter, in: in, ${text} }`, {
    frames,
    last: 'limiter',
    input,
  });
}

describe('limiter', () => {
  it('never lets a sample exceed the ceiling, whatever comes', () => {
    const burst = fc.record({
      start: fc.integer({ min: 0, max: frames }),
      length: fc.integer({ min: 1, max: 400 }),
      level: fc.double({ min: -200, max: 200, noNaN: true }),
      turns: fc.double({ min: 0, max: 0.5, noNaN: true }),
    });
    const run = fc.property(
      fc.array(burst, { minLength: 1, maxLength: 12 }),
      fc.double({ min: -40, max: 0, noNaN: true }),
      (bursts, ceiling) => {
        const input = new Float64Array(frames);
        for (const { start, length, level, turns } of bursts) {
          for (let i = start; i < Math.min(frames, start + length); i++) {
            input[i] = input[i]! + level * Math.cos(2 * Math.PI * turns * (i - start));
          }
        }
        const { left } = limited((frame) => input[frame]!, `ceiling: ${ceiling}, release: 0.01`);
        // The ceiling itself is a single-precision number.
        expect(peak(left)).toBeLessThanOrEqual(10 ** (ceiling / 20) * (1 + 1e-6));
      },
    );
    fc.assert(run, { numRuns: 40 });
  });

  it('passes what is below the ceiling bit for bit, 63 frames late', () => {
    const input = (frame: number) => Math.fround(0.8 * Math.sin(frame * frame * 1e-4));
    const { left } = limited(input);
    for (let i = latency; i < frames; i++) expect(left[i]).toBe(input(i - latency));
    expect(peak(left.subarray(0, latency))).toBe(0);
  });

  it('turns the level down without bending the wave', () => {
    const bin = (frame: number) => Math.sin((2 * Math.PI * 1000 * frame) / rate);
    const { left } = limited((frame) => 4 * bin(frame), 'ceiling: -6, release: 0.5');
    const wave = left.slice(4800).map((value, i) => value - 0.5 * bin(4800 + i - latency));
    expect(db(rms(Float64Array.from(wave)))).toBeLessThan(-40);
  });

  it('gives both sides the same gain', () => {
    const { left, right } = limited((frame) => [8 * Math.sin(frame * 0.05), 0.1], 'ceiling: 0');
    for (let i = 1000; i < frames; i++) expect(right[i]).toBeLessThan(0.1 / 7);
    expect(peak(left)).toBeLessThanOrEqual(1);
  });

  it('comes back in its release time', () => {
    const { left } = limited((frame) => (frame < 2000 ? 10 : 0.1), 'ceiling: 0, release: 0.05');
    const gain = left.map((value) => value / 0.1);
    // One time constant after the loud part 1 / e of the loss is left.
    const after = gain[2000 + latency * 2 + 0.05 * rate]!;
    expect(after).toBeGreaterThan(1 - 0.9 / Math.E - 0.05);
    expect(after).toBeLessThan(1 - 0.9 / Math.E + 0.05);
    expect(gain[frames - 1]).toBeGreaterThan(0.9);
  });
});
