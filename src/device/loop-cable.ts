import type { LoopBack } from './room/room.js';

/**
 * The virtual device's cable from its output to its input: what is heard was given a set number of
 * frames earlier. Each captured channel hears the played one of its number, and beyond the last one
 * they begin again. Allocation-free but for the constructor; on the audio thread.
 */
export class LoopCable implements LoopBack {
  readonly dropFrames = 0;
  private readonly ring: Float32Array;
  /** Frames of the ring, a power of two. */
  private readonly frames: number;
  private readonly delayFrames: number;
  private readonly quantum: number;
  private readonly channels: number;
  private readonly captureChannels: number;
  /** Where the quantum of this turn begins, and how much of it was given. */
  private turn = 0;
  private given = 0;

  /** @param options the delay is at least a quantum: a turn listens before it gives. */
  constructor(options: {
    loopbackFrames: number;
    quantum: number;
    channels: number;
    captureChannels: number;
  }) {
    const { quantum, channels, captureChannels } = options;
    this.quantum = quantum;
    this.channels = channels;
    this.captureChannels = captureChannels;
    this.delayFrames = Math.max(options.loopbackFrames, quantum);
    this.frames = 2 ** Math.ceil(Math.log2(this.delayFrames + 2 * quantum));
    this.ring = new Float32Array(this.frames * channels);
  }

  clear(): void {
    this.ring.fill(0);
    this.turn = 0;
    this.given = 0;
  }

  /** Another turn begins; until it is given something, it is given silence. */
  advance(): void {
    const { quantum, channels, frames, ring } = this;
    this.turn = (this.turn + quantum) & (frames - 1);
    this.given = 0;
    for (let i = 0; i < quantum; i++) {
      const at = ((this.turn + i) & (frames - 1)) * channels;
      for (let c = 0; c < channels; c++) ring[at + c] = 0;
    }
  }

  /** What this turn hears. */
  hear(into: Float32Array): void {
    const { quantum, channels, captureChannels, frames, ring } = this;
    const from = this.turn - this.delayFrames;
    for (let i = 0; i < quantum; i++) {
      const at = ((from + i) & (frames - 1)) * channels;
      for (let c = 0; c < captureChannels; c++) {
        into[i * captureChannels + c] = ring[at + (c % channels)]!;
      }
    }
  }

  /** What is given in this turn; more than a quantum has no place in it. */
  give(samples: Float32Array): void {
    const { quantum, channels, frames, ring } = this;
    const count = Math.min(samples.length / channels, quantum - this.given);
    for (let i = 0; i < count; i++) {
      const at = ((this.turn + this.given + i) & (frames - 1)) * channels;
      for (let c = 0; c < channels; c++) ring[at + c] = samples[i * channels + c]!;
    }
    this.given += count;
  }
}
