import { beforeAll, describe, expect, it } from 'vitest';
import { noiseFor, recordEchoes } from '../../test/kit/echoes.js';
import { chanceOfError, findArrivals, type Search } from './arrivals.js';
import { arrivalBoundSec, falseAlarm, falseAlarmPeak } from './bounds.js';
import { makeChirp } from './chirp.js';
import { Fourier } from './fourier.js';
import { MatchedFilter } from './matched-filter.js';
import { refineCarrier } from './refinement.js';

const rateHz = 48_000;
const frames = 6000;
const chirps = {
  wide: makeChirp({
    kind: 'linear',
    startHz: 2000,
    endHz: 20_000,
    durationMs: 50,
    amplitude: 0.8,
    rateHz,
  }),
  low: makeChirp({
    kind: 'linear',
    startHz: 1000,
    endHz: 10_000,
    durationMs: 50,
    amplitude: 0.8,
    rateHz,
  }),
  octaves: makeChirp({
    kind: 'exponential',
    startHz: 500,
    endHz: 16_000,
    durationMs: 40,
    amplitude: 0.8,
    rateHz,
  }),
};

let fourier: Fourier;
beforeAll(async () => {
  fourier = await Fourier.load();
});

const search: Search = { fromFrame: 0, toFrame: 3000, most: 1, falseAlarm: 1e-3, rangeDb: 80 };

/** Errors of the envelope's and the carrier's times, in frames. */
function estimate(
  filter: MatchedFilter,
  signal: Float32Array,
  frame: number,
  options: { snrDb?: number; seed?: number },
) {
  const gain = 0.25;
  const noise = options.snrDb === undefined ? 0 : noiseFor(signal, gain, options.snrDb);
  const recording = recordEchoes(signal, frames, [{ frame, gain }], {
    noise,
    seed: options.seed ?? 1,
  });
  const spectrum = filter.spectrumOf(recording);
  const [arrival] = findArrivals(filter, spectrum, search).found;
  if (arrival === undefined) return null;
  return {
    envelope: arrival.frame - frame,
    carrier: refineCarrier(filter, spectrum, arrival, 0) - frame,
    arrival,
  };
}

describe('an arrival', () => {
  it('without noise is found without bias, wherever it is between two frames', () => {
    for (const signal of Object.values(chirps)) {
      const filter = new MatchedFilter(fourier, signal, frames, rateHz);
      for (let part = 0; part < 16; part++) {
        const found = estimate(filter, signal, 700 + part / 16, {})!;
        expect(Math.abs(found.envelope)).toBeLessThan(2e-3);
        expect(Math.abs(found.carrier)).toBeLessThan(1e-3);
        expect(found.arrival.level).toBeCloseTo(0.25, 3);
      }
    }
  });

  it('in noise spreads as little as is possible at all', () => {
    const trials = 200;
    for (const name of ['wide', 'low'] as const) {
      const signal = chirps[name];
      const filter = new MatchedFilter(fourier, signal, frames, rateHz);
      for (const snrDb of [20, 0, -10]) {
        let envelope = 0;
        let carrier = 0;
        for (let trial = 0; trial < trials; trial++) {
          const frame = 500 + ((trial * 137.31) % 1500);
          const found = estimate(filter, signal, frame, { snrDb, seed: trial + 1 })!;
          envelope += found.envelope ** 2;
          carrier += found.carrier ** 2;
        }
        const ratio = signal.length * 10 ** (snrDb / 10);
        const bound = (known: boolean) => arrivalBoundSec(filter.shape, ratio, known) * rateHz;
        const overDb = (sum: number, known: boolean) =>
          20 * Math.log10(Math.sqrt(sum / trials) / bound(known));
        // Of 200 trials the spread itself is known to 5 %, so that 1.5 dB is six times that.
        expect(overDb(envelope, false)).toBeLessThan(1.5);
        if (snrDb >= 0) expect(overDb(carrier, true)).toBeLessThan(1.5);
      }
    }
  });
});

describe('several arrivals', () => {
  it('are found each without the side lobes of the others', () => {
    const signal = chirps.wide;
    const filter = new MatchedFilter(fourier, signal, frames, rateHz);
    const truth = [
      { frame: 500.3, gain: 0.5 },
      { frame: 583.71, gain: 0.05 },
      { frame: 640.12, gain: 0.02 },
      { frame: 1500.55, gain: 0.01 },
    ];
    const noise = noiseFor(signal, 0.01, 20);
    const recording = recordEchoes(signal, frames, truth, { noise });
    const { found } = findArrivals(filter, filter.spectrumOf(recording), { ...search, most: 8 });
    expect(found.length).toBe(4);
    for (const [i, { frame, gain }] of truth.entries()) {
      expect(Math.abs(found[i]!.frame - frame)).toBeLessThan(0.03);
      expect(Math.abs(found[i]!.level / gain - 1)).toBeLessThan(0.03);
    }
  });

  it('that are turned over have the time of those that are not', () => {
    const signal = chirps.wide;
    const filter = new MatchedFilter(fourier, signal, frames, rateHz);
    for (const gain of [0.3, -0.3]) {
      const spectrum = filter.spectrumOf(recordEchoes(signal, frames, [{ frame: 800.4, gain }]));
      const [found] = findArrivals(filter, spectrum, search).found;
      expect(Math.abs(refineCarrier(filter, spectrum, found!, 0) - 800.4)).toBeLessThan(1e-3);
    }
  });
});

describe('noise alone', () => {
  it('is taken for an arrival as rarely as was asked for', () => {
    const signal = chirps.wide;
    const filter = new MatchedFilter(fourier, signal, frames, rateHz);
    let taken = 0;
    const trials = 200;
    for (let seed = 1; seed <= trials; seed++) {
      const recording = recordEchoes(signal, frames, [], { noise: 0.01, seed });
      const { found } = findArrivals(filter, filter.spectrumOf(recording), {
        ...search,
        falseAlarm: 0.05,
      });
      taken += found.length;
    }
    // 10 are expected; more than 25 would be so by one chance in 10,000.
    expect(taken).toBeLessThan(25);
  });

  it('and silence give no arrival and no number', () => {
    const filter = new MatchedFilter(fourier, chirps.wide, frames, rateHz);
    const { found } = findArrivals(filter, filter.spectrumOf(new Float32Array(frames)), search);
    expect(found).toEqual([]);
  });
});

describe('probabilities', () => {
  it('of false alarms and their thresholds belong together', () => {
    for (const probability of [0.5, 1e-3, 1e-9]) {
      for (const cells of [1, 100, 1e5]) {
        expect(falseAlarm(falseAlarmPeak(probability, cells), cells) / probability).toBeCloseTo(
          1,
          6,
        );
      }
    }
  });

  it('of an error go from none to certain', () => {
    const arrival = { frame: 0, re: 1, im: 0, level: 1, snrDb: 0, falseAlarm: 0 };
    const chance = (first: number, second?: number) =>
      chanceOfError(
        { ...arrival, peak: first },
        second === undefined ? undefined : { ...arrival, peak: second },
        1000,
      );
    expect(chance(100)).toBeLessThan(1e-12);
    expect(chance(1)).toBe(1);
    expect(chance(100, 100)).toBeCloseTo(0.5, 6);
    expect(chance(100, 90)).toBeLessThan(1e-6);
  });
});
