import { limits } from '../limits.js';

/** The coefficients of a conversion: one row of `taps` for each phase, and one row more. */
export interface FilterBank {
  /** Coefficients of one output frame; a multiple of 8. */
  taps: number;
  phases: number;
  /** Whether the phases are all that occur; otherwise one interpolates between two of them. */
  exact: boolean;
  /** From one output frame to the next it is inputStep / outputStep input frames. */
  inputStep: number;
  outputStep: number;
  /** Row p holds the filter for output frames that stand p / phases after an input frame. */
  coefficients: Float64Array;
}

/** Attenuation that the window is made for; some above what is promised, for what rounding takes. */
const stopBandDb = 126;

/** Where level ends, as a part of the lower Nyquist frequency; 20 kHz at 44.1 kHz. */
const passBand = 20_000 / 22_050;

/**
 * Rows of a bank between whose phases one interpolates, per frame of the lower rate: the error of
 * a straight line, (pi / rows)^2 / 8, is then below -130 dB.
 */
const interpolatedPhases = 2048;

const cache = new Map<string, FilterBank>();

/** The bank for a pair of rates; the last few are kept, since albums have one rate. */
export function filterBank(inputRate: number, outputRate: number): FilterBank {
  const key = `${inputRate}/${outputRate}`;
  const known = cache.get(key);
  if (known) return known;
  const bank = makeBank(inputRate, outputRate);
  const oldest = cache.keys().next();
  if (cache.size >= limits.mediaFilterBanksMax && !oldest.done) cache.delete(oldest.value);
  cache.set(key, bank);
  return bank;
}

function makeBank(inputRate: number, outputRate: number): FilterBank {
  // Frequencies below are in cycles per input frame.
  const nyquist = 0.5 * Math.min(1, outputRate / inputRate);
  const cutoff = (nyquist * (1 + passBand)) / 2;
  const transition = nyquist * (1 - passBand);
  // J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", 1974.
  const beta = 0.1102 * (stopBandDb - 8.7);
  const length = (stopBandDb - 7.95) / (2.285 * 2 * Math.PI * transition) + 1;
  const taps = Math.ceil((length + 1) / 8) * 8;

  const divisor = greatestDivisor(inputRate, outputRate);
  const inputStep = inputRate / divisor;
  const outputStep = outputRate / divisor;
  const exact = outputStep * taps <= limits.mediaFilterCoefficientsMax;
  // A filter that is longer because the output is slower is smoother by as much.
  const slower = Math.min(1, outputRate / inputRate);
  const phases = exact ? outputStep : Math.max(32, Math.ceil(interpolatedPhases * slower));

  const coefficients = new Float64Array((phases + 1) * taps);
  for (let phase = 0; phase <= phases; phase++) {
    const row = coefficients.subarray(phase * taps, (phase + 1) * taps);
    fillRow(row, phase / phases, { cutoff, beta, half: length / 2 });
  }
  return { taps, phases, exact, inputStep, outputStep, coefficients };
}

function fillRow(
  row: Float64Array,
  offset: number,
  { cutoff, beta, half }: { cutoff: number; beta: number; half: number },
): void {
  const centre = row.length / 2 - 1 + offset;
  const scale = 1 / bessel(beta);
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    const x = i - centre;
    const inside = 1 - (x / half) ** 2;
    const window = inside > 0 ? bessel(beta * Math.sqrt(inside)) * scale : 0;
    const angle = 2 * Math.PI * cutoff * x;
    row[i] = window * (angle === 0 ? 1 : Math.sin(angle) / angle);
    sum += row[i]!;
  }
  // Every phase passes a constant unchanged: no ripple at the rate of the phases.
  for (let i = 0; i < row.length; i++) row[i]! /= sum;
}

/** Modified Bessel function of the first kind and order 0, by its power series. */
function bessel(x: number): number {
  const quarter = (x * x) / 4;
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
}

/** Greatest common divisor of whole rates; 1 for others, whose steps stay as they are. */
function greatestDivisor(a: number, b: number): number {
  if (!Number.isInteger(a) || !Number.isInteger(b)) return 1;
  return b === 0 ? a : greatestDivisor(b, a % b);
}
