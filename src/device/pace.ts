import { deviceHealth } from './device.js';

/**
 * When the next quantum is due: a delay-locked loop follows the position of a device that tells it
 * in steps and with noise, and gives an even clock. See F. Adriaensen, "Using a DLL to filter time",
 * Linux Audio Conference 2005.
 *
 * With position p, rate r and time t, an observation o at t' gives the error e = o - (p + r (t' - t))
 * and p' = p + r (t' - t) + b e, r' = r + c e, where w = 2 pi B T, b = sqrt(2) w, c = w^2 / T at a
 * bandwidth B and one observation each T. The bandwidth begins wide and becomes narrow, as the rate
 * of a clock is soon known and changes little. The very first observations are only averaged: where
 * a device begins says nothing of its rate.
 *
 * All numbers are in one array, as a number passed on by itself would be allocated.
 */

/** Places in `Pace.times`. The first three are given, the others are kept. */
export const paceAt = {
  /** Monotonic nanoseconds of the observation. */
  now: 0,
  /** Frames that the device has played by then. */
  observed: 1,
  /** Frames whose time `foresee` tells. */
  wanted: 2,
  /** When they will have been played, monotonic nanoseconds. */
  due: 3,
  /** The filtered position, and when it was there. */
  position: 4,
  at: 5,
  framesPerNs: 6,
  /** When the first observation was made. */
  begunNs: 7,
  /** Average of the error's absolute value, in frames. */
  jitterFrames: 8,
  /** The rate once it stands still, as a part of the nominal one too much; NaN before. */
  rateError: 9,
  /** When the rate was last noted, and what it was at the last times: `looksKept` of them. */
  notedNs: 10,
  noted: 11,
  places: 28,
} as const;

/** A rate is known that has stayed within so much at all looks that are kept: for eight seconds. */
const settledPpm = 20;
const looksKept = paceAt.places - paceAt.noted;
const lookNs = 500e6;

/** Wide enough to know the rate of a device soon after its start, be it 1000 ppm off. */
const bandwidthMaxHz = 0.2;
/** Observations that are averaged when the loop begins: a device that starts moves unevenly. */
const averaged = 64;
/** Narrow enough that steps of 1024 frames disappear, wide enough to follow a warming crystal. */
const bandwidthMinHz = 0.05;
/** Crystals differ by some hundred ppm; what strays more is no clock and must not be followed. */
const rateErrorMax = 0.01;
/** An observation that far off is another position, not noise: the loop begins anew there. */
const strayMs = 40;
/** Observations in the average of the error. */
const jitterObservations = 256;

export class Pace {
  readonly times = new Float64Array(paceAt.places);
  private readonly nominal: number;
  private readonly periodNs: number;
  private readonly strayFrames: number;
  /** Observations since the loop last began. */
  private observations = 0;

  constructor(format: { rateHz: number; quantum: number }) {
    this.nominal = format.rateHz / 1e9;
    this.periodNs = format.quantum / this.nominal;
    this.strayFrames = (format.rateHz * strayMs) / 1000;
    this.times[paceAt.framesPerNs] = this.nominal;
    this.times[paceAt.rateError] = Number.NaN;
  }

  /** Begins at what was observed; the rate stays known. Audio thread. */
  begin(): void {
    const { times } = this;
    times[paceAt.position] = times[paceAt.observed]!;
    times[paceAt.at] = times[paceAt.now]!;
    if (times[paceAt.begunNs] === 0) times[paceAt.begunNs] = times[paceAt.now]!;
    this.observations = 0;
    this.noteNothing();
  }

  /** Follows what was observed. Audio thread. */
  observe(): void {
    const { times, nominal, periodNs } = this;
    const elapsedNs = times[paceAt.now]! - times[paceAt.at]!;
    const expected = times[paceAt.position]! + times[paceAt.framesPerNs]! * elapsedNs;
    const error = times[paceAt.observed]! - expected;
    if (!(Math.abs(error) < this.strayFrames)) {
      this.begin();
      return;
    }
    times[paceAt.at] = times[paceAt.now]!;
    if (++this.observations < averaged) {
      times[paceAt.position] = expected + error / (this.observations + 1);
      return;
    }
    const sinceSec = (times[paceAt.now]! - times[paceAt.begunNs]!) / 1e9;
    const bandwidthHz = Math.max(bandwidthMinHz, Math.min(bandwidthMaxHz, 1 / sinceSec));
    const w = 2 * Math.PI * Math.min(0.05, (bandwidthHz * periodNs) / 1e9);
    const rate = times[paceAt.framesPerNs]! + (w * w * error) / periodNs;
    const lowest = nominal * (1 - rateErrorMax);
    const highest = nominal * (1 + rateErrorMax);
    times[paceAt.framesPerNs] = Math.max(lowest, Math.min(highest, rate));
    times[paceAt.position] = expected + Math.SQRT2 * w * error;
    times[paceAt.jitterFrames]! +=
      (Math.abs(error) - times[paceAt.jitterFrames]!) / jitterObservations;
    if (times[paceAt.now]! - times[paceAt.notedNs]! >= lookNs) this.note();
  }

  /** What the loop does on its way to a rate, or back from a leap of the device, is no rate. */
  private note(): void {
    const { times, nominal } = this;
    times[paceAt.notedNs] = times[paceAt.now]!;
    for (let i = paceAt.noted; i < paceAt.places - 1; i++) times[i] = times[i + 1]!;
    const last = paceAt.places - 1;
    times[last] = times[paceAt.framesPerNs]! / nominal - 1;
    for (let i = paceAt.noted; i < last; i++) {
      // One that was not noted yet is no number, and settles nothing.
      if (!(Math.abs(times[i]! - times[last]!) < settledPpm * 1e-6)) return;
    }
    times[paceAt.rateError] = times[last]!;
  }

  private noteNothing(): void {
    for (let i = 0; i < looksKept; i++) this.times[paceAt.noted + i] = Number.NaN;
  }

  /** Tells into `due` when the device will have played the `wanted` frames. Audio thread. */
  foresee(): void {
    const { times } = this;
    const ahead = times[paceAt.wanted]! - times[paceAt.position]!;
    times[paceAt.due] = times[paceAt.at]! + ahead / times[paceAt.framesPerNs]!;
  }

  /** The position now, into `observed`: for a device that tells none. Audio thread. */
  extrapolate(): void {
    const { times } = this;
    const elapsedNs = times[paceAt.now]! - times[paceAt.at]!;
    times[paceAt.observed] = times[paceAt.position]! + times[paceAt.framesPerNs]! * elapsedNs;
  }

  /** Writes rate and jitter into a device's health; the rate is NaN until it is known. Audio thread. */
  report(health: Float64Array): void {
    const { times, nominal } = this;
    health[deviceHealth.rateErrorPpm] = times[paceAt.rateError]! * 1e6;
    health[deviceHealth.jitterUs] = times[paceAt.jitterFrames]! / nominal / 1000;
  }
}
