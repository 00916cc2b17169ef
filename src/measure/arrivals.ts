import { falseAlarm, falseAlarmPeak, grossError, swapProbability } from './bounds.js';
import { gridPerFrame, type MatchedFilter } from './matched-filter.js';
import { type Peak, refineEnvelope } from './refinement.js';

/** Where and how arrivals of a signal are looked for. */
export interface Search {
  /** Frames of the recording between which an arrival begins. */
  fromFrame: number;
  toFrame: number;
  /** Arrivals at most. */
  most: number;
  /** The probability at which noise may be taken for an arrival. */
  falseAlarm: number;
  /** Weaker ones by so much than the strongest are not looked for. */
  rangeDb: number;
}

/** One arrival of the signal in a recording. */
export interface Arrival extends Peak {
  /** By the amplitude of the signal. */
  level: number;
  /** By the noise after the filter, as the standard deviation of one component. */
  peak: number;
  /** Energy of what arrived by the variance of a noise sample, in dB. */
  snrDb: number;
  /** The probability that noise alone has such a peak somewhere in the search. */
  falseAlarm: number;
}

/** What a search found, in the order of strength. */
export interface Arrivals {
  found: Arrival[];
  /** What is left of the recording without them: its spectrum, until the filter's next search. */
  rest: Float32Array;
  /** Noise after the filter, by the amplitude of the signal: standard deviation of one component. */
  noise: number;
  /** Independent places that were searched. */
  cells: number;
  /** Before anything was taken away: from the search's `fromFrame`, as `MatchedFilter.envelope`. */
  envelope: Float32Array;
}

/** Rounds at the end in which each arrival is looked at again without the others. */
const rounds = 2;
/** When none moves by more than this in one, in frames and by its strength, there is no use in more. */
const settled = 1e-5;
/** Up to so many they are looked at again with each that is found: more would take too long. */
const relaxedAtOnce = 4;
/** Half of the surroundings by which the noise at a place is judged, in frames. */
const surroundingFrames = 384;
const medianOfRayleigh = Math.sqrt(2 * Math.log(2));

/**
 * The value in the middle, as sorting would find it, in a time that grows with the number of values
 * alone (Hoare's selection). It disturbs their order.
 */
function takeMedian(values: Float32Array): number {
  if (values.length === 0) return 0;
  const middle = values.length >> 1;
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const value = values[i]!;
      values[i++] = values[j]!;
      values[j--] = value;
    }
    if (middle <= j) high = j;
    else if (middle >= i) low = i;
    else break;
  }
  return values[middle]!;
}

let sorted = new Float32Array(0);

/** Noise by parts of an envelope: one value of each frame, since those between tell nothing new. */
function noiseIn(...parts: readonly Float32Array[]): number {
  const most = parts.reduce((sum, { length }) => sum + Math.ceil(length / gridPerFrame), 0);
  if (sorted.length < most) sorted = new Float32Array(most);
  const values = sorted.subarray(0, most);
  let count = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += gridPerFrame) values[count++] = part[i]!;
  }
  return takeMedian(values) / medianOfRayleigh;
}

interface Candidate {
  frame: number;
  noise: number;
  height: number;
}

/** A function of its own, for the compiler: it gave up on the loop with all that follows behind it. */
function indexOfHighest(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** The highest place of an envelope, and the noise around it: no less than that of the whole. */
function highest(
  envelope: Float32Array,
  { fromFrame, lobeFrames, noise }: { fromFrame: number; lobeFrames: number; noise: number },
): Candidate {
  const best = indexOfHighest(envelope);
  const lobe = Math.ceil(lobeFrames * gridPerFrame);
  const wide = surroundingFrames * gridPerFrame;
  const before = envelope.subarray(Math.max(0, best - wide), Math.max(0, best - lobe));
  const after = envelope.subarray(best + lobe, best + wide);
  return {
    frame: fromFrame + best / gridPerFrame,
    noise: Math.max(noise, noiseIn(before, after)),
    height: envelope[best]!,
  };
}

/**
 * Finds what arrived, the strongest first, each without the side lobes of the others: what was found
 * is taken away and the rest searched again, then each is looked at anew without the others (RELAX:
 * Li and Stoica, IEEE Transactions on Signal Processing 44, 1996).
 */
export function findArrivals(
  filter: MatchedFilter,
  spectrum: Float32Array,
  search: Search,
): Arrivals {
  const { fromFrame, toFrame } = search;
  const rest = filter.scratch;
  rest.set(spectrum);
  const peaks: Peak[] = [];
  const noises: number[] = [];
  const cells = filter.cellsIn(toFrame - fromFrame);
  const threshold = falseAlarmPeak(search.falseAlarm, cells);
  const lobeFrames = filter.rateHz / filter.shape.rmsEnvelopeHz;
  let noise = 0;
  let strongest = 0;
  let first: Float32Array | null = null;
  for (;;) {
    const envelope = filter.envelope(rest, fromFrame, toFrame);
    first ??= envelope.slice();
    noise = noiseIn(envelope);
    const candidate = highest(envelope, { fromFrame, lobeFrames, noise });
    strongest ||= candidate.height;
    const isWeak = candidate.height < strongest * 10 ** (-search.rangeDb / 20);
    if (peaks.length >= search.most || isWeak || candidate.height === 0) break;
    if (candidate.height < threshold * candidate.noise) break;
    peaks.push(refineEnvelope(filter, rest, candidate.frame));
    noises.push(candidate.noise);
    takeAway(filter, rest, peaks.at(-1)!);
    if (peaks.length > 1 && peaks.length <= relaxedAtOnce) relax(filter, rest, peaks);
  }
  if (peaks.length > 1) for (let i = 0; i < rounds && relax(filter, rest, peaks) > settled; i++);
  const found = peaks
    .map((peak, i) => describe(peak, Math.max(noise, noises[i]!), cells))
    .filter(
      ({ frame, peak }) => frame >= fromFrame - 1 && frame <= toFrame + 1 && peak >= threshold,
    )
    .sort((a, b) => b.level - a.level);
  return { found, rest, noise, cells, envelope: first };
}

function describe(peak: Peak, noise: number, cells: number): Arrival {
  const level = Math.hypot(peak.re, peak.im);
  // In a recording without any noise there is still that of single precision.
  const height = level / Math.max(noise, 1e-9);
  return {
    ...peak,
    level,
    peak: height,
    snrDb: 20 * Math.log10(height),
    falseAlarm: falseAlarm(height, cells),
  };
}

function takeAway(filter: MatchedFilter, rest: Float32Array, { frame, re, im }: Peak): void {
  filter.add(rest, frame, -re, -im);
}

/** Looks at each arrival again, without the others; by how much the one that moved most did. */
function relax(filter: MatchedFilter, rest: Float32Array, peaks: Peak[]): number {
  let moved = 0;
  for (const [i, peak] of peaks.entries()) {
    const { frame, re, im } = peak;
    filter.add(rest, frame, re, im);
    const refined = refineEnvelope(filter, rest, frame);
    peaks[i] = refined;
    takeAway(filter, rest, refined);
    const grown = Math.hypot(refined.re - re, refined.im - im) / Math.hypot(re, im);
    moved = Math.max(moved, Math.abs(refined.frame - frame), grown);
  }
  return moved;
}

/**
 * The probability that the chosen arrival is not the right one: that noise is higher somewhere, or
 * has made the strongest of what was found of another.
 */
export function chanceOfError(chosen: Arrival, second: Arrival | undefined, cells: number): number {
  const byNoise = grossError(chosen.peak, cells);
  const bySecond = second === undefined ? 0 : swapProbability(chosen.peak, second.peak);
  return Math.min(1, byNoise + bySecond);
}
