import { type Pace, paceAt } from '../pace.js';
import type { Started } from './start.js';

/** Places in `Fill.frames`. */
export const fillAt = {
  /** Frames from the one given last to the loudspeaker, which each turn reaches. */
  target: 0,
  /** Least frames in the buffer before a turn, in this window. */
  least: 1,
  /** When it last ran dry, monotonic nanoseconds. */
  dryNs: 2,
  places: 3,
} as const;

/** Turns between two looks whether the buffer is fuller or emptier than it should be. */
const windowTurns = 128;
/** Dry runs that follow each other faster than this call for a longer buffer. */
const dryAgainNs = 1e9;

/**
 * How full a device's buffer is kept: enough that a turn may be late by all but one of the quanta
 * in it, whatever lies between the buffer and the loudspeaker. All may be called on the audio
 * thread.
 */
export class Fill {
  readonly frames = new Float64Array(fillAt.places);
  /** Frames in the buffer before a turn, by which the turn may be late. */
  readonly marginFrames: number;
  /** Frames that the device takes at a time. */
  stepFrames = 0;
  /** Frames between the buffer and the loudspeaker. */
  offsetFrames = 0;
  /** Silence that the device is started with after it ran dry. */
  silenceFrames = 0;
  private turns = 0;

  constructor(
    private readonly format: { quantum: number; bufferQuanta: number; rateHz: number },
    private readonly silenceFramesMax: number,
  ) {
    this.marginFrames = (format.bufferQuanta - 1) * format.quantum;
  }

  begin({ stepFrames, offsetFrames }: Started): void {
    this.stepFrames = stepFrames;
    this.offsetFrames = offsetFrames;
    this.silenceFrames = Math.max(this.marginFrames, stepFrames);
    this.frames[fillAt.dryNs] = 0;
    this.aim(this.marginFrames);
  }

  private aim(marginFrames: number): void {
    const { frames, format } = this;
    frames[fillAt.target] = this.offsetFrames + marginFrames + format.quantum;
    frames[fillAt.least] = Number.MAX_SAFE_INTEGER;
    this.turns = 0;
  }

  /** Says how much silence the device is to be started with now that it ran dry. */
  runDry(pace: Pace, isFresh: boolean): void {
    const { frames } = this;
    const now = pace.times[paceAt.now]!;
    const again = !isFresh && now - frames[fillAt.dryNs]! < dryAgainNs;
    frames[fillAt.dryNs] = now;
    const needed = Math.max(this.marginFrames, this.stepFrames);
    const wanted = again ? 2 * this.silenceFrames : needed;
    this.silenceFrames = Math.min(wanted, this.silenceFramesMax);
    this.aim(this.silenceFrames);
  }

  /**
   * Keeps the least that the buffer holds before a turn where it should be: the device's account of
   * the way to its loudspeaker may be wrong or change. A turn that is late is no reason.
   */
  keep(pace: Pace, fill: number): void {
    const { frames, format } = this;
    const lateNs = Math.max(0, pace.times[paceAt.now]! - pace.times[paceAt.due]!);
    const onTime = fill + (lateNs * format.rateHz) / 1e9;
    frames[fillAt.least] = Math.min(frames[fillAt.least]!, onTime);
    if (++this.turns < windowTurns) return;
    this.turns = 0;
    const missing = this.marginFrames - frames[fillAt.least]!;
    if (missing > format.quantum / 2) frames[fillAt.target]! += missing;
    // Slowly: each turn that comes later for it would be heard as a slower tempo.
    else if (missing < -format.quantum) frames[fillAt.target]! -= format.quantum / 8;
    frames[fillAt.least] = Number.MAX_SAFE_INTEGER;
  }
}
