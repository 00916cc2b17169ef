import { type FilterShape, masteringShape, musicShape } from './filter-shapes.js';

/** What a rate conversion costs and is worth; the words of the setting `device.resampleQuality`. */
export type Quality = 'draft' | 'voice' | 'music' | 'mastering';

/** From the cheapest to the best. */
export const qualities: readonly Quality[] = ['draft', 'voice', 'music', 'mastering'];

/** What a quality promises, and what its filter is made of. */
interface QualityTraits {
  /** Where level ends, as a part of the lower Nyquist frequency. */
  passBand: number;
  /** The filter frame by frame, as short as its promise allows, or the stop band of a window. */
  shape: FilterShape | number;
  /**
   * Polynomials from one input frame to the next, where rows cannot all be kept. The error of four
   * Chebyshev nodes, (pi / pieces)^4 / 3072, is below the stop band.
   */
  pieces: number;
  /** The same by blocks, where a longer filter costs nothing. */
  blockStopBandDb: number;
  /** Coefficients in the middle that are float64, for filters as long as an equal rate's. */
  centre: number;
}

/** 20 kHz at 44.1 kHz; the designed shapes have it built in. */
const sharpPassBand = 20_000 / 22_050;

const traits: Readonly<Record<Exclude<Quality, 'draft'>, QualityTraits>> = {
  voice: {
    passBand: 0.85,
    // Some above what is promised: rounding takes a part.
    shape: 84,
    pieces: 16,
    blockStopBandDb: 96,
    centre: 0,
  },
  music: {
    passBand: sharpPassBand,
    shape: musicShape,
    pieces: 32,
    blockStopBandDb: 140,
    centre: 0,
  },
  // The largest products in float64 take rounding from -144 dB below that of the output itself.
  mastering: {
    passBand: sharpPassBand,
    shape: masteringShape,
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
  const { passBand, pieces, centre, shape, blockStopBandDb } = traits[quality];
  const slower = Math.min(1, 1 / speed);
  const form = byBlocks ? blockStopBandDb : shape;
  const filter = typeof form === 'number' ? windowed(slower, passBand, form) : shaped(slower, form);
  return {
    ...filter,
    centre: Math.ceil(centre / slower / 4) * 4,
    // A filter that is longer because the output is slower is smoother by as much.
    pieces: Math.max(4, Math.ceil(pieces * slower)),
  };
}

type Filter = Pick<FilterDesign, 'taps' | 'fill'>;

function shaped(slower: number, shape: FilterShape): Filter {
  const length = shape.half / slower;
  const terms = new Float64Array(Math.ceil(shape.terms.length / 4) * 4);
  terms.set(shape.terms);
  // At 0 the cosines are 1; what makes the ends 0 is the same everywhere.
  const end = terms.reduce((sum, term, i) => sum + (i % 2 === 0 ? term : -term), 0);
  return {
    taps: Math.ceil(length / 2) * 4,
    fill: (row, offset) => {
      const centre = row.length / 2 - 1 + offset;
      fillNormal(row, (i) => {
        const x = Math.abs(i - centre) / length;
        return x < 1 ? cosines(terms, Math.PI * x) + end : 0;
      });
    },
  };
}

/**
 * Sum of terms[k - 1] cos(k angle), by C. W. Clenshaw's recurrence: four side by side, each of every
 * fourth term, since a step waits for the one before. Their number is a multiple of 4.
 */
function cosines(terms: Float64Array, angle: number): number {
  const c1 = Math.cos(angle);
  const c2 = 2 * c1 * c1 - 1;
  const c3 = 2 * c1 * c2 - c1;
  const c4 = 2 * c2 * c2 - 1;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let aLast = 0;
  let bLast = 0;
  let cLast = 0;
  let dLast = 0;
  for (let k = terms.length - 4; k >= 0; k -= 4) {
    const aNext = terms[k]! + 2 * c4 * a - aLast;
    const bNext = terms[k + 1]! + 2 * c4 * b - bLast;
    const cNext = terms[k + 2]! + 2 * c4 * c - cLast;
    const dNext = terms[k + 3]! + 2 * c4 * d - dLast;
    aLast = a;
    bLast = b;
    cLast = c;
    dLast = d;
    a = aNext;
    b = bNext;
    c = cNext;
    d = dNext;
  }
  return a * c1 - aLast * c3 + (b - bLast) * c2 + c * c3 - cLast * c1 + d * c4 - dLast;
}

/** A sinc under a window. Frequencies are in cycles per input frame. */
function windowed(slower: number, passBand: number, stopBandDb: number): Filter {
  const nyquist = 0.5 * slower;
  const cutoff = (nyquist * (1 + passBand)) / 2;
  const transition = nyquist * (1 - passBand);
  // J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", 1974.
  const beta = 0.1102 * (stopBandDb - 8.7);
  const scale = 1 / bessel(beta);
  const length = (stopBandDb - 7.95) / (2.285 * 2 * Math.PI * transition) + 1;
  return {
    taps: Math.ceil((length + 1) / 4) * 4,
    fill: (row, offset) => {
      const centre = row.length / 2 - 1 + offset;
      fillNormal(row, (i) => {
        const x = i - centre;
        const inside = 1 - ((2 * x) / length) ** 2;
        const window = inside > 0 ? bessel(beta * Math.sqrt(inside)) * scale : 0;
        const angle = 2 * Math.PI * cutoff * x;
        return window * (angle === 0 ? 1 : Math.sin(angle) / angle);
      });
    },
  };
}

/** Every phase passes a constant unchanged: no ripple at the rate of the phases. */
function fillNormal(row: Float64Array, coefficient: (i: number) => number): void {
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    row[i] = coefficient(i);
    sum += row[i]!;
  }
  for (let i = 0; i < row.length; i++) row[i]! /= sum;
}

/** The straight line between two frames. */
function fillLinear(row: Float64Array, offset: number): void {
  row.set([0, 1 - offset, offset, 0]);
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
