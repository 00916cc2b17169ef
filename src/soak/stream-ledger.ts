import { limits } from '../limits.js';
import { findRecord, sealedTick } from '../memory/journal.js';
import { record } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import { tickAfter, ticksBetween } from '../memory/ticks.js';

/**
 * Follows the journal from its first tick on and keeps how many frames of each stream every tick
 * plays. To be asked to catch up more often than the journal is deep (4096 ticks).
 */
export class StreamLedger {
  /** `ok`, or the first thing that was wrong. */
  order = 'ok';
  /** Ticks followed so far. */
  ticks = 0;
  private readonly cursors = new Int32Array(limits.streamsMax);
  private readonly rows: Int32Array[] = [];

  constructor(private readonly segment: Segment) {}

  /** Takes in all that was sealed since the last call. */
  catchUp(): void {
    const { layout } = this.segment;
    for (;;) {
      const tick = tickAfter(layout.firstTick, this.ticks);
      if (ticksBetween(sealedTick(this.segment, tick), tick) < 0) return;
      const at = findRecord(this.segment, tick);
      if (at < 0) {
        this.say(`the record of tick ${tick >>> 0} was overwritten before it was read`);
        return;
      }
      this.take(at);
    }
  }

  /** The frames that a tick plays of each stream: stream, first position, count, by threes. */
  row(index: number): Int32Array {
    return this.rows[index]!;
  }

  private take(at: number): void {
    const { words, layout } = this.segment;
    const row: number[] = [];
    for (let stream = 0; stream < this.cursors.length; stream++) {
      const cursor = words[at + record.streamCursors + stream]!;
      const before = this.cursors[stream]!;
      const count = (cursor - before) | 0;
      if (count === 0) continue;
      if (count < 0 || count > layout.quantum) {
        this.say(`tick ${this.ticks} plays ${count} frames of stream ${stream}`);
      }
      row.push(stream, before, count);
      this.cursors[stream] = cursor;
    }
    this.rows.push(Int32Array.from(row));
    this.ticks++;
  }

  private say(what: string): void {
    if (this.order === 'ok') this.order = what;
  }
}
