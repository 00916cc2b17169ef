import { commandFlags } from '../dsp/command.js';
import { limits } from '../limits.js';
import { laneCommandAt, laneCount, laneWritten } from '../memory/commands.js';
import { beginRecord, commandAt, endRecord, findRecord, recordAt } from '../memory/journal.js';
import { clock, commandsPerTick, commandWords, record } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import { type StreamSegment, streamHeader } from '../memory/stream.js';
import { packFenced, ticksBetween } from '../memory/ticks.js';

const { streamsMax } = limits;

/**
 * Writes the journal: what influences the sound is taken over here, once, and given its tick. Only
 * the current driver seals; where its predecessor stopped is read from the last sealed record.
 */
export class Sealer {
  private readonly laneCursors = new Int32Array(laneCount);
  private readonly streamCursors = new Int32Array(streamsMax);
  private at = 0;
  private tick = 0;
  /** Commands in the record that is being written. */
  taken = 0;

  constructor(
    private readonly segment: Segment,
    private readonly streams: readonly StreamSegment[],
    private readonly generation: number,
  ) {}

  /** Takes over from the record of the last sealed tick; there is none before the first. */
  resume(sealed: number): void {
    const { words, layout } = this.segment;
    if (ticksBetween(sealed, layout.firstTick) < 0) return;
    const at = findRecord(this.segment, sealed);
    if (at < 0) throw new Error('the last sealed record is gone');
    for (let i = 0; i < laneCount; i++) this.laneCursors[i] = words[at + record.laneCursors + i]!;
    for (let i = 0; i < streamsMax; i++) {
      this.streamCursors[i] = words[at + record.streamCursors + i]!;
    }
  }

  /**
   * Writes the record of `tick` into this generation's bank. Allocation-free.
   *
   * @param position the row of the output ring that holds what was captured when it was sealed.
   */
  prepare(tick: number, position: number): void {
    this.tick = tick;
    this.at = recordAt(this.segment, this.generation, tick);
    beginRecord(this.segment, this.at, tick);
    this.taken = 0;
    for (let i = 0; i < laneCount; i++) this.takeLane(i);
    this.segment.words[this.at + record.commands] = this.taken;
    this.segment.words[this.at + record.capturePosition] = position;
    this.takeStreams();
    endRecord(this.segment, this.at, tick);
  }

  /** Publishes the prepared tick. False when another generation is in charge. */
  commit(): boolean {
    const { words, layout } = this.segment;
    const before = packFenced(this.generation, this.tick - 1);
    const after = packFenced(this.generation, this.tick);
    const word = layout.clock + clock.sealed;
    if (Atomics.compareExchange(words, word, before, after) !== before) return false;
    words[layout.clock + clock.nearTick] = this.tick;
    return true;
  }

  private takeLane(laneIndex: number): void {
    const { segment, at } = this;
    const { words } = segment;
    const written = laneWritten(segment, laneIndex);
    let cursor = this.laneCursors[laneIndex]!;
    while (cursor !== written) {
      const bundle = this.bundleLength(laneIndex, cursor, written);
      if (this.taken + bundle > commandsPerTick) break;
      for (let n = 0; n < bundle; n++) {
        const from = laneCommandAt(segment, laneIndex, cursor);
        const to = commandAt(segment, at, this.taken);
        for (let i = 0; i < commandWords; i++) words[to + i] = words[from + i]!;
        this.taken++;
        cursor = (cursor + 1) | 0;
      }
    }
    this.laneCursors[laneIndex] = cursor;
    words[at + record.laneCursors + laneIndex] = cursor;
  }

  /** Commands from here on that belong together and go into one tick. */
  private bundleLength(laneIndex: number, cursor: number, written: number): number {
    const { segment } = this;
    for (let length = 1; length < commandsPerTick; length++) {
      const at = laneCommandAt(segment, laneIndex, (cursor + length - 1) | 0);
      const continues = (segment.words[at]! & commandFlags.continues) !== 0;
      if (!continues || ((cursor + length) | 0) === written) return length;
    }
    return commandsPerTick;
  }

  private takeStreams(): void {
    const { segment, at, streams, streamCursors } = this;
    const { quantum } = segment.layout;
    for (let i = 0; i < streams.length; i++) {
      const { words } = streams[i]!;
      // Most have nothing new, which an ordinary read tells: an atomic one costs many times as much.
      if (words[streamHeader.written] === streamCursors[i]) continue;
      // Looked at first: who takes frames back lets go only when the count is right again.
      const held = Atomics.load(words, streamHeader.hold) !== 0;
      const ready = (Atomics.load(words, streamHeader.written) - streamCursors[i]!) | 0;
      if (held || ready <= 0) continue;
      streamCursors[i] = (streamCursors[i]! + Math.min(ready, quantum)) | 0;
    }
    for (let i = 0; i < streamsMax; i++) {
      segment.words[at + record.streamCursors + i] = streamCursors[i]!;
    }
  }
}
