/** What a rate conversion costs and is worth; the words of the setting `device.resampleQuality`. */
export type Quality = 'draft' | 'voice' | 'music' | 'mastering';

/** From the cheapest to the best. */
export const qualities: readonly Quality[] = ['draft', 'voice', 'music', 'mastering'];

/** What a quality promises, and what its filter is made of. */
interface QualityTraits {
  /** Attenuation of the window, some above what is promised: rounding takes a part. */
  stopBandDb: number;
  /** Where level ends, as a part of the lower Nyquist frequency. */
  passBand: number;
  /**
   * Polynomials from one input frame to the next, where rows cannot all be kept. The error of four
   * Chebyshev nodes, (pi / pieces)^4 / 3072, is below the stop band.
   */
  pieces: number;
  /** The same for conversion by blocks, where a longer filter costs nothing. */
  blockStopBandDb: number;
  /** Coefficients in the middle that are float64, for filters as long as an equal rate's. */
  centre: number;
}

const traits: Readonly<Record<Exclude<Quality, 'draft'>, QualityTraits>> = {
  voice: { stopBandDb: 84, passBand: 0.85, pieces: 16, blockStopBandDb: 96, centre: 0 },
  // 20 kHz at 44.1 kHz.
  music: {
    stopBandDb: 124,
    passBand: 20_000 / 22_050,
    pieces: 32,
    blockStopBandDb: 140,
    centre: 0,
  },
  // The largest products in float64 take rounding from -144 dB below that of the output itself.
  mastering: {
    stopBandDb: 152,
    passBand: 20_000 / 22_050,
    pieces: 64,
    blockStopBandDb: 170,
    centre: 8,
  },
};

/** A filter for one ratio of rates. */
export interface FilterDesign {
  /** Coefficients of one output frame; a multiple of 4. */
  taps: number;
  /** How many of them, in the middle, are the largest and want float64; a multiple of 4, or 0. */
  centre: number;
  /** Polynomials from one input frame to the next that describe it well enough. */
  pieces: number;
  /** Fills `row` with the coefficients of an output frame `offset` after an input frame. */
  fill(row: Float64Array, offset: number): void;
}

/** The filter that makes `speed` input frames to one output frame. */
export function designFilter(speed: number, quality: Quality, byBlocks = false): FilterDesign {
  if (quality === 'draft') return { taps: 4, centre: 0, pieces: 1, fill: fillLinear };
  const { passBand, pieces, centre, blockStopBandDb } = traits[quality];
  const stopBandDb = byBlocks ? blockStopBandDb : traits[quality].stopBandDb;
  // Frequencies below are in cycles per input frame.
  const slower = Math.min(1, 1 / speed);
  const nyquist = 0.5 * slower;
  const cutoff = (nyquist * (1 + passBand)) / 2;
  const transition = nyquist * (1 - passBand);
  // J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", 1974.
  const beta = 0.1102 * (stopBandDb - 8.7);
  const length = (stopBandDb - 7.95) / (2.285 * 2 * Math.PI * transition) + 1;
  return {
    taps: Math.ceil((length + 1) / 4) * 4,
    centre: Math.ceil(centre / slower / 4) * 4,
    // A filter that is longer because the output is slower is smoother by as much.
    pieces: Math.max(4, Math.ceil(pieces * slower)),
    fill: (row, offset) => fillSinc(row, offset, { cutoff, beta, half: length / 2 }),
  };
}

/** The straight line between two frames. */
function fillLinear(row: Float64Array, offset: number): void {
  row.set([0, 1 - offset, offset, 0]);
}

function fillSinc(
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
