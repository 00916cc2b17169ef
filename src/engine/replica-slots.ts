import { clock, processEntry, ReplicaState, replica, replicaSlots } from '../memory/layout.js';
import { replicaAt } from '../memory/replica-ring.js';
import type { Segment, Waiting } from '../memory/segment.js';
import type { Seat } from './seats.js';

interface Place {
  slot: number;
  holder: Seat | null;
}

/** A process that lives and is not about to go. */
export function isThere(seat: Seat): boolean {
  return seat.pid !== 0 && seat.killedUs === 0 && seat.leaveByUs === Number.POSITIVE_INFINITY;
}

/**
 * Which replica process renders in which slot. One process more than there are slots waits, warm,
 * for a slot to fall vacant, so that a death costs no start of a process. A slot that a process
 * left behind may still write to is not used until that process is gone.
 */
export class ReplicaSlots {
  private readonly places: Place[];
  private readonly leftBehind = new Map<number, number>();
  private incarnations = 0;

  constructor(
    private readonly segment: Segment,
    private readonly world: Waiting,
    private readonly count: number,
  ) {
    this.places = Array.from({ length: count }, (_, slot) => ({ slot, holder: null }));
  }

  /** Gives vacant slots to processes without one, the warm ones first; returns who got one. */
  fill(seats: readonly Seat[]): Seat[] {
    const filled: Seat[] = [];
    for (const place of this.places) {
      if (place.holder !== null || this.isHeld(place.slot)) continue;
      const free = seats.filter((one) => one.role === 'replica' && isThere(one) && one.place < 0);
      const seat = free.find((one) => one.state === 'standby') ?? free[0];
      if (!seat) continue;
      this.assign(seat, place);
      filled.push(seat);
    }
    return filled;
  }

  /** The process of this seat is gone, and its slot vacant. */
  vacate(seat: Seat): void {
    const index = this.places.findIndex((one) => one.holder === seat);
    const place = this.places[index];
    if (!place) return;
    if (this.isCrowded) this.places.splice(index, 1);
    const at = replicaAt(this.segment, place.slot);
    Atomics.store(this.segment.words, at + replica.state, ReplicaState.empty);
    place.holder = null;
  }

  /**
   * Gives a slot of its own to a process that is to follow the one of another seat: both render
   * until that one is retired. Of the same parity, by which replicas are called in turn.
   */
  join(seat: Seat, beside: Seat): void {
    const used = new Set([...this.leftBehind.values(), ...this.places.map(({ slot }) => slot)]);
    for (let slot = beside.place & 1; slot < replicaSlots; slot += 2) {
      if (used.has(slot)) continue;
      const place: Place = { slot, holder: null };
      this.places.push(place);
      this.assign(seat, place);
      return;
    }
  }

  /** There are more processes that render than there are to be. */
  get isCrowded(): boolean {
    return this.places.length > this.count;
  }

  /** The process of this seat has been followed by another one: it leaves its slot, and goes. */
  retire(seat: Seat): void {
    const index = this.places.findIndex((one) => one.holder === seat);
    const [place] = this.places.splice(index, 1);
    // Not given out before the process is gone; and what it publishes now is not believed.
    this.leftBehind.set(seat.pid, place!.slot);
    const at = replicaAt(this.segment, place!.slot);
    this.segment.words[at + replica.incarnation] = -1;
    seat.place = -1;
  }

  /** The process of this seat cannot be killed: its slot is replaced by another one. */
  leaveBehind(seat: Seat): void {
    const place = this.places.find((one) => one.holder === seat);
    if (!place) return;
    this.leftBehind.set(seat.pid, place.slot);
    // No longer believed: what it publishes from now on is not this slot's.
    const at = replicaAt(this.segment, place.slot);
    this.segment.words[at + replica.incarnation] = -1;
    place.holder = null;
    const used = new Set([...this.leftBehind.values(), ...this.places.map(({ slot }) => slot)]);
    for (let slot = 0; slot < replicaSlots; slot++) {
      if (used.has(slot)) continue;
      place.slot = slot;
      return;
    }
  }

  /** A process that was left behind is gone after all. */
  release(pid: number): void {
    this.leftBehind.delete(pid);
  }

  private isHeld(slot: number): boolean {
    return [...this.leftBehind.values()].includes(slot);
  }

  private assign(seat: Seat, place: Place): void {
    const { words, layout } = this.segment;
    place.holder = seat;
    seat.place = place.slot;
    const at = replicaAt(this.segment, place.slot);
    this.incarnations++;
    Atomics.store(words, at + replica.state, ReplicaState.booting);
    words[at + replica.incarnation] = this.incarnations;
    words[at + replica.working] = words[at + replica.published]!;
    words[this.row(seat) + processEntry.assignedIncarnation] = this.incarnations;
    Atomics.store(words, this.row(seat) + processEntry.assignedSlot, place.slot + 1);
    Atomics.add(words, layout.clock + clock.assignments, 1);
    this.world.wake(layout.clock + clock.assignments);
  }

  private row(seat: Seat): number {
    return this.segment.layout.processes + seat.row * processEntry.words;
  }
}
