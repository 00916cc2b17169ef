import { bankOf, generationOfPosition } from './generations.js';
import { clock, outputHeader, outputQuanta } from './layout.js';
import type { Segment } from './segment.js';
import { fencedValue, tickIndex, ticksBetween } from './ticks.js';

/** Word index of the header of a position in the bank of a generation. */
export function outputAt(segment: Segment, generation: number, position: number): number {
  const { output, outputStride } = segment.layout;
  const row = bankOf(segment, generation) * outputQuanta + tickIndex(position, outputQuanta);
  return output + row * outputStride;
}

/** The position after the last committed one; `near` is any position within 2^23 of it. */
export function committedPosition(segment: Segment, near: number): number {
  const word = Atomics.load(segment.words, segment.layout.clock + clock.committed);
  return fencedValue(word, near);
}

/** The same, for one who knows no position yet. */
export function currentPosition(segment: Segment): number {
  return committedPosition(segment, segment.words[segment.layout.clock + clock.nearPosition]!);
}

/** What `OutputReader.read` found. */
export const Reading = { quantum: 0, empty: 1, lost: 2 } as const;
export type Reading = (typeof Reading)[keyof typeof Reading];

/**
 * One reader of the output ring, at its own pace. It never slows the driver; when it lags by more
 * than the ring holds, it is told how much it lost.
 */
export class OutputReader {
  readonly samples: Float32Array;
  /** What was captured in the same turn. */
  readonly captured: Float32Array;
  tick = 0;
  kind = 0;
  generation = 0;
  captureDropFrames = 0;
  loopFrames = 0;
  /** Quanta overwritten before they were read, in all. */
  lostQuanta = 0;
  private readonly segment: Segment;

  /** @param position where to begin; 0 is the first quantum ever played. */
  constructor(
    segment: Segment,
    public position: number,
  ) {
    this.segment = segment;
    this.samples = new Float32Array(segment.layout.quantumSamples);
    this.captured = new Float32Array(segment.layout.captureSamples);
  }

  /** Takes the next quantum into `samples`, `tick`, `kind`, `generation`. Allocation-free. */
  read(): Reading {
    const { segment } = this;
    const { words, samples } = segment;
    const waiting = ticksBetween(committedPosition(segment, this.position), this.position);
    if (waiting <= 0) return Reading.empty;
    if (waiting > outputQuanta - 2) return this.skip(waiting - outputQuanta / 2);
    const generation = generationOfPosition(segment, this.position);
    const at = outputAt(segment, generation, this.position);
    if (Atomics.load(words, at + outputHeader.position) !== this.position) return this.skip(1);
    this.tick = words[at + outputHeader.tick]!;
    this.kind = words[at + outputHeader.kind]!;
    this.generation = words[at + outputHeader.generation]!;
    this.captureDropFrames = words[at + outputHeader.captureDropFrames]!;
    this.loopFrames = words[at + outputHeader.loopFrames]!;
    const from = at + outputHeader.words;
    for (let i = 0; i < this.samples.length; i++) this.samples[i] = samples[from + i]!;
    const heard = from + this.samples.length;
    for (let i = 0; i < this.captured.length; i++) this.captured[i] = samples[heard + i]!;
    const now = ticksBetween(committedPosition(segment, this.position), this.position);
    if (now > outputQuanta - 2) return this.skip(now - outputQuanta / 2);
    this.position = (this.position + 1) | 0;
    return Reading.quantum;
  }

  private skip(quanta: number): Reading {
    this.position = (this.position + quanta) | 0;
    this.lostQuanta += quanta;
    return Reading.lost;
  }
}
