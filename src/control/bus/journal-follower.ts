import { commandAt, fateOf, findRecord, isKept, sealedTick } from '../../memory/journal.js';
import { journalTicks, laneCount, RecordStatus, record } from '../../memory/layout.js';
import type { Segment } from '../../memory/segment.js';
import { tickAfter, ticksBetween } from '../../memory/ticks.js';

/** One sealed record, as it is told to whoever follows; valid during the call only. */
export interface SealedRecord {
  readonly tick: number;
  /** Nobody applied its commands. */
  readonly isVoid: boolean;
  /** The program before plays from its tick on. */
  readonly isReverted: boolean;
  readonly commands: number;
  /** Of the last command before the record. */
  readonly seqBefore: number;
  /** Commands that were ever taken from each lane. */
  readonly cursors: Int32Array;
  /** Commands of each lane in this record, which hold them lane after lane. */
  readonly taken: Int32Array;
  /** Word index of the n-th command. */
  at(index: number): number;
}

/** Records at the far end of the journal that a driver may be about to write over. */
const marginTicks = 64;

/**
 * Follows the journal, record by record, each told once and only when it is settled whether its
 * commands count. What it tells is all that control believes: a command is what was sealed.
 */
export class JournalFollower {
  /** Number of the last command of the last record that was told. */
  seq = 0;
  readonly cursors = new Int32Array(laneCount);
  private readonly taken = new Int32Array(laneCount);

  /** @param tick the last tick that is not to be told. */
  constructor(
    private readonly segment: Segment,
    public tick: number,
  ) {
    if (ticksBetween(tick, segment.layout.firstTick) < 0) return;
    const at = findRecord(segment, tick);
    if (at < 0) return;
    this.takeCursors(at);
  }

  /** The oldest tick that is surely kept, minus one: where to begin to hear all that there is. */
  static oldest(segment: Segment, sealed: number): number {
    const before = tickAfter(segment.layout.firstTick, -1);
    const kept = tickAfter(sealed, marginTicks - journalTicks);
    return ticksBetween(kept, before) > 0 ? kept : before;
  }

  /**
   * Tells every record since. False when some of them are gone already: then nobody knows what
   * came between.
   */
  follow(visit: (record: SealedRecord) => void): boolean {
    const { segment } = this;
    const { words } = segment;
    for (;;) {
      const tick = tickAfter(this.tick, 1);
      if (ticksBetween(sealedTick(segment, tick), tick) < 0) return true;
      const at = findRecord(segment, tick);
      if (at < 0) return false;
      const status = Atomics.load(words, at + record.status);
      if (status === fateOf(status)) return true;
      const commands = words[at + record.commands]!;
      this.takeCursors(at);
      visit({
        tick,
        isVoid: status !== RecordStatus.passed,
        isReverted: status === RecordStatus.revertedPassed,
        commands,
        seqBefore: (this.seq - commands) | 0,
        cursors: this.cursors,
        taken: this.taken,
        at: (index) => commandAt(segment, at, index),
      });
      if (!isKept(segment, tick)) return false;
      this.tick = tick;
    }
  }

  private takeCursors(at: number): void {
    const { words } = this.segment;
    this.seq = 0;
    for (let lane = 0; lane < laneCount; lane++) {
      const cursor = words[at + record.laneCursors + lane]!;
      this.taken[lane] = (cursor - this.cursors[lane]!) | 0;
      this.cursors[lane] = cursor;
      this.seq = (this.seq + cursor) | 0;
    }
  }
}
