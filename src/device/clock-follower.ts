import { Converter, DriftController } from '../pcm/index.js';

export interface ClockFollowerOptions {
  rateHz: number;
  channels: number;
  /** Frames of each turn. */
  quantum: number;
}

/**
 * Brings what one device captures to the clock of another one that plays: two crystals are some ten
 * parts per million apart, which would be a frame too many or too few every second. It converts by a
 * ratio that follows how full the buffer between the two is, so that nothing is dropped or missing.
 * Allocation-free but for the constructor; on the audio thread.
 */
export class ClockFollower {
  private readonly converter: Converter;
  private readonly controller: DriftController;
  private readonly quantum: number;

  constructor({ rateHz, channels, quantum }: ClockFollowerOptions) {
    this.quantum = quantum;
    this.controller = new DriftController({ rateHz });
    this.converter = new Converter({
      inputRate: rateHz,
      outputRate: rateHz,
      channels,
      quality: 'music',
      adjustable: true,
      maxInputFrames: 2 * quantum,
    });
  }

  /** How much faster than what plays the listening device runs, as found so far. */
  get ppm(): number {
    return this.controller.trimPpm;
  }

  /** Frames that are to be held besides, for the filter and for the loop to find its way. */
  get marginFrames(): number {
    return this.converter.latencyFrames + this.quantum;
  }

  /** Frames that were captured and not taken yet. */
  get heldFrames(): number {
    return this.converter.bufferedFrames;
  }

  /** Frames that are missing for the next quantum. */
  get neededFrames(): number {
    return this.converter.framesNeeded(this.quantum);
  }

  /** Up to a quantum of captured frames, interleaved. */
  push(captured: Float32Array, frames: number): void {
    this.converter.push(captured, frames);
  }

  /** Gives a quantum, or what there is; says how many frames that was. */
  pull(into: Float32Array): number {
    return this.converter.pull(into, this.quantum);
  }

  /** Once a turn: how many frames more than usual are held in all. */
  follow(tooManyFrames: number): void {
    this.controller.update(tooManyFrames, this.quantum);
    this.converter.follow(this.controller.trim);
  }

  /** Forgets what is held; what it found out about the clocks stays. */
  clear(): void {
    this.converter.reset();
  }
}
