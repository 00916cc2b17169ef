import { currentSealedTick, isKept } from '../memory/journal.js';
import {
  clock,
  processEntry,
  programSlot,
  programSlots,
  replica,
  replicaSlots,
  SnapshotState,
  snapshot,
  snapshotsPerSlot,
} from '../memory/layout.js';
import {
  failProgram,
  findProgram,
  firstProgram,
  ProgramState,
  programAssets,
  programAt,
  programState,
  setProgramState,
} from '../memory/programs.js';
import { replicaAt } from '../memory/replica-ring.js';
import type { Segment, Waiting } from '../memory/segment.js';
import { discardSnapshots, snapshotAt } from '../memory/snapshots.js';
import { ticksBetween } from '../memory/ticks.js';
import { isThere, type ReplicaSlots } from './replica-slots.js';
import type { KeeperPolicy, Seat } from './seats.js';

/** What bringing in a program needs of the world. */
export interface RolloutWorld extends Waiting {
  nowUs(): number;
  /** Takes a descriptor over from another process; -1 when it is gone. */
  adopt(pid: number, fd: number): number;
  /** Gives back what it took over. */
  giveBack(fd: number): void;
}

/** A process that loads or tries a program for so long hangs. */
const loadUs = 5e6;
/** A program that not all replicas have by then is given up. */
const overdueUs = 30e6;
/** How long a program that failed can be asked why. */
const failedUs = 5e6;
/** A retired process that is not gone by then is killed. */
const retireUs = 200e3;
/** Deaths of who loads a program that it is blamed for. */
const deathsMax = 2;

/**
 * Brings a program to the replicas: the one that waits, warm, loads it, joins beside those that
 * render, and when it has caught up one of those is retired; until all of them have it. At no time
 * do fewer render than are to, and none of those that do loads anything.
 */
export class ProgramRollout {
  /** By number: since when it is prepared, since when it is of no use. */
  private readonly sinceUs = new Map<number, number>();
  private readonly goneSinceUs = new Map<number, number>();
  /** The last sealed tick at which a program was needed. */
  private readonly neededAt = new Map<number, number>();
  private readonly loadingSince = new Map<number, { number: number; us: number }>();
  private deaths = 0;
  private deathsOf = 0;

  constructor(
    private readonly segment: Segment,
    private readonly world: RolloutWorld,
    private readonly slots: ReplicaSlots,
    private readonly policy: Pick<KeeperPolicy, 'serviceMs'>,
  ) {}

  /**
   * One look. What the keeper does for it: `retire` has a process leave, `hang` ends one.
   *
   * @param seats - those of the replicas
   * @returns the program that has just become ready, or 0
   */
  poll(seats: readonly Seat[], hang: (seat: Seat) => void): number {
    this.admit();
    this.watchLoading(seats, hang);
    const target = this.target();
    if (target < 0) {
      this.relieve(seats);
      this.cleanUp(seats);
      return 0;
    }
    const number = this.segment.words[target + programSlot.number]!;
    const nowUs = this.world.nowUs();
    if (nowUs - (this.sinceUs.get(number) ?? nowUs) > overdueUs) {
      failProgram(this.segment, target, 'overdue');
      return 0;
    }
    return this.advance(seats, target, number);
  }

  /** Whether there is a program that not all replicas have yet. */
  get isUnderWay(): boolean {
    return this.target() >= 0;
  }

  /** The process of a seat died: did it die of a program that it loaded? Call before it is reused. */
  died(seat: Seat): void {
    this.loadingSince.delete(seat.row);
    const { loading, loaded } = this.progress(seat);
    if (loading <= loaded) return;
    const at = findProgram(this.segment, loading);
    if (at < 0 || programState(this.segment, at) !== ProgramState.preparing) return;
    this.deaths = this.deathsOf === loading ? this.deaths + 1 : 1;
    this.deathsOf = loading;
    if (this.deaths >= deathsMax) failProgram(this.segment, at, 'died');
  }

  private advance(seats: readonly Seat[], target: number, number: number): number {
    const holders = seats.filter((one) => isThere(one) && one.place >= 0);
    const outdated = holders.filter((one) => this.progress(one).loaded < number);
    if (holders.some(({ state }) => state !== 'running')) return 0;
    if (this.slots.isCrowded) {
      this.retire(outdated[0] ?? holders[0]!, holders);
      return 0;
    }
    if (outdated.length === 0 && holders.length > 0) {
      setProgramState(this.segment, target, ProgramState.ready);
      return number;
    }
    const warm = seats.find(
      (one) =>
        isThere(one) &&
        one.place < 0 &&
        one.state === 'standby' &&
        this.progress(one).loaded >= number,
    );
    if (!warm || !outdated[0]) return 0;
    this.slots.join(warm, outdated[0]);
    return 0;
  }

  /** A program that was given up may have left one process too many. */
  private relieve(seats: readonly Seat[]): void {
    if (!this.slots.isCrowded) return;
    const holders = seats.filter((one) => isThere(one) && one.place >= 0);
    if (holders.every(({ state }) => state === 'running')) this.retire(holders[0]!, holders);
  }

  private retire(seat: Seat, holders: readonly Seat[]): void {
    const { words, layout } = this.segment;
    const word = layout.clock + clock.primary;
    const follower = holders.find((one) => one !== seat);
    // The driver would find another one by itself, and count that as a failure of this one.
    if (follower) Atomics.compareExchange(words, word, seat.place, follower.place);
    const call = layout.clock + ((seat.place & 1) === 0 ? clock.evenCalls : clock.oddCalls);
    this.slots.retire(seat);
    seat.leaveByUs = this.world.nowUs() + retireUs;
    this.world.wake(call);
  }

  /** What control has written is taken over: its sounds too, which control may not live to keep. */
  private admit(): void {
    for (let slot = 0; slot < programSlots; slot++) {
      const at = programAt(this.segment, slot);
      if (programState(this.segment, at) !== ProgramState.offered) continue;
      const assets = programAssets(this.segment, at);
      for (const asset of assets) asset.own(this.world.adopt(asset.pid, asset.fd));
      this.sinceUs.set(this.segment.words[at + programSlot.number]!, this.world.nowUs());
      const isWhole = programAssets(this.segment, at).every(({ keeperFd }) => keeperFd >= 0);
      if (!isWhole) failProgram(this.segment, at, 'refused', 'its sounds are gone');
      else setProgramState(this.segment, at, ProgramState.preparing);
      const word = this.segment.layout.clock + clock.assignments;
      Atomics.add(this.segment.words, word, 1);
      this.world.wake(word);
    }
  }

  private watchLoading(seats: readonly Seat[], hang: (seat: Seat) => void): void {
    const nowUs = this.world.nowUs();
    for (const seat of seats) {
      const { loading, loaded } = this.progress(seat);
      const since = this.loadingSince.get(seat.row);
      if (!isThere(seat) || loading <= loaded) this.loadingSince.delete(seat.row);
      else if (since?.number !== loading) {
        this.loadingSince.set(seat.row, { number: loading, us: nowUs });
      } else if (nowUs - since.us > loadUs) hang(seat);
    }
  }

  /** The slot of the newest program that is prepared, or -1. */
  private target(): number {
    let best = -1;
    const { words } = this.segment;
    for (let slot = 0; slot < programSlots; slot++) {
      const at = programAt(this.segment, slot);
      if (programState(this.segment, at) !== ProgramState.preparing) continue;
      const isNewer =
        best < 0 || words[at + programSlot.number]! > words[best + programSlot.number]!;
      if (isNewer) best = at;
    }
    return best;
  }

  private progress(seat: Seat): { loading: number; loaded: number } {
    const { words, layout } = this.segment;
    const at = layout.processes + seat.row * processEntry.words;
    return {
      loading: Atomics.load(words, at + processEntry.loading),
      loaded: Atomics.load(words, at + processEntry.loaded),
    };
  }

  /** Empties the slots of programs that nobody can need any more. */
  private cleanUp(seats: readonly Seat[]): void {
    this.dropOldSnapshots(seats);
    const sealed = currentSealedTick(this.segment);
    const needed = this.needed(seats);
    for (const number of needed) this.neededAt.set(number, sealed);
    const newest = Math.max(0, ...needed);
    for (let slot = 0; slot < programSlots; slot++) {
      const at = programAt(this.segment, slot);
      const state = programState(this.segment, at);
      const number = this.segment.words[at + programSlot.number]!;
      if (state < ProgramState.ready) continue;
      if (needed.has(number)) {
        this.goneSinceUs.delete(number);
        // Somebody had just asked for it.
        if (state === ProgramState.leaving) setProgramState(this.segment, at, ProgramState.ready);
        continue;
      }
      // What is newer than all that was heard is about to be.
      if (state === ProgramState.ready && number > newest) continue;
      if (state !== ProgramState.failed && !this.isOver(number, sealed)) continue;
      // First nobody may ask for it any more, and then nobody can have done so.
      if (state === ProgramState.ready) setProgramState(this.segment, at, ProgramState.leaving);
      const isFailed = state === ProgramState.failed;
      if (!this.isForgotten(number, isFailed ? failedUs : this.askedUs)) continue;
      for (const { keeperFd } of programAssets(this.segment, at)) {
        if (keeperFd >= 0) this.world.giveBack(keeperFd);
      }
      for (const memory of [this.sinceUs, this.goneSinceUs, this.neededAt]) memory.delete(number);
      setProgramState(this.segment, at, ProgramState.empty);
    }
  }

  /** Whether a program has been of no use for so long. */
  private isForgotten(number: number, us: number): boolean {
    const nowUs = this.world.nowUs();
    const since = this.goneSinceUs.get(number) ?? nowUs;
    this.goneSinceUs.set(number, since);
    return nowUs - since > us;
  }

  /** For a switch to be heard that control was about to ask for: it may stand still meanwhile. */
  private get askedUs(): number {
    return 1500 * this.policy.serviceMs;
  }

  /** Whether nobody can join any more at a tick from which this program is still to come. */
  private isOver(number: number, sealed: number): boolean {
    const since = this.neededAt.get(number) ?? sealed;
    this.neededAt.set(number, since);
    return this.snapshots().every((at) => {
      return ticksBetween(this.segment.words[at + snapshot.tick]!, since) > 0;
    });
  }

  /** Programs that a replica plays or may go back to, or that one would which joined now. */
  private needed(seats: readonly Seat[]): Set<number> {
    const { words, layout } = this.segment;
    const needed = new Set<number>();
    if (isKept(this.segment, layout.firstTick)) needed.add(firstProgram);
    for (const { place } of seats) {
      if (place < 0) continue;
      const at = replicaAt(this.segment, place);
      needed.add(words[at + replica.program]!);
      needed.add(words[at + replica.previous]!);
    }
    for (const at of this.snapshots()) {
      needed.add(words[at + snapshot.program]!);
      needed.add(words[at + snapshot.previous]!);
    }
    return needed;
  }

  /** Snapshots from which one could join, but for those that are being written. */
  private snapshots(): number[] {
    const { words } = this.segment;
    const found: number[] = [];
    for (let slot = 0; slot < replicaSlots; slot++) {
      for (let index = 0; index < snapshotsPerSlot; index++) {
        const at = snapshotAt(this.segment, slot, index);
        if (Atomics.load(words, at + snapshot.state) !== SnapshotState.valid) continue;
        if (isKept(this.segment, words[at + snapshot.tick]!)) found.push(at);
      }
    }
    return found;
  }

  /**
   * Those of slots that nobody holds any more, once those who do have later ones only. A slot that
   * was just given to another process still holds what the one before it left.
   */
  private dropOldSnapshots(seats: readonly Seat[]): void {
    const held = seats.filter((one) => isThere(one) && one.place >= 0).map(({ place }) => place);
    const kept = held.flatMap((slot) => this.snapshotTicks(slot));
    if (held.length === 0 || kept.length < held.length * snapshotsPerSlot) return;
    for (let slot = 0; slot < replicaSlots; slot++) {
      if (seats.some(({ place }) => place === slot)) continue;
      const left = this.snapshotTicks(slot);
      const isPast = left.every((tick) => kept.every((later) => ticksBetween(later, tick) > 0));
      if (left.length > 0 && isPast) discardSnapshots(this.segment, slot);
    }
  }

  /** Ticks of a slot's snapshots, but for those that are being written. */
  private snapshotTicks(slot: number): number[] {
    const { words } = this.segment;
    const ticks: number[] = [];
    for (let index = 0; index < snapshotsPerSlot; index++) {
      const at = snapshotAt(this.segment, slot, index);
      if (Atomics.load(words, at + snapshot.state) !== SnapshotState.valid) continue;
      ticks.push(words[at + snapshot.tick]!);
    }
    return ticks;
  }
}
