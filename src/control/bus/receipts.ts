import { commandsPerTick, journalTicks, receipt, receiptEntries } from '../../memory/layout.js';
import type { Segment } from '../../memory/segment.js';
import { ticksBetween } from '../../memory/ticks.js';
import { type IdHash, keyOf } from './command-id.js';

/** What became of a command that had a name. */
export interface Receipt {
  readonly high: number;
  readonly seq: number;
  readonly sealedTick: number;
  readonly tick: number;
  readonly frame: number;
  readonly isVoid: boolean;
  readonly isLate: boolean;
}

const receiptsMax = journalTicks * commandsPerTick;
/** Who waits for less is remembered for as long after its time by the journal itself. */
const longWaitTicks = journalTicks / 2;

/** One that stands in the engine's memory, and in which row. */
interface Kept {
  readonly row: number;
  readonly receipt: Receipt;
}

/**
 * What became of the commands of the last seconds, by the hash of their names: a command that is
 * sent again is answered and not applied again. It holds what the journal holds, and of commands
 * that were to wait until after that, what stands in the engine's memory; so a successor finds the
 * same. The latter is remembered for the length of a journal after its time, too.
 */
export class Receipts {
  private readonly byKey = new Map<number, Receipt>();
  private readonly kept = new Map<number, Kept>();
  private readonly freeRows: number[] = [];

  constructor(private readonly segment: Segment) {
    for (let row = receiptEntries - 1; row >= 0; row--) this.read(row);
  }

  find(id: IdHash): Receipt | undefined {
    const key = keyOf(id);
    const found = this.byKey.get(key) ?? this.kept.get(key)?.receipt;
    return found?.high === id.high ? found : undefined;
  }

  /** Notes what was sealed, and forgets what has left the journal. */
  note(id: IdHash, told: Omit<Receipt, 'high'>): void {
    const key = keyOf(id);
    const noted = { high: id.high, ...told };
    this.byKey.delete(key);
    this.byKey.set(key, noted);
    const isLong = ticksBetween(told.tick, told.sealedTick) >= longWaitTicks;
    if (isLong && !told.isVoid) this.keep(id, noted);
    for (const [oldKey, old] of this.byKey) {
      const age = ticksBetween(told.sealedTick, old.sealedTick);
      if (age < journalTicks && this.byKey.size <= receiptsMax) break;
      this.byKey.delete(oldKey);
    }
  }

  /** Keeps one in the engine's memory, before anybody is answered by it. */
  keep(id: IdHash, kept: Receipt): void {
    const key = keyOf(id);
    const row = this.kept.get(key)?.row ?? this.freeRow(kept.sealedTick);
    this.kept.set(key, { row, receipt: kept });
    const { words } = this.segment;
    const at = this.rowAt(row);
    Atomics.store(words, at + receipt.isWhole, 0);
    words[at + receipt.idLow] = id.low;
    words[at + receipt.idHigh] = id.high;
    words[at + receipt.seq] = kept.seq;
    words[at + receipt.sealedTick] = kept.sealedTick;
    words[at + receipt.tick] = kept.tick;
    words[at + receipt.frame] = kept.frame;
    Atomics.store(words, at + receipt.isWhole, 1);
  }

  private read(row: number): void {
    const { words } = this.segment;
    const at = this.rowAt(row);
    if (Atomics.load(words, at + receipt.isWhole) === 0) {
      this.freeRows.push(row);
      return;
    }
    const high = words[at + receipt.idHigh]!;
    const known: Receipt = {
      high,
      seq: words[at + receipt.seq]!,
      sealedTick: words[at + receipt.sealedTick]!,
      tick: words[at + receipt.tick]!,
      frame: words[at + receipt.frame]!,
      isVoid: false,
      isLate: false,
    };
    this.kept.set(keyOf({ low: words[at + receipt.idLow]!, high }), { row, receipt: known });
  }

  /** A row for another one; where all are taken, those whose time is long over are forgotten. */
  private freeRow(now: number): number {
    if (this.freeRows.length === 0) {
      for (const [key, { row, receipt: old }] of this.kept) {
        if (ticksBetween(now, old.tick) < journalTicks) continue;
        this.kept.delete(key);
        this.freeRows.push(row);
      }
    }
    const free = this.freeRows.pop();
    if (free !== undefined) return free;
    // More cannot wait, so this is not reached; were it, the first that was taken has to go.
    const [key, { row }] = this.kept.entries().next().value!;
    this.kept.delete(key);
    return row;
  }

  private rowAt(row: number): number {
    return this.segment.layout.receipts + row * receipt.words;
  }
}
