import { limits } from '../limits.js';
import { designFilter, type FilterDesign, type Quality } from './filter-design.js';
import { RecentlyUsed } from './recently-used.js';

/** The coefficients of a conversion, as the kernel reads them. */
export interface FilterBank {
  /** Coefficients of one output frame; a multiple of 4. */
  taps: number;
  /** How many of them, in the middle, are float64; a multiple of 4, or 0. */
  centre: number;
  /** Zeros before and after each row: how far six output frames can reach, and more. */
  pad: number;
  /** From one output frame to the next it is inputStep / outputStep input frames. */
  inputStep: number;
  outputStep: number;
  /**
   * Whether a row is four polynomial coefficients for each of its own, four rows' worth of one
   * power together, for output frames between row / rows and (row + 1) / rows; otherwise row n is
   * for output frame n and every `rows` after it.
   */
  fitted: boolean;
  rows: number;
  /** Not fitted: `pad` zeros before each row and after the last one. */
  coefficients: Float32Array;
  /** The middle of each row likewise; the other array has zeros there. */
  middle: Float64Array;
}

/** What a bank is for. */
export interface BankRequest {
  /** Any positive numbers, also fractions. */
  inputRate: number;
  outputRate: number;
  quality: Quality;
  /** Whether the ratio will move. */
  adjustable: boolean;
}

const banks = new RecentlyUsed<string, FilterBank>(limits.pcmFilterBanksMax);

/** The bank for a pair of rates; those used last are kept. Not to be called on the audio thread. */
export function filterBank(request: BankRequest): FilterBank {
  const { inputRate, outputRate, quality, adjustable } = request;
  const divisor = greatestDivisor(inputRate, outputRate);
  const key = `${inputRate / divisor}/${outputRate / divisor}/${quality}/${adjustable}`;
  return banks.get(key, () => makeFilterBank(request));
}

/** Designs a bank anew. */
export function makeFilterBank(request: BankRequest): FilterBank {
  const { inputRate, outputRate, quality, adjustable } = request;
  const divisor = greatestDivisor(inputRate, outputRate);
  const inputStep = inputRate / divisor;
  const outputStep = outputRate / divisor;
  const speed = inputRate / outputRate;
  // Equal rates: the straight line's only row passes every sample unchanged.
  const isSame = speed === 1 && !adjustable;
  const design = designFilter(speed, isSame ? 'draft' : quality);
  const fastest = speed * (1 + limits.pcmTrimPpmMax * 1e-6);
  const pad = Math.ceil((5 * fastest + 7) / 4) * 4;
  const all = outputStep * (design.taps + pad);
  const isWhole = Number.isInteger(inputStep) && Number.isInteger(outputStep);
  const fitted = adjustable || !isWhole || all > limits.pcmFilterCoefficientsMax;
  const shape = { taps: design.taps, centre: design.centre, pad, inputStep, outputStep, fitted };
  return fitted
    ? { ...shape, rows: design.pieces, ...fittedRows(design) }
    : { ...shape, rows: outputStep, ...exactRows(design, shape) };
}

type Coefficients = Pick<FilterBank, 'coefficients' | 'middle'>;

function exactRows(
  design: FilterDesign,
  { pad, inputStep, outputStep: rows }: { pad: number; inputStep: number; outputStep: number },
): Coefficients {
  const { taps, centre } = design;
  const coefficients = new Float32Array(rows * (taps + pad) + pad);
  const middle = new Float64Array(centre === 0 ? 0 : rows * (centre + pad) + pad);
  const start = (taps - centre) / 2;
  const row = new Float64Array(taps);
  for (let index = 0; index < rows; index++) {
    design.fill(row, ((index * inputStep) % rows) / rows);
    if (centre > 0) {
      middle.set(row.subarray(start, start + centre), pad + index * (centre + pad));
      row.fill(0, start, start + centre);
    }
    coefficients.set(row, pad + index * (taps + pad));
  }
  return { coefficients, middle };
}

/** Powers of a polynomial through four Chebyshev nodes, which is within a hair of the best. */
const powers = 4;
const nodes = Float64Array.from(
  { length: powers },
  (_, j) => 0.5 - 0.5 * Math.cos((Math.PI * (2 * j + 1)) / (2 * powers)),
);

function fittedRows(design: FilterDesign): Coefficients {
  const { taps, centre, pieces } = design;
  // One row more, for a place that rounding puts at the end of the last one.
  const coefficients = new Float32Array((pieces + 1) * taps * powers);
  const middle = new Float64Array((pieces + 1) * centre * powers);
  const start = (taps - centre) / 2;
  const values = Array.from(nodes, () => new Float64Array(taps));
  const fit = new Float64Array(powers);
  for (let index = 0; index <= pieces; index++) {
    for (const [j, node] of nodes.entries()) design.fill(values[j]!, (index + node) / pieces);
    for (let i = 0; i < taps; i++) {
      interpolate(values, i, fit);
      const isCentre = i >= start && i < start + centre;
      for (let power = 0; power < powers; power++) {
        if (isCentre) middle[placeOf(index * centre + i - start, power, 2)] = fit[power]!;
        else coefficients[placeOf(index * taps + i, power, 4)] = fit[power]!;
      }
    }
  }
  return { coefficients, middle };
}

/** Where a power of coefficient `at` stands, when those of `lanes` coefficients are together. */
function placeOf(at: number, power: number, lanes: number): number {
  const lane = at % lanes;
  return (at - lane) * powers + power * lanes + lane;
}

/** Newton's divided differences at the nodes, multiplied out to powers, lowest first. */
function interpolate(values: readonly Float64Array[], at: number, fit: Float64Array): void {
  for (let j = 0; j < powers; j++) fit[j] = values[j]![at]!;
  for (let order = 1; order < powers; order++) {
    for (let j = powers - 1; j >= order; j--) {
      fit[j] = (fit[j]! - fit[j - 1]!) / (nodes[j]! - nodes[j - order]!);
    }
  }
  for (let order = powers - 2; order >= 0; order--) {
    for (let j = order; j < powers - 1; j++) fit[j]! -= nodes[order]! * fit[j + 1]!;
  }
}

/** Greatest common divisor of whole rates; 1 for others, whose steps stay as they are. */
function greatestDivisor(a: number, b: number): number {
  if (!Number.isInteger(a) || !Number.isInteger(b)) return 1;
  return b === 0 ? a : greatestDivisor(b, a % b);
}
