import { assert } from '../errors.js';
import { limits } from '../limits.js';

/** What a controller is for. */
export interface DriftControllerOptions {
  /** Frames per second of the buffer whose fill is watched. */
  rateHz: number;
  /** The most it ever asks for; default 1000, at most `limits.pcmTrimPpmMax`. */
  trimPpmMax?: number;
  /** How fast what it asks for may change; default 100: a cent takes 6 s. */
  slewPpmPerSec?: number;
  /** Seconds from wide to narrow; default 60. */
  lockSec?: number;
  /** An error beyond this is no drift, but an interruption: it locks anew. Default: 50 ms. */
  relockFrames?: number;
}

/** Radians per second of the loop at first, when it looks for the rate, and when it has it. */
const wide = 0.5;
const narrow = 0.02;

/** Poles before the loop, above its own frequency: what blocks and jitter do to the fill ends here. */
const smoothing = 8;

/** Places in `#state`: fields would allocate with every update. */
const smoothed1 = 0;
const smoothed2 = 1;
const integral = 2;
const elapsed = 3;

/**
 * Follows a clock: from how far a buffer is fuller than it should be to how much faster it is to be
 * emptied, by a proportional and integral law whose bandwidth narrows while it locks in, so that it
 * finds 200 ppm within seconds and then hardly moves. It never asks for more than its limits, and
 * what the limits cut is not integrated.
 *
 * `update` may be called on the audio thread.
 */
export class DriftController {
  /** `trimPpm` as the only place of an array, for `Converter.follow`. */
  readonly trim = new Float64Array(1);
  readonly #rateHz: number;
  readonly #trimPpmMax: number;
  readonly #slewPpmPerSec: number;
  readonly #lockSec: number;
  readonly #relockFrames: number;
  readonly #state = new Float64Array(4);

  constructor(options: DriftControllerOptions) {
    const { rateHz, trimPpmMax = 1000, slewPpmPerSec = 100, lockSec = 60 } = options;
    const { relockFrames = rateHz / 20 } = options;
    assert(rateHz > 0 && slewPpmPerSec > 0 && lockSec > 0, 'rate, slew and time are positive');
    assert(trimPpmMax > 0 && trimPpmMax <= limits.pcmTrimPpmMax, 'the trim is within the limit');
    this.#rateHz = rateHz;
    this.#trimPpmMax = trimPpmMax;
    this.#slewPpmPerSec = slewPpmPerSec;
    this.#lockSec = lockSec;
    this.#relockFrames = relockFrames;
  }

  /** What it asks for, in ppm: positive when the buffer is to be emptied faster. */
  get trimPpm(): number {
    return this.trim[0]!;
  }

  /** The error without what blocks and jitter make of it, in frames. */
  get errorFrames(): number {
    return this.#state[smoothed2]!;
  }

  /** Whether it has looked long enough to be at its narrowest. */
  get isLocked(): boolean {
    return this.#state[elapsed]! >= this.#lockSec;
  }

  /**
   * Takes what is in the buffer above what should be, as seen `elapsedFrames` after the last time.
   * Both are whole frames: other numbers would be allocated for the call.
   */
  update(fillErrorFrames: number, elapsedFrames: number): void {
    const state = this.#state;
    const sec = elapsedFrames / this.#rateHz;
    const progress = Math.min(1, state[elapsed]! / this.#lockSec);
    const bandwidth = wide * (narrow / wide) ** progress;
    state[elapsed]! += sec;
    const share = 1 - Math.exp(-smoothing * bandwidth * sec);
    state[smoothed1]! += share * (fillErrorFrames - state[smoothed1]!);
    state[smoothed2]! += share * (state[smoothed1]! - state[smoothed2]!);
    const error = state[smoothed2]!;
    if (Math.abs(error) > this.#relockFrames) state[elapsed] = 0;

    // Damping 1: it comes back from an error without passing the middle.
    const ppm = 1e6 / this.#rateHz;
    const step = bandwidth * bandwidth * error * sec * ppm;
    const wanted = 2 * bandwidth * error * ppm + state[integral]! + step;
    const most = this.#trimPpmMax;
    const slew = this.#slewPpmPerSec * sec;
    const before = this.trim[0]!;
    let given = Math.min(before + slew, Math.max(before - slew, wanted));
    given = Math.min(most, Math.max(-most, given));
    const isCut = given !== wanted;
    // What cannot be given now is not owed for later, unless it brings the integral back.
    if (!isCut || step * (wanted - given) < 0) state[integral]! += step;
    this.trim[0] = given;
  }

  /** Forgets what it found out. */
  reset(): void {
    this.#state.fill(0);
    this.trim[0] = 0;
  }
}
