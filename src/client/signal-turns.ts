import { TenutoError } from '../errors.js';
import { currentSealedTick, findRecord, isKept, sealedTick } from '../memory/journal.js';
import { record } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import { tickAfter, ticksBetween } from '../memory/ticks.js';
import type { ClientStream } from './stream.js';

/** Tells by the journal which ticks play what is given to one stream from now on. */
export class SignalTurns {
  private readonly cursor: number;
  private first: number | null = null;
  /** The last tick that plays nothing of it yet. */
  private looked: number;

  /** To be made before anything is given to the stream, which is at rest. */
  constructor(
    private readonly segment: Segment,
    private readonly stream: ClientStream,
  ) {
    this.cursor = stream.position;
    this.looked = currentSealedTick(segment);
  }

  /** The tick that plays the first frame; null until it is sealed. */
  firstTick(): number | null {
    if (this.first !== null) return this.first;
    const sealed = sealedTick(this.segment, this.looked);
    while (ticksBetween(sealed, this.looked) > 0) {
      const tick = tickAfter(this.looked, 1);
      if (this.playedAfter(tick) > 0) {
        this.first = tick;
        return tick;
      }
      this.looked = tick;
    }
    return null;
  }

  /** Frames that are played when a sealed tick is over. */
  playedAfter(tick: number): number {
    const { segment, stream } = this;
    const at = findRecord(segment, tick);
    if (at < 0) throw lostTurns();
    const cursor = segment.words[at + record.streamCursors + stream.stream]!;
    if (!isKept(segment, tick)) throw lostTurns();
    return (cursor - this.cursor) | 0;
  }
}

/** This process was kept from running for longer than the engine remembers. */
export function lostTurns(): TenutoError {
  const text = 'what was captured was overwritten before this program came to read it';
  return new TenutoError('TENUTO_CAPTURE_CLOSED', text);
}

/** Whether the way through the device was the same at the beginning, in the middle and at the end. */
export function isSteady(loops: readonly number[]): boolean {
  const third = Math.floor(loops.length / 3);
  if (third < 3) return true;
  const parts = [0, 1, 2].map((part) => medianLoop(loops.slice(part * third, (part + 1) * third)));
  return parts.every((median) => median === parts[0]);
}

/** One of the values: a position that moves in steps is seen a step too early now and then. */
export function medianLoop(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
