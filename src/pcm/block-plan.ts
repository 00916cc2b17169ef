import { limits } from '../limits.js';
import { designFilter, type Quality } from './filter-design.js';

/** One pass of a transform: `points` of it are r * m of s. */
export interface Stage {
  radix: number;
  m: number;
  s: number;
  /** Where its factors begin in the transform's. */
  at: number;
}

/** A transform of so many points. */
export interface Transform {
  points: number;
  stages: Stage[];
  /** Factors of all stages, real and imaginary parts in turn; of the first one by vectors. */
  factors: Float64Array;
}

/** A conversion by blocks. */
export interface BlockPlan {
  /** Whether it is computed in float64. */
  isDouble: boolean;
  input: Transform;
  output: Transform;
  /** Input frames at each end of a block whose output depends on what is outside. */
  edgeFrames: number;
  /** Output frames in as long a time. */
  edgeOutputFrames: number;
  /** Input frames from block to block, and the output frames that they give. */
  inputFrames: number;
  outputFrames: number;
  /** What each frequency is weighted by, from 0 to the lower of both Nyquist frequencies. */
  response: Float64Array;
}

/** What a plan is for. */
export interface BlockRequest {
  inputRate: number;
  outputRate: number;
  quality: Exclude<Quality, 'draft'>;
  /** Blocks that are converted together. */
  blocks: number;
  /** Input frames that an output frame may wait for. */
  waitFramesMax: number;
}

/** The plan for a pair of whole rates, or undefined when their ratio has no transform that fits. */
export function blockPlan(request: BlockRequest): BlockPlan | undefined {
  const { inputRate, outputRate, quality, blocks, waitFramesMax } = request;
  if (!Number.isInteger(inputRate) || !Number.isInteger(outputRate)) return undefined;
  const divisor = greatestDivisor(inputRate, outputRate);
  const p = inputRate / divisor;
  const q = outputRate / divisor;
  const design = designFilter(p / q, quality, true);
  const edgeFrames = Math.ceil(design.taps / 2 / p) * p;
  const isDouble = quality === 'mastering';
  let best: { cost: number; times: number } | undefined;
  const most = limits.pcmBlockFramesMax;
  for (let times = 1; Math.max(p, q) * times <= most; times++) {
    const input = p * times;
    const output = q * times;
    const hop = input - 2 * edgeFrames;
    if (blocks * hop + edgeFrames > waitFramesMax) break;
    // Shorter hops than that cost more than a sum for each frame does.
    if (hop < edgeFrames || !isSmooth(input) || !isSmooth(output)) continue;
    const cost = (input * Math.log2(input) + output * Math.log2(output)) / hop;
    if (best === undefined || cost < best.cost * 0.97) best = { cost, times };
  }
  if (best === undefined) return undefined;
  const points = p * best.times;
  const inputFrames = points - 2 * edgeFrames;
  return {
    isDouble,
    input: transformOf(points, isDouble),
    output: transformOf(q * best.times, isDouble),
    edgeFrames,
    edgeOutputFrames: (edgeFrames / p) * q,
    inputFrames,
    outputFrames: (inputFrames / p) * q,
    response: responseOf(design, points, (Math.min(p, q) * best.times) / 2),
  };
}

function isSmooth(points: number): boolean {
  if (points % 4 !== 0) return false;
  let rest = points;
  for (const radix of [2, 3, 5, 7]) while (rest % radix === 0) rest /= radix;
  return rest === 1;
}

function transformOf(points: number, isDouble: boolean): Transform {
  const stages: Stage[] = [];
  const factors: number[] = [];
  let rest = points;
  let s = 1;
  for (const radix of [4, 7, 5, 3, 4, 2]) {
    while (rest % radix === 0) {
      const m = rest / radix;
      stages.push({ radix, m, s, at: factors.length });
      if (s === 1) addVectors(factors, m, isDouble ? 2 : 4);
      else addFactors(factors, radix, m);
      rest = m;
      s *= radix;
      if (stages.length === 1) break;
    }
  }
  return { points, stages, factors: Float64Array.from(factors) };
}

function addFactors(factors: number[], radix: number, m: number): void {
  for (let p = 0; p < m; p++) {
    for (let j = 1; j < radix; j++) {
      const angle = (-2 * Math.PI * j * p) / (radix * m);
      factors.push(Math.cos(angle), Math.sin(angle));
    }
  }
}

/** Those of a first pass of radix 4: `lanes` neighbours together. */
function addVectors(factors: number[], m: number, lanes: number): void {
  for (let p = 0; p < m; p += lanes) {
    for (let j = 1; j < 4; j++) {
      const angles = Array.from(
        { length: lanes },
        (_, l) => (-2 * Math.PI * j * (p + l)) / (4 * m),
      );
      factors.push(...angles.map(Math.cos), ...angles.map(Math.sin));
    }
  }
}

/** Samples of the filter for each input frame: it has no frequencies above twice the Nyquist one. */
const density = 4;

/** The Fourier transform of the filter, whose middle is at 0, at `bins` multiples of 1 / points. */
function responseOf(
  design: { taps: number; fill(row: Float64Array, offset: number): void },
  points: number,
  bins: number,
): Float64Array {
  const response = new Float64Array(bins);
  const row = new Float64Array(design.taps);
  for (let part = 0; part < density; part++) {
    design.fill(row, part / density);
    for (let i = 0; i < row.length; i++) {
      const weight = row[i]! / density / points;
      const x = i - (design.taps / 2 - 1 + part / density);
      addCosine(response, weight, (2 * Math.PI * x) / points);
    }
  }
  return response;
}

/** Adds weight * cos(k * angle), by turning on from one k to the next. */
function addCosine(response: Float64Array, weight: number, angle: number): void {
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  let x = weight;
  let y = 0;
  for (let k = 0; k < response.length; k++) {
    response[k]! += x;
    const next = x * c - y * s;
    y = x * s + y * c;
    x = next;
  }
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
