import { counterIndex } from '../memory/counters.js';
import type { EventKind } from '../memory/events.js';
import { sealedTick } from '../memory/journal.js';
import { clock, desk, ReplicaState, replica, service } from '../memory/layout.js';
import { isReady, type ProcessState } from '../memory/process-table.js';
import { replicaAt } from '../memory/replica-ring.js';
import type { Segment } from '../memory/segment.js';
import { ticksBetween } from '../memory/ticks.js';
import { isThere } from './replica-slots.js';
import { isStill, type KeeperPolicy, type Seat } from './seats.js';
import { currentGeneration } from './takeover.js';

/** A replica that joins is no real-time process yet, and nobody waits for it. */
const joiningPatience = 10;

/** How a process that stands still is told and counted. */
export interface Hang {
  counter: number;
  event: EventKind;
  /** What the event carries: the tick of a replica, the row of any other. */
  detail: number;
}

/** Tells from what processes write in the memory how far they have come, and which stand still. */
export class Watchdog {
  constructor(
    private readonly segment: Segment,
    private readonly policy: KeeperPolicy,
  ) {}

  /** How far a process has come. */
  reached(seat: Seat): ProcessState {
    if (seat.role === 'replica') return this.replicaReached(seat);
    const up = isReady(this.segment, seat.row);
    if (seat.role !== 'driver') return up ? 'running' : 'starting';
    if (this.isCurrent(seat)) return 'running';
    return up ? 'standby' : 'starting';
  }

  /** A process that has stood still for longer than its role may; null for one that has not. */
  hang(seat: Seat, nowUs: number): Hang | null {
    if (seat.role === 'replica' && !isThere(seat)) return null;
    if (seat.state === 'starting') {
      seat.lookedUs = 0;
      return null;
    }
    if (seat.role === 'replica') return seat.place < 0 ? null : this.replicaHang(seat, nowUs);
    if (seat.role === 'driver') return this.driverHang(seat, nowUs);
    const { words, layout } = this.segment;
    const word =
      seat.role === 'control'
        ? layout.clock + clock.controlBeat
        : this.serviceWord(seat, service.beat);
    const beat = Atomics.load(words, word);
    if (!isStill(seat, beat, nowUs, this.policy.serviceMs)) return null;
    return { counter: counterIndex.hungOther, event: 'process-hung', detail: seat.row };
  }

  private replicaReached(seat: Seat): ProcessState {
    const up = isReady(this.segment, seat.row);
    if (seat.place < 0) return up ? 'standby' : 'starting';
    const at = replicaAt(this.segment, seat.place);
    const state = Atomics.load(this.segment.words, at + replica.state);
    if (state === ReplicaState.ready) return 'running';
    return up ? 'joining' : 'starting';
  }

  private replicaHang(seat: Seat, nowUs: number): Hang | null {
    const at = replicaAt(this.segment, seat.place);
    const published = Atomics.load(this.segment.words, at + replica.published);
    const behind = ticksBetween(sealedTick(this.segment, published), published);
    const patienceMs = this.policy.replicaMs * (seat.state === 'running' ? 1 : joiningPatience);
    const stands = isStill(seat, behind > 0 ? published : ~published, nowUs, patienceMs);
    if (behind <= 0 || !stands) return null;
    return { counter: counterIndex.hungReplica, event: 'replica-hung', detail: published };
  }

  private driverHang(seat: Seat, nowUs: number): Hang | null {
    const { words, layout } = this.segment;
    const current = this.isCurrent(seat);
    if (seat.leaveByUs !== Number.POSITIVE_INFINITY) return null;
    if (!current && Atomics.load(words, layout.desk + desk.opening) === seat.place) {
      const openingUs = (nowUs - words[layout.desk + desk.openingUs]!) | 0;
      if (openingUs < this.policy.openMs * 1000) return null;
      const { streamOpenFailures } = counterIndex;
      return { counter: streamOpenFailures, event: 'open-hung', detail: seat.row };
    }
    const beat = Atomics.load(words, layout.clock + (current ? clock.beatUs : clock.standbyBeat));
    const patienceMs = current ? this.policy.driverMs : this.policy.serviceMs;
    if (!isStill(seat, beat, nowUs, patienceMs)) return null;
    return { counter: counterIndex.hungDriver, event: 'driver-hung', detail: seat.row };
  }

  private isCurrent(seat: Seat): boolean {
    return seat.place % 256 === currentGeneration(this.segment);
  }

  private serviceWord(seat: Seat, word: number): number {
    return this.segment.layout.services + seat.place * service.words + word;
  }
}
