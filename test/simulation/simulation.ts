import { KeeperCore, type KeeperWorld } from '../../src/engine/keeper-core.js';
import type { KeeperPolicy, Seat } from '../../src/engine/seats.js';
import { laneWritten } from '../../src/memory/commands.js';
import { readCounters } from '../../src/memory/counters.js';
import { currentSealedTick, findRecord } from '../../src/memory/journal.js';
import { type Geometry, laneCount, layoutOf, record, SeatState } from '../../src/memory/layout.js';
import {
  findProgram,
  firstProgram,
  offerProgram,
  ProgramState,
  setProgramState,
} from '../../src/memory/programs.js';
import { createSegment, type Segment } from '../../src/memory/segment.js';
import {
  readStreamPlace,
  type StreamSegment,
  streamHeader,
  streamKeptTicks,
} from '../../src/memory/stream.js';
import { seatState } from '../../src/memory/stream-seats.js';
import { Checker } from './checker.js';
import { CommandBook } from './command-parties.js';
import { DeviceWorld } from './devices.js';
import { DriverParty } from './driver-party.js';
import { FaultPlan } from './fault-plan.js';
import type { SimulationOptions, SimulationReport } from './options.js';
import {
  ControlParty,
  type Party,
  quantumUs,
  ReplicaParty,
  type Sabotage,
  type Wish,
} from './parties.js';
import { Random } from './random.js';
import { StreamChecker } from './stream-checker.js';
import { ClientParty, type StreamWorld } from './stream-parties.js';
import { ToyPatch } from './toy-patch.js';
import { Violation } from './violation.js';

interface Process {
  pid: number;
  /** Null for a client, which the keeper does not know. */
  seat: Seat | null;
  party: Party | null;
  /** When it is up, or when its wait is over. */
  readyUs: number;
  /** The futex word that it waits for; -1 for none. */
  word: number;
  /** SIGSTOP, until then. */
  stoppedUntilUs: number;
  /** A kill takes effect only then: meanwhile it goes on, as the fence must bear. */
  diesUs: number;
}

const policy: KeeperPolicy = {
  backoffMs: 10,
  backoffMaxMs: 200,
  startsPerMinute: Number.MAX_SAFE_INTEGER,
  bootMs: 2000,
  replicaMs: 50,
  driverMs: 100,
  serviceMs: 300,
  abandonMs: 100,
  drainMs: 50,
  probationMs: 500,
  openMs: 200,
  phases: { fadeMs: 100, servicesMs: 100, replicasMs: 100, driverMs: 100 },
};

/** Fewer streams than clients, so that some always wait. */
const streamCount = 3;
const clientCount = 4;

/** A ring with little room beyond what is kept, so that writing too far would be seen soon. */
function streamFor(geometry: Geometry): StreamSegment {
  const kept = streamKeptTicks(geometry) * geometry.quantum;
  const frames = 2 ** Math.ceil(Math.log2(kept + 256));
  return {
    words: new Int32Array(streamHeader.words),
    samples: new Float32Array(frames * geometry.channels),
    channels: geometry.channels,
    frames,
  };
}

/** First ticks that lie just before each of the wraps: of 24 bits, of the sign, of 32 bits. */
const firstTicks = [0, 0xfffe00, 0x7ffffe00, -512, 0x00fffff0];

/**
 * All parties of an engine in one process, on a simulated clock, under a seeded scheduler that
 * runs any of them a step at a time, and kills, stops, delays and restarts any of them between any
 * two steps. A wake-up may get lost. A process that was killed may go on for a while.
 */
export class Simulation implements StreamWorld, KeeperWorld {
  readonly segment: Segment;
  readonly random: Random;
  readonly sabotage: Sabotage;
  readonly devices: DeviceWorld;
  readonly continues: boolean;
  poisonChance: number;
  programChance: number;
  switchChance: number;
  private readonly stubbornChance: number;
  readonly streams: readonly StreamSegment[];
  readonly mail: StreamWorld['mail'] = [];
  private readonly streamChecker: StreamChecker;
  private readonly holders = new Map<number, number>();
  private addressHolder = 0;
  private frame = 0;
  private clientsDueUs = 0;
  readonly checker: Checker;
  readonly commandBook = new CommandBook(this);
  private readonly keeper: KeeperCore;
  private readonly processes = new Map<number, Process>();
  private readonly endings: { atUs: number; pid: number; code: number | null }[] = [];
  private readonly faults: Record<string, number> = {};
  private timeUs = 1000;
  private keeperDueUs = 0;
  private nextPid = 100;
  private commandId = 0;
  private steps = 0;
  /** Chance that a wake-up gets lost. */
  private lostWakes = 0.001;
  private readonly plan: FaultPlan;

  constructor(private readonly options: SimulationOptions) {
    this.random = new Random(options.seed);
    this.sabotage = options.sabotage ?? {};
    this.poisonChance = options.poisonChance ?? 0.0005;
    this.programChance = options.programChance ?? 0.02;
    this.switchChance = options.switchChance ?? 0.005;
    this.continues = options.continues ?? this.random.chance(0.5);
    this.devices = new DeviceWorld(this.random);
    this.stubbornChance = options.stubbornChance ?? 0.2;
    const geometry: Geometry = {
      quantum: 32,
      rateHz: 12_000,
      channels: 1,
      captureChannels: this.random.pick([0, 0, 1]),
      lead: this.random.pick([1, 2, 4, 8]),
      snapshotTicks: options.snapshotTicks ?? this.random.pick([16, 47, 200]),
      arenaBytes: ToyPatch.arenaBytes,
      programBytes: 4,
      firstTick: this.random.pick(firstTicks),
    };
    this.segment = createSegment(new ArrayBuffer(layoutOf(geometry).bytes), geometry);
    const none = new Uint8Array(0);
    const content = { program: none, info: none, hasOwnNodes: false, assets: [] };
    offerProgram(this.segment, { number: firstProgram, ...content });
    setProgramState(this.segment, findProgram(this.segment, firstProgram), ProgramState.ready);
    this.streams = Array.from({ length: streamCount }, () => streamFor(geometry));
    this.streamChecker = new StreamChecker(this.streams);
    this.checker = new Checker(this.segment, this.streamChecker);
    this.keeper = new KeeperCore(this.segment, this, policy, {
      replicas: this.random.pick([1, 2, 2, 2, 3]),
      control: true,
      spares: this.random.pick([0, 1, 1]),
      services: 0,
    });
    this.plan = new FaultPlan(this.random, options.faultEveryTicks, 50, quantumUs(this.segment));
    this.checker.keepsCommitted = options.devicesOnly ?? false;
  }

  /** Runs the safety phase and then the liveness phase. @throws Violation */
  run(): SimulationReport {
    while (this.checker.playedTicks < this.options.ticks) this.turn(true);
    this.converge();
    const counters = readCounters(this.segment);
    return {
      playedTicks: this.checker.playedTicks,
      faults: this.faults,
      commands: this.checker.commands.size,
      answered: this.commandBook.answered,
      concealed: this.checker.concealed,
      voidedTicks: this.checker.voidedTicks,
      takeovers: counters.takeovers,
      joins: counters.joins,
      programChanges: this.checker.programChanges,
      reverted: this.checker.reverted,
      silenced: this.checker.silenced,
      streamFrames: this.streamChecker.frames,
      streamFramesTakenBack: this.streamChecker.takenBack,
      streamsOpened: counters.streamsOpened,
      streamsOrphaned: counters.streamsOrphaned,
      steps: this.steps,
    };
  }

  nowUs(): number {
    return this.timeUs;
  }

  nextFrame(): number {
    return ++this.frame;
  }

  wrote(stream: number, values: Float32Array): void {
    this.streamChecker.wrote(stream, values);
  }

  isThere(pid: number): boolean {
    return this.processes.has(pid);
  }

  hasAddress(pid: number): boolean {
    if (!this.processes.has(this.addressHolder)) this.addressHolder = pid;
    return this.addressHolder === pid;
  }

  holds(pid: number, stream: number): void {
    const holder = this.holders.get(stream);
    if (holder !== undefined && this.processes.has(holder)) {
      throw new Violation(`stream ${stream} has two owners, ${holder} and ${pid}`);
    }
    this.holders.set(stream, pid);
  }

  releases(stream: number): void {
    this.holders.delete(stream);
  }

  adopt(): number {
    return 0;
  }

  giveBack(): void {}

  nextCommandId(): number {
    return ++this.commandId;
  }

  wake(word: number): void {
    for (const process of this.processes.values()) {
      if (process.word !== word || this.random.chance(this.lostWakes)) continue;
      process.readyUs = this.timeUs;
    }
  }

  spawn(seat: Seat): number {
    const pid = this.nextPid++;
    this.add(pid, { ...seat, pid });
    return pid;
  }

  private add(pid: number, seat: Seat | null): void {
    this.processes.set(pid, {
      pid,
      seat,
      party: null,
      readyUs: this.timeUs + this.random.between(20_000, 90_000),
      word: -1,
      stoppedUntilUs: 0,
      diesUs: Number.POSITIVE_INFINITY,
    });
  }

  /** As many clients as there are to be, each a process of its own. */
  private keepClients(count: number): void {
    if (this.timeUs < this.clientsDueUs) return;
    this.clientsDueUs = this.timeUs + 20_000;
    const there = [...this.processes.values()].filter(({ seat }) => seat === null).length;
    for (let i = there; i < count; i++) this.add(this.nextPid++, null);
  }

  ask(seat: Seat): void {
    this.kill(seat);
  }

  release(at: number, words: number): void {
    this.segment.words.fill(0, at, at + words);
  }

  kill(who: Seat | number): void {
    const process = this.processes.get(typeof who === 'number' ? who : who.pid);
    if (!process) return;
    const stubborn = this.random.chance(this.stubbornChance) ? this.random.between(0, 300_000) : 0;
    process.diesUs = Math.min(process.diesUs, this.timeUs + stubborn);
    this.reap(process);
  }

  private reap(process: Process): void {
    if (process.diesUs > this.timeUs) return;
    this.processes.delete(process.pid);
    const atUs = this.timeUs + this.random.between(1000, 5000);
    this.endings.push({ atUs, pid: process.pid, code: null });
  }

  private turn(faulty: boolean, clients = clientCount): void {
    this.tellEndings();
    this.keepClients(clients);
    if (this.timeUs >= this.keeperDueUs) {
      this.keeper.poll();
      this.keeperDueUs = this.timeUs + this.random.between(3000, 8000);
      this.checker.afterStep();
    }
    const ready = this.readyProcesses();
    if (ready.length === 0) {
      this.skipIdleTime();
      return;
    }
    const process = this.random.pick(ready);
    this.advance(process);
    this.steps++;
    this.timeUs += this.random.between(0.5, 4);
    this.checker.afterStep();
    if (faulty && this.plan.isDue(this.checker.playedTicks, this.timeUs)) this.injectFault();
    if (this.steps > 400 * this.options.ticks + 5e6) throw new Violation('it makes no progress');
  }

  private tellEndings(): void {
    for (let i = this.endings.length - 1; i >= 0; i--) {
      const ending = this.endings[i]!;
      if (ending.atUs > this.timeUs) continue;
      this.endings.splice(i, 1);
      const signal = ending.code === null ? 'SIGKILL' : null;
      this.keeper.ended(ending.pid, { code: ending.code, signal });
    }
  }

  private readyProcesses(): Process[] {
    const ready: Process[] = [];
    for (const process of this.processes.values()) {
      if (process.diesUs <= this.timeUs) this.reap(process);
      else if (process.readyUs <= this.timeUs && process.stoppedUntilUs <= this.timeUs) {
        ready.push(process);
      }
    }
    return ready;
  }

  private advance(process: Process): void {
    process.word = -1;
    process.party ??= this.board(process);
    const wish: Wish = process.party.step();
    if (wish.kind === 'exit') {
      this.processes.delete(process.pid);
      const atUs = this.timeUs + this.random.between(1000, 5000);
      this.endings.push({ atUs, pid: process.pid, code: wish.code });
    } else if (wish.kind === 'wait') {
      const changed = wish.word >= 0 && this.segment.words[wish.word] !== wish.value;
      process.readyUs = changed ? this.timeUs : Math.max(wish.untilUs, this.timeUs + 1);
      process.word = changed ? -1 : wish.word;
    }
  }

  private board(process: Process): Party {
    const { seat } = process;
    if (seat === null) {
      const client = new ClientParty(this, process.pid);
      this.sabotage.client?.(client);
      return client;
    }
    if (seat.role === 'driver') return new DriverParty(this, seat);
    if (seat.role === 'replica') return new ReplicaParty(this, seat);
    return new ControlParty(this, seat);
  }

  private skipIdleTime(): void {
    let nextUs = this.keeperDueUs;
    for (const { readyUs, stoppedUntilUs, diesUs } of this.processes.values()) {
      nextUs = Math.min(nextUs, Math.max(readyUs, stoppedUntilUs), diesUs);
    }
    for (const { atUs } of this.endings) nextUs = Math.min(nextUs, atUs);
    this.timeUs = Math.max(nextUs, this.timeUs + 1);
  }

  private injectFault(): void {
    const { random } = this;
    if (this.options.devicesOnly || random.chance(this.options.lossChance ?? 0.1)) {
      this.faults['lose-device'] = (this.faults['lose-device'] ?? 0) + 1;
      this.devices.lose();
      return;
    }
    const { clientsOnly: spared } = this.options;
    const up = [...this.processes.values()].filter((one) => one.party && !(spared && one.seat));
    if (up.length === 0) return;
    const victim = random.pick(up);
    const kind = random.pick(['kill', 'kill', 'stop', 'delay'] as const);
    const name = `${kind}-${victim.seat?.role ?? 'client'}`;
    this.faults[name] = (this.faults[name] ?? 0) + 1;
    if (kind === 'kill') this.kill(victim.pid);
    else if (kind === 'stop') victim.stoppedUntilUs = this.timeUs + random.between(1e3, 400e3);
    else victim.stoppedUntilUs = this.timeUs + random.between(10, 6 * quantumUs(this.segment));
  }

  /** Without faults the engine must come back to full strength and take all that was offered. */
  private converge(): void {
    this.poisonChance = 0;
    this.programChance = 0;
    this.switchChance = 0;
    this.devices.failChance = 0;
    this.devices.hangChance = 0;
    this.lostWakes = 0;
    this.commandBook.close();
    const settledTick = this.checker.playedTicks + 4000;
    while (this.checker.playedTicks < settledTick) this.turn(false);
    const { concealed } = this.checker;
    const until = this.checker.playedTicks + 500;
    while (this.checker.playedTicks < until) this.turn(false);
    const concealedNow = this.checker.concealed - concealed;
    if (concealedNow > 0) throw new Violation(`${concealedNow} quanta concealed without a fault`);
    for (const seat of this.keeper.seats) {
      // Without a spare, one is there only while a program is brought in.
      const isIdle = seat.role === 'replica' && seat.place < 0 && seat.state === 'ended';
      const well = seat.state === 'running' || seat.state === 'standby' || isIdle;
      if (!well) throw new Violation(`${seat.role} ${seat.place} is ${seat.state} after all`);
    }
    this.checkCommands();
    this.checkStreams();
    const { divergences } = readCounters(this.segment);
    if (divergences > 0) throw new Violation(`${divergences} divergences without a cause`);
  }

  /** When all clients are gone, every stream must be free again, at rest and empty. */
  private checkStreams(): void {
    for (const { pid, seat } of this.processes.values()) {
      if (seat === null) this.processes.delete(pid);
    }
    // A stream that was closed is played to its end: as long as its ring holds.
    const until = this.checker.playedTicks + 2000;
    while (this.checker.playedTicks < until) this.turn(false, 0);
    this.streams.forEach(({ words }, stream) => {
      const place = readStreamPlace(this.segment, stream);
      const isEmpty = place?.cursor === words[streamHeader.written];
      const isFree = seatState(this.segment, stream) === SeatState.free;
      if (!isFree || !isEmpty || words[streamHeader.hold] !== 0) {
        throw new Violation(`stream ${stream} is not free after its client is gone`);
      }
    });
  }

  private checkCommands(): void {
    this.commandBook.checkAllAnswered();
    const at = findRecord(this.segment, currentSealedTick(this.segment));
    for (let lane = 0; lane < laneCount; lane++) {
      const taken = this.segment.words[at + record.laneCursors + lane]!;
      const waiting = (laneWritten(this.segment, lane) - taken) | 0;
      if (waiting > 200) throw new Violation(`${waiting} commands wait in lane ${lane}`);
    }
  }
}
