import type { CorrelationPoint, MatchedFilter } from './matched-filter.js';

/** An arrival of the signal: when, and how strong. */
export interface Peak {
  /** Frames after the recording's first one, with their fraction. */
  frame: number;
  /** Strength by that of the signal, and its phase: complex. */
  re: number;
  im: number;
}

/** Newton's steps: it doubles the digits with each, so that 3 or 4 are enough from a grid of halves. */
const stepsMax = 12;
/** After a step of this the next would be of its square: nothing that single precision could tell. */
const closeFrames = 1e-3;

const point = (): CorrelationPoint => ({ re: 0, im: 0, re1: 0, im1: 0, re2: 0, im2: 0 });

/** The step to the maximum of what has these derivatives; uphill where it is not bent downwards. */
function newtonStep(slope: number, bend: number, mostFrames: number): number {
  const step = bend < 0 ? -slope / bend : Math.sign(slope) * mostFrames;
  return Math.max(-mostFrames, Math.min(mostFrames, step));
}

/** The correlation a small step further, by its derivatives. */
function onwards({ re, im, re1, im1, re2, im2 }: CorrelationPoint, step: number) {
  const half = step ** 2 / 2;
  return { re: re + step * re1 + half * re2, im: im + step * im1 + half * im2 };
}

/**
 * The maximum of the envelope next to a place that is less than a main lobe away. It knows nothing of
 * the phase with which the signal came back.
 */
export function refineEnvelope(filter: MatchedFilter, spectrum: Float32Array, near: number): Peak {
  const p = point();
  let frame = near;
  const most = filter.rateHz / (8 * filter.shape.rmsEnvelopeHz) / 2;
  for (let i = 0; i < stepsMax; i++) {
    filter.at(spectrum, frame, p);
    const slope = 2 * (p.re * p.re1 + p.im * p.im1);
    const bend = 2 * (p.re1 ** 2 + p.im1 ** 2 + p.re * p.re2 + p.im * p.im2);
    const step = newtonStep(slope, bend, most);
    frame += step;
    if (Math.abs(step) < closeFrames) return { frame, ...onwards(p, step) };
  }
  filter.at(spectrum, frame, p);
  return { frame, re: p.re, im: p.im };
}

/**
 * The maximum of the carrier next to that of the envelope: of the correlation turned by a phase. The
 * carrier tells the time better than the envelope, by the ratio of the whole frequency to the band's
 * width, if the phase is known with which the signal comes back.
 *
 * @param phase in radians, of the correlation at an arrival; an arrival that is turned over counts too
 */
export function refineCarrier(
  filter: MatchedFilter,
  spectrum: Float32Array,
  peak: Peak,
  phase: number,
): number {
  const cos = Math.cos(phase);
  const sin = Math.sin(phase);
  const periodFrames = filter.rateHz / filter.shape.meanHz;
  const p = point();
  // The phase at the envelope's maximum tells how far the next maximum of the carrier is.
  const turned = Math.atan2(peak.im * cos - peak.re * sin, peak.re * cos + peak.im * sin);
  const sign = Math.abs(turned) > Math.PI / 2 ? -1 : 1;
  const rest = sign > 0 ? turned : turned - Math.sign(turned) * Math.PI;
  let frame = peak.frame - (rest / (2 * Math.PI)) * periodFrames;
  for (let i = 0; i < stepsMax; i++) {
    filter.at(spectrum, frame, p);
    const slope = sign * (p.re1 * cos + p.im1 * sin);
    const bend = sign * (p.re2 * cos + p.im2 * sin);
    const step = newtonStep(slope, bend, periodFrames / 8);
    frame += step;
    if (Math.abs(step) < closeFrames) break;
  }
  return frame;
}
