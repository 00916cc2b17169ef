import { StreamDesk } from '../../src/control/stream-desk.js';
import { type Performance, switchFlags } from '../../src/dsp/performance.js';
import type { DriverCore } from '../../src/engine/driver-core.js';
import { callPatienceUs, missCall } from '../../src/engine/replica-calls.js';
import { ReplicaCore, ReplicaStep } from '../../src/engine/replica-core.js';
import type { Seat } from '../../src/engine/seats.js';
import { offerCommands } from '../../src/memory/commands.js';
import { hasRequest, requestDevice } from '../../src/memory/device-desk.js';
import { currentSealedTick, findRecord } from '../../src/memory/journal.js';
import {
  clock,
  commandWords,
  DeviceState,
  desk,
  laneCount,
  processEntry,
  record,
} from '../../src/memory/layout.js';
import { tellReady } from '../../src/memory/process-table.js';
import {
  livePrograms,
  nextProgramNumber,
  offerProgram,
  ProgramState,
  playingProgram,
  previousProgram,
} from '../../src/memory/programs.js';
import type { Segment } from '../../src/memory/segment.js';
import type { StreamSegment } from '../../src/memory/stream.js';
import type { Checker } from './checker.js';
import { type CommandBook, CommandDesk } from './command-parties.js';
import type { DeviceWorld } from './devices.js';
import type { Random } from './random.js';
import type { ClientParty, StreamWorld } from './stream-parties.js';
import { ToyOp, ToyPatch, toyPerformance } from './toy-patch.js';

/** What a party asks of the scheduler after a step. */
export type Wish =
  /** Go on. */
  | { kind: 'go' }
  /** Nothing to do until then, or until the word is woken. */
  | { kind: 'wait'; untilUs: number; word: number; value: number }
  /** It has ended by itself. */
  | { kind: 'exit'; code: number };

const go: Wish = { kind: 'go' };

/** What parties see of the simulated world. */
export interface PartyWorld {
  readonly segment: Segment;
  readonly random: Random;
  nowUs(): number;
  wake(word: number): void;
  /** SIGKILL to the process of this pid. */
  kill(pid: number): void;
  /** A number that no command had before. */
  nextCommandId(): number;
  readonly streams: readonly StreamSegment[];
  readonly poisonChance: number;
  /** Chance of each look of control that a program is offered. */
  readonly programChance: number;
  /** Chance of each look of control that another device is wanted. */
  readonly switchChance: number;
  /** Whether the stream goes on while there is no device. */
  readonly continues: boolean;
  readonly devices: DeviceWorld;
  readonly sabotage: Sabotage;
  readonly checker: Checker;
  readonly commandBook: CommandBook;
}

/** Ways to break the code under test, which the checker must notice. */
export interface Sabotage {
  driver?: (core: DriverCore) => void;
  replica?: (core: ReplicaCore) => void;
  desk?: (desk: StreamDesk) => void;
  commands?: (desk: CommandDesk) => void;
  client?: (client: ClientParty) => void;
}

/** One simulated process. */
export interface Party {
  step(): Wish;
}

export function quantumUs({ layout }: Segment): number {
  return (layout.quantum * 1e6) / layout.rateHz;
}

/**
 * A replica process: it loads programs, waits for a slot and renders there; a fatal command or
 * program ends or stops it.
 */
export class ReplicaParty implements Party {
  private core: ReplicaCore | null = null;
  private fate: 'none' | 'die' | 'hang' = 'none';
  private readonly row: number;
  private readonly performance: Performance<ToyPatch>;
  private isLoading = false;
  private missedUs = Number.POSITIVE_INFINITY;

  constructor(
    private readonly world: PartyWorld,
    private readonly seat: Seat,
  ) {
    const { layout } = world.segment;
    this.row = layout.processes + seat.row * processEntry.words;
    this.performance = toyPerformance(layout.rateHz, layout.quantum);
  }

  step(): Wish {
    if (this.fate === 'hang') return never;
    return this.core === null ? this.prepare() : this.render(this.core);
  }

  /** Loads what programs there are, each in some time, and waits for a slot. */
  private prepare(): Wish {
    const { segment, random } = this.world;
    const { words } = segment;
    const next = livePrograms(segment).find(({ number }) => !this.performance.part(number));
    if (next === undefined) {
      tellReady(segment, this.seat.row);
      return this.awaitSlot();
    }
    words[this.row + processEntry.loading] = next.number;
    if (!this.isLoading) {
      this.isLoading = true;
      if (next.number % 17 === 5) return random.chance(0.5) ? { kind: 'exit', code: 1 } : never;
      return {
        kind: 'wait',
        untilUs: this.world.nowUs() + random.between(10, 20e3),
        word: -1,
        value: 0,
      };
    }
    this.isLoading = false;
    this.performance.add(next.number, this.load(next.number));
    words[this.row + processEntry.loaded] = next.number;
    return go;
  }

  private load(number: number): ToyPatch {
    const { layout } = this.world.segment;
    const { streams } = this.world;
    const onFatal = (op: number) => {
      this.fate = op === ToyOp.hang ? 'hang' : 'die';
      throw fatal;
    };
    return new ToyPatch(layout.quantumSamples, number, onFatal, (stream, position) => {
      const { samples, frames } = streams[stream]!;
      return samples[position & (frames - 1)]!;
    });
  }

  private awaitSlot(): Wish {
    const { segment } = this.world;
    const { words, layout } = segment;
    const word = layout.clock + clock.assignments;
    const value = words[word]!;
    const slot = words[this.row + processEntry.assignedSlot]! - 1;
    if (slot < 0) return { kind: 'wait', untilUs: this.world.nowUs() + 1e5, word, value };
    const incarnation = words[this.row + processEntry.assignedIncarnation]!;
    this.core = new ReplicaCore(segment, this.performance, slot, incarnation);
    this.world.sabotage.replica?.(this.core);
    return go;
  }

  private render(core: ReplicaCore): Wish {
    const { world } = this;
    const { words } = world.segment;
    const isOver = world.nowUs() >= this.missedUs;
    this.missedUs = Number.POSITIVE_INFINITY;
    if (isOver && words[core.waitWord] === core.waitValue) missCall(world.segment, world);
    try {
      const step = core.step();
      if (step === ReplicaStep.go) return go;
      if (step === ReplicaStep.done) return { kind: 'exit', code: core.end === 'left' ? 0 : 1 };
    } catch (error) {
      if (error !== fatal) throw error;
      return (this.fate as string) === 'die' ? { kind: 'exit', code: 139 } : go;
    }
    const untilUs = world.nowUs() + callPatienceUs(world.segment, 3 * quantumUs(world.segment));
    this.missedUs = untilUs;
    return { kind: 'wait', untilUs, word: core.waitWord, value: core.waitValue };
  }
}

const never: Wish = { kind: 'wait', untilUs: Number.POSITIVE_INFINITY, word: -1, value: 0 };
const fatal = Symbol('fatal command');

/**
 * The control process: runs the desk, offers commands, some of which are fatal to whoever applies
 * them, and asks for a device when there is none, or for another one at a whim.
 */
export class ControlParty implements Party {
  private desk: StreamDesk | null = null;
  private commands: CommandDesk | null = null;

  constructor(
    private readonly world: StreamWorld,
    private readonly seat: Seat,
  ) {
    tellReady(world.segment, seat.row);
  }

  step(): Wish {
    const { world } = this;
    const { random } = world;
    world.segment.words[world.segment.layout.clock + clock.controlBeat]!++;
    this.lookAfterDevice();
    this.lookAtDesk();
    this.lookAtCommands();
    this.lookAtPrograms();
    for (let burst = random.below(random.chance(0.02) ? 100 : 4); burst > 0; burst--) {
      const command = new Int32Array(commandWords);
      const fatalOp = random.chance(0.5) ? ToyOp.die : ToyOp.hang;
      command[0] = random.chance(world.poisonChance) ? fatalOp : ToyOp.mix;
      command[3] = random.below(2 ** 31);
      if (!this.offer(command)) break;
    }
    return {
      kind: 'wait',
      untilUs: world.nowUs() + random.between(500, 20_000),
      word: -1,
      value: 0,
    };
  }

  /** Those that have a name come over a socket, which one process has at a time. */
  private lookAtCommands(): void {
    const { world, seat } = this;
    if (!world.hasAddress(seat.pid)) return;
    if (this.commands === null) {
      this.commands = new CommandDesk(world, seat.place % laneCount);
      world.sabotage.commands?.(this.commands);
    }
    this.commands.step(world.commandBook);
  }

  private offer(command: Int32Array): boolean {
    const { world } = this;
    const lane = this.seat.place % laneCount;
    command[5] = world.nextCommandId();
    command[6] = this.seat.place;
    return offerCommands(world.segment, lane, this.taken(lane), command);
  }

  /** Offers a program, and has it played when it is ready; at a whim goes back to an older one. */
  private lookAtPrograms(): void {
    const { segment, random, programChance } = this.world;
    const live = livePrograms(segment);
    const playing = playingProgram(segment);
    const ready = live.filter(({ state }) => state === ProgramState.ready);
    const newest = ready[ready.length - 1]?.number ?? 0;
    if (newest > playing && random.chance(0.2)) this.change(newest);
    else if (
      random.chance(programChance) &&
      !live.some(({ state }) => state === ProgramState.preparing)
    ) {
      const number = nextProgramNumber(segment);
      const empty = new Uint8Array(0);
      const content = { number, program: empty, info: empty, hasOwnNodes: false, assets: [] };
      if (newest <= playing) offerProgram(segment, content);
    } else if (random.chance(programChance / 4)) {
      const previous = previousProgram(segment);
      if (ready.some(({ number }) => number === previous)) this.change(previous);
    }
  }

  private change(program: number): void {
    const { random } = this.world;
    const command = new Int32Array(commandWords);
    command[0] = ToyOp.change;
    command[1] = program;
    command[2] = random.chance(0.1) ? switchFlags.withdraw : 0;
    command[4] = random.below(400);
    this.offer(command);
  }

  private lookAfterDevice(): void {
    const { world } = this;
    const { segment } = world;
    const { words, layout } = segment;
    const state = words[layout.desk + desk.state]!;
    if (state === DeviceState.none || hasRequest(segment)) return;
    const wanted = state !== DeviceState.playing || world.random.chance(world.switchChance);
    const number = words[layout.desk + desk.request]! + 1;
    if (wanted)
      requestDevice(segment, {
        number,
        name: 'simulated',
        nativeRateHz: null,
        us: world.nowUs() | 0,
      });
  }

  /** Only who has the door's address runs the desk: the kernel gives it to nobody else before. */
  private lookAtDesk(): void {
    const { world } = this;
    if (!world.hasAddress(this.seat.pid)) return;
    if (this.desk === null) {
      world.mail.length = 0;
      this.desk = new StreamDesk(world.segment, world.streams, () => new Set(), {
        nowMs: () => world.nowUs() / 1000,
        isAlive: ({ pid }) => world.isThere(pid),
      });
      world.sabotage.desk?.(this.desk);
    }
    for (const letter of world.mail.splice(0)) letter(this.desk);
    this.desk.poll();
  }

  private taken(lane: number): number {
    const { segment } = this.world;
    const at = findRecord(segment, currentSealedTick(segment));
    return at < 0 ? 0 : segment.words[at + record.laneCursors + lane]!;
  }
}
