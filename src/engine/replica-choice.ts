import { count, counterIndex } from '../memory/counters.js';
import { clock, replicaSlots } from '../memory/layout.js';
import { hasQuantum, takeQuantum } from '../memory/replica-ring.js';
import type { Segment } from '../memory/segment.js';

/** From whom the driver takes a quantum: the primary, or whoever else has it. Allocation-free. */
export class ReplicaChoice {
  private hasTaken = false;

  constructor(
    private readonly segment: Segment,
    /** Where a quantum is put, as words. */
    private readonly into: Int32Array,
  ) {}

  /** Tries the primary, then every other replica; the one that has it becomes the primary. */
  take(tick: number): boolean {
    const { words, layout } = this.segment;
    const word = layout.clock + clock.primary;
    const primary = Atomics.load(words, word);
    if (this.takeFrom(primary, tick)) return true;
    for (let slot = 0; slot < replicaSlots; slot++) {
      if (slot === primary || !this.takeFrom(slot, tick)) continue;
      if (this.hasTaken) count(this.segment, counterIndex.failovers, 1);
      Atomics.store(words, word, slot);
      this.hasTaken = true;
      return true;
    }
    return false;
  }

  private takeFrom(slot: number, tick: number): boolean {
    if (takeQuantum(this.segment, slot, tick, this.into)) {
      this.hasTaken = true;
      return true;
    }
    if (hasQuantum(this.segment, slot, tick)) count(this.segment, counterIndex.tornQuanta, 1);
    return false;
  }

  /** Whether some replica has rendered so far ahead. */
  anyHas(tick: number): boolean {
    for (let slot = 0; slot < replicaSlots; slot++) {
      if (hasQuantum(this.segment, slot, tick)) return true;
    }
    return false;
  }
}
