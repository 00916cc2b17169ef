import { findRecord, voidRecord } from '../memory/journal.js';
import type { Segment } from '../memory/segment.js';

/**
 * Finds records that kill. Replicas are identical, so each of them would die of the same record:
 * one at which two in a row died before they passed it is voided. Nobody has passed it, so all who
 * come after agree.
 */
export class PoisonWatch {
  private tick: number | null = null;
  private deaths = 0;

  /** A replica died or hung while it worked at `tick`. True when the record was voided for it. */
  died(segment: Segment, tick: number): boolean {
    this.deaths = this.tick === tick ? this.deaths + 1 : 1;
    this.tick = tick;
    if (this.deaths < 2) return false;
    const at = findRecord(segment, tick);
    return at >= 0 && voidRecord(segment, at);
  }
}
