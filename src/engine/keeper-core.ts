import { count, counterIndex } from '../memory/counters.js';
import { recordEvent } from '../memory/events.js';
import { generationAt } from '../memory/generations.js';
import {
  clock,
  DriverMark,
  generation,
  RecordStatus,
  replica,
  ServiceState,
  service,
} from '../memory/layout.js';
import {
  clearProcess,
  type ProcessState,
  type Role,
  writeProcess,
} from '../memory/process-table.js';
import { failProgram, findProgram, firstProgram } from '../memory/programs.js';
import { replicaAt } from '../memory/replica-ring.js';
import type { Segment } from '../memory/segment.js';
import { discardSnapshots } from '../memory/snapshots.js';
import { BankRelease } from './bank-release.js';
import { Bulletin } from './bulletin.js';
import { childExit, type Ending } from './endings.js';
import { PoisonWatch } from './poison.js';
import { ProgramRollout, type RolloutWorld } from './program-rollout.js';
import { isThere, ReplicaSlots } from './replica-slots.js';
import { type Crew, emptySeat, type KeeperPolicy, nextStartUs, type Seat } from './seats.js';
import { Shutdown, type ShutdownReport, type StopReason } from './shutdown.js';
import { currentGeneration } from './takeover.js';
import { Watchdog } from './watchdog.js';

export { childExit } from './endings.js';

/** What the keeper needs of the world. */
export interface KeeperWorld extends RolloutWorld {
  /** Starts the process for a seat; its pid, or 0 when it could not. Its end is told by `ended`. */
  spawn(seat: Seat): number;
  /** Asks a process to end (SIGTERM). */
  ask(seat: Seat): void;
  /** Ends a process for good (SIGKILL). */
  kill(seat: Seat): void;
  /** Gives a part of the segment back to the system; it then holds zeros. In 32-bit words. */
  release(at: number, words: number): void;
}

/** The second wave of processes does not wait longer than this for the first quantum. */
const secondWaveUs = 500_000;

const restartCounter: Partial<Record<Role, number>> = {
  replica: counterIndex.restartsReplica,
  driver: counterIndex.restartsDriver,
  control: counterIndex.restartsControl,
  service: counterIndex.restartsService,
};

/**
 * The keeper's decisions: whom to start, whom to end, who takes over, in which order all go. Pure
 * over memory, clock and the two acts of starting and killing; `poll` is called often, and `ended`
 * whenever a process is gone.
 */
export class KeeperCore {
  readonly seats: Seat[] = [];
  private readonly poison = new PoisonWatch();
  private nextGeneration = 1;
  private readonly foundedUs: number;
  private knownGeneration = 0;
  private tellTakeoverOf = 0;
  private shutdown: Shutdown | null = null;
  private readonly slots: ReplicaSlots;
  private readonly watchdog: Watchdog;
  private readonly bankRelease: BankRelease;
  private deviceGone = false;
  private readonly bulletin: Bulletin;
  private readonly rollout: ProgramRollout;
  private program = firstProgram;
  private programSinceUs = 0;

  constructor(
    private readonly segment: Segment,
    private readonly world: KeeperWorld,
    private readonly policy: KeeperPolicy,
    private readonly crew: Crew,
  ) {
    let row = 1;
    const add = (role: Role, place: number, firstWave: boolean) =>
      this.seats.push(emptySeat({ row: row++, role, place, firstWave }));
    // The first quantum needs one of each; on two cores a third process would hold up both.
    add('replica', -1, true);
    add('driver', 0, true);
    for (let i = 1; i < crew.replicas; i++) add('replica', -1, false);
    // One more driver, warm: it takes over at once, and opens whatever device is wanted next.
    add('driver', 0, false);
    if (crew.control) add('control', -1, false);
    for (let i = 0; i < crew.spares; i++) add('replica', -1, false);
    if (crew.spares === 0) {
      add('replica', -1, false);
      const extra = this.seats[this.seats.length - 1]!;
      extra.state = 'ended';
      extra.dueUs = Number.POSITIVE_INFINITY;
    }
    for (let index = 0; index < crew.services; index++) add('service', index, false);
    // Who is to come is told from the beginning, so that an engine is not taken for whole too soon.
    for (const seat of this.seats) if (seat.state !== 'ended') this.setState(seat, seat.state);
    this.slots = new ReplicaSlots(segment, world, crew.replicas);
    this.watchdog = new Watchdog(segment, policy);
    this.bankRelease = new BankRelease(segment, world);
    this.rollout = new ProgramRollout(segment, world, this.slots, policy);
    this.bulletin = new Bulletin(segment, (kind, place, a, b) => this.event(kind, place, a, b));
    this.foundedUs = world.nowUs();
    Atomics.store(segment.words, segment.layout.clock + clock.requestedGeneration, 1);
  }

  /** Why and how far it is ending; null while it runs. */
  get stopping(): StopReason | null {
    return this.shutdown?.reason ?? null;
  }

  /** What the shutdown did, once all is over. */
  get report(): ShutdownReport | null {
    return this.shutdown?.report ?? null;
  }

  /** Nothing is under way: it is enough to look now and then. */
  get settled(): boolean {
    return (
      this.shutdown === null &&
      this.seats.every(({ state }) => state !== 'starting' && state !== 'joining')
    );
  }

  /** Begins the orderly end; a second call changes nothing. */
  stop(reason: StopReason): void {
    if (this.shutdown) return;
    this.event('stopping', 0);
    this.shutdown = new Shutdown(this.segment, this.world, this.policy, this.seats, reason);
  }

  /** Gives up on order: whatever still runs is killed at the next poll. */
  force(): void {
    this.shutdown?.force();
  }

  /** One look around. */
  poll(): void {
    const nowUs = this.world.nowUs();
    this.watchGeneration();
    for (const seat of this.seats) {
      if (seat.pid === 0) {
        const due = seat.dueUs <= nowUs && (seat.firstWave || this.begun(nowUs));
        if (due && !this.shutdown) this.start(seat, nowUs);
      } else if (seat.killedUs > 0) {
        this.watchKilled(seat, nowUs);
      } else {
        this.watch(seat, nowUs);
      }
    }
    this.fillSlots();
    this.replaceDiverged();
    this.watchPrograms(nowUs);
    this.bulletin.poll();
    this.bankRelease.look();
    this.noticeEnd();
    this.shutdown?.poll(nowUs);
  }

  /** A process is gone. */
  ended(pid: number, ending: Ending): void {
    this.slots.release(pid);
    const seat = this.seats.find((one) => one.pid === pid);
    if (!seat) return;
    const nowUs = this.world.nowUs();
    const signal = ending.signal === 'SIGKILL' ? 9 : ending.signal ? 1 : 0;
    this.event('process-ended', seat.place, seat.row, signal * 256 + (ending.code ?? 0));
    const wasOfUse = seat.state !== 'starting';
    seat.pid = 0;
    seat.killedUs = 0;
    seat.earlyDeaths = wasOfUse ? 0 : seat.earlyDeaths + 1;
    if (seat.role === 'replica') this.buryReplica(seat);
    if (seat.role === 'driver') this.promote(seat);
    this.plan(seat, ending, nowUs);
  }

  /**
   * Is the sound there? What it does not need is started only then, so that it does not hold up
   * the first quantum; or after a while, so that an engine that cannot begin can be asked why.
   */
  private begun(nowUs: number): boolean {
    const { words, layout } = this.segment;
    const mark = Atomics.load(words, layout.clock + clock.driverMark);
    return mark !== DriverMark.starting || nowUs - this.foundedUs > secondWaveUs;
  }

  private start(seat: Seat, nowUs: number): void {
    if (seat.role === 'driver') seat.place = this.nextGeneration++;
    if (seat.role === 'control') seat.place++;
    if (seat.role === 'replica') seat.place = -1;
    clearProcess(this.segment, seat.row);
    if (seat.role === 'service') this.setServiceState(seat, ServiceState.booting);
    if (seat.starts > 0) {
      const counter = restartCounter[seat.role];
      if (counter !== undefined) count(this.segment, counter, 1);
    }
    seat.starts++;
    seat.recentStartsUs.push(nowUs);
    seat.startedUs = nowUs;
    seat.lookedUs = 0;
    seat.leaveByUs = Number.POSITIVE_INFINITY;
    seat.dueUs = Number.POSITIVE_INFINITY;
    seat.pid = this.world.spawn(seat);
    if (seat.pid === 0) {
      // The system had no room for another process; it may have soon.
      seat.earlyDeaths++;
      seat.dueUs = nextStartUs(seat, this.policy, nowUs);
      this.setState(seat, 'waiting');
      return;
    }
    this.event('process-started', seat.place, seat.row, seat.pid);
    this.setState(seat, 'starting');
    if (seat.role === 'driver') this.request();
    if (seat.role === 'replica') this.fillSlots();
  }

  private setServiceState(seat: Seat, state: number): void {
    const { words, layout } = this.segment;
    const at = layout.services + seat.place * service.words + service.state;
    Atomics.store(words, at, state);
  }

  /** Vacant slots go to replica processes without one; a warm one begins at once. */
  private fillSlots(): void {
    if (this.shutdown) return;
    for (const seat of this.slots.fill(this.seats)) {
      seat.lookedUs = 0;
      this.setState(seat, seat.state === 'standby' ? 'joining' : seat.state);
    }
  }

  /** What a dead replica leaves: perhaps the record that it died of. */
  private buryReplica(seat: Seat): void {
    const { words } = this.segment;
    this.rollout.died(seat);
    if (seat.place < 0) return;
    const at = replicaAt(this.segment, seat.place);
    const working = Atomics.load(words, at + replica.working);
    const published = Atomics.load(words, at + replica.published);
    this.slots.vacate(seat);
    if (working !== published && !this.shutdown) this.poisoned(seat, at, working);
    this.fillSlots();
  }

  /** A replica died at work: if another one did at the same tick, the record gets another fate. */
  private poisoned(seat: Seat, at: number, tick: number): void {
    const { segment } = this;
    const onProbation = this.world.nowUs() - this.programSinceUs < this.policy.probationMs * 1000;
    const read = segment.words[at + replica.workingFate]!;
    const fate = this.poison.died(segment, tick, read, onProbation);
    if (fate === null) return;
    if (fate === RecordStatus.void) count(segment, counterIndex.voided, 1);
    this.event('record-voided', seat.place, tick, fate);
    if (fate !== RecordStatus.reverted || segment.words[at + replica.previous] === 0) return;
    const slot = findProgram(segment, segment.words[at + replica.program]!);
    if (slot >= 0) failProgram(segment, slot, 'killed');
  }

  /** Programs are brought in, and it is told which one plays. */
  private watchPrograms(nowUs: number): void {
    const { words, layout } = this.segment;
    if (this.shutdown) return;
    const replicas = this.seats.filter(({ role }) => role === 'replica');
    const ready = this.rollout.poll(replicas, (seat) => this.kill(seat, nowUs));
    if (ready !== 0) this.event('program-ready', 0, ready);
    const primary = Atomics.load(words, layout.clock + clock.primary);
    const at = replicaAt(this.segment, primary);
    const program = words[at + replica.program]!;
    if (program !== this.program && program !== 0) {
      this.event('program-changed', 0, program, this.program);
      count(this.segment, counterIndex.programChanges, 1);
      this.program = program;
      this.programSinceUs = nowUs;
    }
    // Without a spare there is nobody who could load a program: one is started for the occasion.
    if (!this.rollout.isUnderWay || this.crew.spares > 0) return;
    const idle = replicas.find((one) => one.pid === 0 && one.state === 'ended');
    if (idle && replicas.filter(isThere).length <= this.crew.replicas) idle.dueUs = 0;
  }

  /** The current driver is gone: the other one takes over without waiting for the beat to stop. */
  private promote(seat: Seat): void {
    if (seat.place % 256 === currentGeneration(this.segment)) this.request();
  }

  /** Asks for the generation of the newest driver that lives, when nobody drives. */
  private request(): void {
    const { words, layout } = this.segment;
    const drivers = this.seats.filter((one) => one.role === 'driver' && one.pid !== 0);
    const current = currentGeneration(this.segment);
    if (drivers.some((one) => one.place % 256 === current)) return;
    const alive = drivers.filter((one) => one.killedUs === 0);
    const next = alive.find((one) => one.state === 'standby') ?? alive[0];
    if (!next) return;
    Atomics.store(words, layout.clock + clock.requestedGeneration, next.place);
    this.world.wake(layout.clock + clock.requestedGeneration);
  }

  private plan(seat: Seat, ending: Ending, nowUs: number): void {
    if (this.shutdown) {
      this.setState(seat, 'ended');
      return;
    }
    const ends = seat.role === 'service' || seat.role === 'control';
    if (ends && ending.code === childExit.finished) {
      this.setState(seat, 'ended');
      return;
    }
    if (seat.role === 'replica' && this.hasEnough()) {
      seat.place = -1;
      this.setState(seat, 'ended');
      return;
    }
    const { code } = ending;
    if (code === childExit.noDevice) this.deviceGone = true;
    const hopeless = code === childExit.hopeless || code === childExit.noDevice;
    seat.dueUs = hopeless ? Number.POSITIVE_INFINITY : nextStartUs(seat, this.policy, nowUs);
    if (seat.dueUs === Number.POSITIVE_INFINITY) {
      this.event('gave-up', seat.place, seat.row, hopeless ? 1 : 0);
      this.setState(seat, 'gave-up');
    } else {
      this.setState(seat, 'waiting');
      if (seat.dueUs <= nowUs) this.start(seat, nowUs);
    }
  }

  /** Whether there are as many replica processes as there are to be, when none is brought in. */
  private hasEnough(): boolean {
    const { replicas, spares } = this.crew;
    const there = this.seats.filter((one) => one.role === 'replica' && isThere(one)).length;
    return there >= replicas + Math.max(spares, this.rollout.isUnderWay ? 1 : 0);
  }

  private watch(seat: Seat, nowUs: number): void {
    const reached = this.watchdog.reached(seat);
    if (reached !== seat.state && (seat.role !== 'replica' || isThere(seat))) {
      if (seat.role === 'replica' && reached === 'running') {
        this.event('replica-ready', seat.place, seat.row, seat.pid);
      }
      this.setState(seat, reached);
    }
    const overdue = nowUs - seat.startedUs > this.policy.bootMs * 1000;
    if (seat.state === 'starting' && overdue) this.kill(seat, nowUs);
    if (nowUs > seat.leaveByUs) this.kill(seat, nowUs);
    const hang = this.watchdog.hang(seat, nowUs);
    if (hang === null) return;
    count(this.segment, hang.counter, 1);
    this.event(hang.event, seat.place, hang.detail);
    this.kill(seat, nowUs);
  }

  /** Another generation is in charge: whoever drove before is ended, and the change is told. */
  private watchGeneration(): void {
    const current = currentGeneration(this.segment);
    const entry = generationAt(this.segment, current);
    const { words } = this.segment;
    const gapUs = words[entry + generation.gapUs]!;
    if (this.tellTakeoverOf === current && gapUs !== 0) {
      this.event('takeover', current, gapUs);
      this.tellTakeoverOf = 0;
    }
    if (current === this.knownGeneration) return;
    if (this.knownGeneration !== 0) {
      count(this.segment, counterIndex.takeovers, 1);
      this.tellTakeoverOf = current;
    }
    const before = this.knownGeneration;
    this.knownGeneration = current;
    for (const seat of this.seats) {
      if (seat.role !== 'driver') continue;
      if (seat.place % 256 === current) this.setState(seat, 'running');
      else if (seat.pid !== 0 && seat.place % 256 === before) {
        seat.leaveByUs = this.world.nowUs() + this.policy.drainMs * 1000;
      }
    }
  }

  private replaceDiverged(): void {
    const { words, layout } = this.segment;
    const told = Atomics.load(words, layout.clock + clock.diverged);
    if (told === 0) return;
    const seat = this.seats.find((one) => one.role === 'replica' && one.place === told - 1);
    this.event('divergence', told - 1, words[layout.clock + clock.divergedTick]!);
    if (seat && seat.pid !== 0) {
      const at = replicaAt(this.segment, seat.place);
      words[at + replica.incarnation] = -1;
      discardSnapshots(this.segment, seat.place);
      this.kill(seat, this.world.nowUs());
    }
    Atomics.store(words, layout.clock + clock.diverged, 0);
  }

  private watchKilled(seat: Seat, nowUs: number): void {
    if (nowUs - seat.killedUs < this.policy.abandonMs * 1000) return;
    count(this.segment, counterIndex.abandoned, 1);
    this.event('abandoned', seat.place, seat.pid);
    this.shutdown?.abandon(seat);
    if (seat.role === 'replica') this.slots.leaveBehind(seat);
    seat.pid = 0;
    seat.killedUs = 0;
    this.setState(seat, 'abandoned');
    seat.dueUs = this.shutdown ? Number.POSITIVE_INFINITY : nowUs;
  }

  private noticeEnd(): void {
    const { words, layout } = this.segment;
    if (this.shutdown) return;
    const mark = Atomics.load(words, layout.clock + clock.driverMark);
    if (mark === DriverMark.ended) {
      this.stop('stop-tick');
    } else if (Atomics.load(words, layout.clock + clock.stopRequest) !== 0) {
      this.stop('requested');
    } else if (this.deviceGone && mark === DriverMark.starting) {
      // A standby driver waits for what will never begin.
      this.stop('no-device');
    } else if (this.isLost('replica') || this.isLost('driver')) {
      this.stop(this.deviceGone ? 'no-device' : 'failed');
    }
  }

  private isLost(role: Role): boolean {
    const kept = this.seats.filter((one) => one.role === role && one.state !== 'ended');
    return kept.every(({ state }) => state === 'gave-up');
  }

  private kill(seat: Seat, nowUs: number): void {
    if (seat.pid === 0 || seat.killedUs > 0) return;
    seat.killedUs = nowUs;
    this.world.kill(seat);
  }

  private setState(seat: Seat, state: ProcessState): void {
    seat.state = state;
    const { row, ...rest } = seat;
    writeProcess(this.segment, row, rest);
  }

  private event(kind: Parameters<typeof recordEvent>[1], place: number, a = 0, b = 0): void {
    recordEvent(this.segment, kind, { timeUs: this.world.nowUs(), place, a, b });
  }
}
