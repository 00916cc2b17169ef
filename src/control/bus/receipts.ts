import { commandsPerTick, journalTicks } from '../../memory/layout.js';
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

/**
 * What became of the commands of the last seconds, by the hash of their names. It holds exactly
 * what the journal holds, so that a successor finds the same: a command that is sent again is
 * answered and not applied again.
 */
export class Receipts {
  private readonly byKey = new Map<number, Receipt>();

  find(id: IdHash): Receipt | undefined {
    const found = this.byKey.get(keyOf(id));
    return found?.high === id.high ? found : undefined;
  }

  /** Notes what was sealed, and forgets what has left the journal. */
  note(id: IdHash, receipt: Omit<Receipt, 'high'>): void {
    const key = keyOf(id);
    this.byKey.delete(key);
    this.byKey.set(key, { high: id.high, ...receipt });
    for (const [oldKey, old] of this.byKey) {
      const age = ticksBetween(receipt.sealedTick, old.sealedTick);
      if (age < journalTicks && this.byKey.size <= receiptsMax) break;
      this.byKey.delete(oldKey);
    }
  }
}
