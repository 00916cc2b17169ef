import { generationOfPosition } from '../memory/generations.js';
import { outputHeader } from '../memory/layout.js';
import { outputAt } from '../memory/output-ring.js';
import type { Segment } from '../memory/segment.js';
import { tickAfter } from '../memory/ticks.js';

/** More than any device holds. */
const quantaMax = 1024;

/**
 * What the last device was given and did not play: it stands on the output ring and was heard by
 * nobody, so it is given to the next device first. On the audio thread; allocates only for the one
 * part that is no whole quantum.
 */
export class Replay {
  /** Frames that are still to be given. */
  leftFrames: number;
  private readonly part: Float32Array;
  private position = 0;

  constructor(
    private readonly segment: Segment,
    frames: number,
  ) {
    const { quantum, quantumSamples } = segment.layout;
    this.leftFrames = Math.min(frames, quantaMax * quantum);
    this.part = new Float32Array(quantumSamples);
  }

  /** Says where the stream goes on: what is replayed ends there. */
  endAt(position: number): void {
    this.position = position;
    const sinceStart = (position >>> 0) * this.segment.layout.quantum;
    this.leftFrames = Math.min(this.leftFrames, sinceStart);
  }

  /** The next part, a quantum or less; the same one until `given`. */
  next(): Float32Array {
    const { samples, layout } = this.segment;
    const { quantum, channels, quantumSamples } = layout;
    const back = Math.ceil(this.leftFrames / quantum);
    const position = tickAfter(this.position, -back);
    const at = outputAt(this.segment, generationOfPosition(this.segment, position), position);
    const from = at + outputHeader.words;
    for (let i = 0; i < quantumSamples; i++) this.part[i] = samples[from + i]!;
    const skipped = (back * quantum - this.leftFrames) * channels;
    return skipped > 0 ? this.part.subarray(skipped) : this.part;
  }

  /** The device took the part. */
  given(): void {
    const { quantum } = this.segment.layout;
    this.leftFrames = (Math.ceil(this.leftFrames / quantum) - 1) * quantum;
  }

  /** Nobody wants it any more. */
  drop(): void {
    this.leftFrames = 0;
  }
}
