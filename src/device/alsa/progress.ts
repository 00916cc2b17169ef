import { LostReason } from '../device.js';
import { type Pace, paceAt } from '../pace.js';

/** Places in `Progress.values`. */
export const progressAt = {
  /** Given: frames that the device has taken. */
  position: 0,
  /** When the position was last seen to move, and where it was then. */
  movedNs: 1,
  moved: 2,
  /** Since when the speed is measured, and where the position was then. */
  checkedNs: 3,
  checked: 4,
  /** When the device was started again for the first time of those that were in vain. */
  revivedNs: 5,
  places: 6,
} as const;

/** Steps for which a position may stand still before that counts as stalled. */
const stallSteps = 3;
/** For how long the speed is measured: many of the longest steps. */
const checkNs = 1e9;
/** No clock is that slow, but PipeWire when its period has become too long for the stream. */
const slowest = 0.8;
/** Restarts in vain before a device that lets itself be restarted is given up all the same. */
const revivalsMax = 3;

/**
 * Judges a device by its own progress, not by what it accepts. All may be called on the audio
 * thread.
 */
export class Progress {
  readonly values = new Float64Array(progressAt.places);
  /** Restarts since the device last moved. */
  private revivals = 0;

  constructor(private readonly format: { rateHz: number; stallMs: number }) {}

  /** The device was started: its position is 0. */
  begin(pace: Pace): void {
    const { values } = this;
    const now = pace.times[paceAt.now]!;
    values[progressAt.movedNs] = now;
    values[progressAt.moved] = 0;
    values[progressAt.checkedNs] = now;
    values[progressAt.checked] = 0;
  }

  reset(): void {
    this.revivals = 0;
  }

  /** Whether the position has moved since the last call. */
  get hasMoved(): boolean {
    return this.values[progressAt.position] !== this.values[progressAt.moved];
  }

  /** Follows the position: why the device is lost, if it is. */
  follow(pace: Pace, stepFrames: number): LostReason {
    const { values, format } = this;
    const now = pace.times[paceAt.now]!;
    if (this.hasMoved) {
      values[progressAt.moved] = values[progressAt.position]!;
      values[progressAt.movedNs] = now;
      this.revivals = 0;
      return this.isSlow(now) ? LostReason.changed : LostReason.none;
    }
    const stepsMs = (stallSteps * stepFrames * 1000) / format.rateHz;
    const limitMs = Math.max(format.stallMs, stepsMs);
    const isStalled = now - values[progressAt.movedNs]! > limitMs * 1e6;
    return isStalled ? LostReason.stalled : LostReason.none;
  }

  private isSlow(now: number): boolean {
    const { values, format } = this;
    const elapsedNs = now - values[progressAt.checkedNs]!;
    if (elapsedNs < checkNs) return false;
    const frames = values[progressAt.position]! - values[progressAt.checked]!;
    values[progressAt.checkedNs] = now;
    values[progressAt.checked] = values[progressAt.position]!;
    return frames < (slowest * format.rateHz * elapsedNs) / 1e9;
  }

  /** Notes that it is started again; whether that was in vain too often. */
  isInVain(pace: Pace): boolean {
    const { values, format } = this;
    const now = pace.times[paceAt.now]!;
    if (this.revivals++ === 0) values[progressAt.revivedNs] = now;
    const vainMs = (now - values[progressAt.revivedNs]!) / 1e6;
    return this.revivals > revivalsMax && vainMs > format.stallMs;
  }
}
