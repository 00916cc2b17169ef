import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TenutoError } from '../errors.js';
import { type ChirpParameters, checkChirp, makeChirp } from './chirp.js';

const usual: ChirpParameters = {
  kind: 'linear',
  startHz: 2000,
  endHz: 20_000,
  durationMs: 50,
  amplitude: 0.8,
  rateHz: 48_000,
};

/** Turns of the wave in a stretch, by its changes of sign. */
function frequencyAt(samples: Float32Array, from: number, frames: number): number {
  let changes = 0;
  for (let i = from + 1; i < from + frames; i++) {
    if (Math.sign(samples[i]!) !== Math.sign(samples[i - 1]!)) changes++;
  }
  return (changes / 2 / (frames - 1)) * usual.rateHz;
}

describe('a chirp', () => {
  it('has its amplitude exactly, begins and ends softly, and is the same array each time', () => {
    const chirp = makeChirp(usual);
    expect(chirp.length).toBe(2400);
    expect(chirp.reduce((most, x) => Math.max(most, Math.abs(x)), 0)).toBe(Math.fround(0.8));
    expect(Math.abs(chirp[0]!)).toBeLessThan(1e-3);
    expect(Math.abs(chirp.at(-1)!)).toBeLessThan(1e-3);
    expect(makeChirp({ ...usual })).toBe(chirp);
    expect(makeChirp({ ...usual, amplitude: 0.4 })).not.toBe(chirp);
  });

  it('goes through its frequencies as its kind says', () => {
    const slow = { ...usual, durationMs: 1000 };
    expect(frequencyAt(makeChirp(slow), 24_000 - 600, 1200) / 11_000).toBeCloseTo(1, 2);
    const octaves = makeChirp({ ...slow, kind: 'exponential' });
    expect(frequencyAt(octaves, 24_000 - 600, 1200) / Math.sqrt(2000 * 20_000)).toBeCloseTo(1, 2);
    const down = makeChirp({ ...slow, startHz: 20_000, endHz: 2000 });
    expect(frequencyAt(down, 12_000 - 600, 1200) / 15_500).toBeCloseTo(1, 2);
  });

  it('is refused with its fault named', () => {
    const refusals: [Partial<ChirpParameters>, RegExp][] = [
      [{ startHz: 0 }, /above 0/],
      [{ endHz: 23_000 }, /beyond 22080 Hz/],
      [{ endHz: 2000 }, /must differ/],
      [{ amplitude: 0 }, /amplitude/],
      [{ amplitude: 1.01 }, /amplitude/],
      [{ durationMs: 0.1 }, /durationMs must be at least/],
      [{ durationMs: 1e9 }, /durationMs must be at most/],
      [{ startHz: 2000, endHz: 2010 }, /too little/],
      [{ startHz: Number.NaN }, /startHz is no number/],
    ];
    for (const [wrong, message] of refusals) {
      expect(() => checkChirp({ ...usual, ...wrong })).toThrow(message);
    }
    expect(() => checkChirp(usual, { lowHz: 20, highHz: 18_000 })).toThrow(/transducer/);
  });

  it('of any parameters is refused or sound', () => {
    const number = fc.oneof(fc.double(), fc.double({ min: 0, max: 30_000 }));
    const any = fc.record({
      kind: fc.constantFrom('linear' as const, 'exponential' as const),
      startHz: number,
      endHz: number,
      durationMs: fc.oneof(fc.double(), fc.double({ min: 0, max: 100 })),
      amplitude: fc.oneof(fc.double(), fc.double({ min: 0, max: 1 })),
      rateHz: fc.constantFrom(8000, 48_000),
    });
    fc.assert(
      fc.property(any, (parameters) => {
        try {
          const samples = makeChirp(parameters);
          expect(samples.every((x) => Math.abs(x) <= 1)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(TenutoError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
