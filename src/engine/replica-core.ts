import { limits } from '../limits.js';
import { checksumWords } from '../memory/checksum.js';
import { count, counterIndex } from '../memory/counters.js';
import {
  commandAt,
  fateOf,
  findRecord,
  isKept,
  passRecord,
  sealedTick,
} from '../memory/journal.js';
import {
  clock,
  Directive,
  journalTicks,
  quantumHeader,
  RecordStatus,
  ReplicaState,
  record,
  replica,
  SnapshotState,
  snapshot,
} from '../memory/layout.js';
import { firstProgram } from '../memory/programs.js';
import { quantumAt, replicaAt } from '../memory/replica-ring.js';
import type { Segment } from '../memory/segment.js';
import { newestSnapshot, olderSnapshot, snapshotBytesAt } from '../memory/snapshots.js';
import { hasStreamContent } from '../memory/stream.js';
import { tickAfter, ticksBetween } from '../memory/ticks.js';
import { callWord } from './replica-calls.js';

/** What a replica runs: a `Performance`, a deterministic machine whose state is an arena. */
export interface PatchMachine {
  /** Exactly the bytes that make a snapshot; those of the program that plays. */
  readonly arena: Uint8Array;
  /** The quantum rendered last, interleaved. */
  readonly output: Float32Array;
  /** The numbers of the program that plays and of the one to go back to. */
  readonly program: number;
  readonly previous: number;
  /** User's nodes that failed and are silent since. */
  readonly silencedNodes: number;
  /** False while there can be no snapshot. */
  readonly isSettled: boolean;
  /** It was to go on with a program that it does not have. */
  readonly isLost: boolean;
  /** Goes on with this program from what is then in `arena`; false if it has it not. */
  begin(program: number, previous: number, isFresh?: boolean): boolean;
  setStreamEnd(stream: number, frames: number): void;
  apply(words: Int32Array, at: number): void;
  /** The fates of a record that kills. */
  revert(): void;
  silenceOwn(): void;
  render(): void;
}

/** What a step of the replica wants next. */
export const ReplicaStep = {
  go: 0,
  /** Nothing is sealed beyond its tick: wait for `waitWord` to leave `waitValue`. */
  wait: 1,
  /** It has ended: told to leave, or it cannot go on and must start again. */
  done: 2,
} as const;
export type ReplicaStep = (typeof ReplicaStep)[keyof typeof ReplicaStep];

export type ReplicaEnd = 'left' | 'journal-lost' | 'voided' | 'replaced' | 'program-missing';

/**
 * The replica as a state machine of small steps: join, then tick by tick apply the journal, render,
 * write the quantum, pass the record, publish. It reads nothing but the journal, what the journal
 * points into, and its arena.
 */
export class ReplicaCore {
  waitWord: number;
  waitValue = 0;
  end: ReplicaEnd = 'left';
  private phase: () => ReplicaStep = this.join;
  private readonly at: number;
  /** The last tick that was rendered. */
  private tick = 0;
  private recordIndex = 0;
  private fate: number = RecordStatus.live;
  /** The machine's arena and its halves, which change with the program only. */
  private arena: Uint8Array;
  private firstHalf: Uint8Array;
  private secondHalf: Uint8Array;
  private from = -1;
  private owesSnapshot = false;
  private to = 0;

  constructor(
    private readonly segment: Segment,
    private readonly machine: PatchMachine,
    private readonly slot: number,
    private readonly incarnation: number,
  ) {
    this.at = replicaAt(segment, slot);
    this.waitWord = callWord(segment, slot);
    this.arena = new Uint8Array(0);
    this.firstHalf = this.arena;
    this.secondHalf = this.arena;
  }

  /** Looks where the arena of the program that plays is. */
  private findArena(): void {
    const { arena } = this.machine;
    if (arena === this.arena) return;
    this.arena = arena;
    this.firstHalf = arena.subarray(0, arena.length >> 1);
    this.secondHalf = arena.subarray(arena.length >> 1);
  }

  step(): ReplicaStep {
    return this.phase();
  }

  /** True once it has caught up: from then on it may run at real-time priority. */
  get caughtUp(): boolean {
    return Atomics.load(this.segment.words, this.at + replica.state) === ReplicaState.ready;
  }

  /** Begins from the newest snapshot, or from the first tick when there is none. */
  private join(): ReplicaStep {
    const { words, layout } = this.segment;
    this.from = newestSnapshot(this.segment);
    if (this.from < 0) {
      if (!isKept(this.segment, layout.firstTick)) return this.leave('journal-lost');
      if (!this.machine.begin(firstProgram, 0)) return this.leave('program-missing');
      count(this.segment, counterIndex.freshStarts, 1);
      this.tick = tickAfter(layout.firstTick, -1);
      this.phase = this.begin;
      return ReplicaStep.go;
    }
    this.tick = words[this.from + snapshot.tick]!;
    const program = words[this.from + snapshot.program]!;
    const previous = words[this.from + snapshot.previous]!;
    if (!this.machine.begin(program, previous)) {
      // Torn, or of a program that came after this process: another one has it.
      if (!this.isWhole()) return ReplicaStep.go;
      return this.leave('program-missing');
    }
    this.findArena();
    const start = snapshotBytesAt(this.from);
    this.firstHalf.set(this.segment.bytes.subarray(start, start + this.firstHalf.length));
    this.phase = this.joinSecondHalf;
    return ReplicaStep.go;
  }

  private joinSecondHalf(): ReplicaStep {
    const { secondHalf } = this;
    const start = snapshotBytesAt(this.from) + this.firstHalf.length;
    secondHalf.set(this.segment.bytes.subarray(start, start + secondHalf.length));
    const whole = this.isWhole();
    if (whole) count(this.segment, counterIndex.joins, 1);
    this.phase = whole ? this.begin : this.join;
    return ReplicaStep.go;
  }

  /** Whether the snapshot is still the one that it was when it was chosen. */
  private isWhole(): boolean {
    const { words } = this.segment;
    return (
      Atomics.load(words, this.from + snapshot.state) === SnapshotState.valid &&
      words[this.from + snapshot.tick] === this.tick
    );
  }

  private begin(): ReplicaStep {
    const { words } = this.segment;
    Atomics.store(words, this.at + replica.working, this.tick);
    Atomics.store(words, this.at + replica.published, this.tick);
    words[this.at + replica.publishedBy] = this.incarnation;
    Atomics.store(words, this.at + replica.state, ReplicaState.joining);
    this.phase = this.look;
    return ReplicaStep.go;
  }

  /** Is there a tick to render? */
  private look(): ReplicaStep {
    const { words, layout } = this.segment;
    if (words[this.at + replica.incarnation] !== this.incarnation) return this.leave('replaced');
    if (Atomics.load(words, layout.clock + clock.directive) >= Directive.leave) {
      return this.leave('left');
    }
    this.waitValue = Atomics.load(words, this.waitWord);
    if (ticksBetween(sealedTick(this.segment, this.tick), this.tick) <= 0) {
      Atomics.store(words, this.at + replica.state, ReplicaState.ready);
      return ReplicaStep.wait;
    }
    this.phase = this.open;
    return ReplicaStep.go;
  }

  /** Says which tick it works at, so that a death tells what it died of. */
  private open(): ReplicaStep {
    const { words } = this.segment;
    const tick = tickAfter(this.tick, 1);
    Atomics.store(words, this.at + replica.working, tick);
    this.recordIndex = findRecord(this.segment, tick);
    if (this.recordIndex < 0) return this.leave('journal-lost');
    this.fate = fateOf(Atomics.load(words, this.recordIndex + record.status));
    words[this.at + replica.workingFate] = this.fate;
    this.phase = this.apply;
    return ReplicaStep.go;
  }

  private apply(): ReplicaStep {
    const { words } = this.segment;
    const at = this.recordIndex;
    const { machine } = this;
    for (let i = 0; i < limits.streamsMax; i++) {
      machine.setStreamEnd(i, words[at + record.streamCursors + i]!);
    }
    if (this.fate === RecordStatus.reverted) machine.revert();
    if (this.fate === RecordStatus.silenced) machine.silenceOwn();
    const commands = this.fate === RecordStatus.live ? words[at + record.commands]! : 0;
    for (let i = 0; i < commands; i++) machine.apply(words, commandAt(this.segment, at, i));
    if (!isKept(this.segment, tickAfter(this.tick, 1))) return this.leave('journal-lost');
    if (machine.isLost) return this.leave('program-missing');
    this.phase = this.render;
    return ReplicaStep.go;
  }

  private render(): ReplicaStep {
    this.machine.render();
    this.phase = this.writeFirstHalf;
    return ReplicaStep.go;
  }

  private writeFirstHalf(): ReplicaStep {
    const { words, samples, layout } = this.segment;
    const tick = tickAfter(this.tick, 1);
    const at = quantumAt(this.segment, this.slot, tick);
    Atomics.store(words, at + quantumHeader.tick, ~tick);
    const half = layout.quantumSamples >> 1;
    const { output } = this.machine;
    for (let i = 0; i < half; i++) samples[at + quantumHeader.words + i] = output[i]!;
    this.phase = this.writeSecondHalf;
    return ReplicaStep.go;
  }

  private writeSecondHalf(): ReplicaStep {
    const { words, samples, layout } = this.segment;
    const tick = tickAfter(this.tick, 1);
    const at = quantumAt(this.segment, this.slot, tick);
    const body = at + quantumHeader.words;
    const { quantumSamples } = layout;
    const { output } = this.machine;
    for (let i = quantumSamples >> 1; i < quantumSamples; i++) samples[body + i] = output[i]!;
    words[at + quantumHeader.checksum] = checksumWords(words, body, quantumSamples);
    words[at + quantumHeader.incarnation] = this.incarnation;
    Atomics.store(words, at + quantumHeader.tick, tick);
    this.phase = this.pass;
    return ReplicaStep.go;
  }

  /** Settles whether the record counts: either some replica passed it or the keeper voided it. */
  private pass(): ReplicaStep {
    const tick = tickAfter(this.tick, 1);
    // A replica that was stopped for long may have read what a client has overwritten since.
    const sealed = sealedTick(this.segment, tick);
    if (!hasStreamContent(this.segment, tick, sealed)) return this.leave('journal-lost');
    if (!passRecord(this.segment, this.recordIndex, this.fate)) return this.leave('voided');
    this.phase = this.publish;
    return ReplicaStep.go;
  }

  private publish(): ReplicaStep {
    const { words, layout } = this.segment;
    const { machine } = this;
    this.tick = tickAfter(this.tick, 1);
    words[this.at + replica.program] = machine.program;
    words[this.at + replica.previous] = machine.previous;
    words[this.at + replica.silenced] = machine.silencedNodes;
    Atomics.store(words, this.at + replica.published, this.tick);
    const { snapshotTicks } = layout;
    const offset = Math.floor((this.slot * snapshotTicks) / limits.replicasMax);
    // One that falls due during a fade is taken right behind it.
    if (((this.tick >>> 0) + offset) % snapshotTicks === 0) this.owesSnapshot = true;
    this.phase = this.owesSnapshot && machine.isSettled ? this.snapshotFirstHalf : this.look;
    return ReplicaStep.go;
  }

  private snapshotFirstHalf(): ReplicaStep {
    const { words, bytes } = this.segment;
    this.owesSnapshot = false;
    this.to = olderSnapshot(this.segment, this.slot, this.tick);
    if (this.to < 0) {
      this.phase = this.look;
      return ReplicaStep.go;
    }
    Atomics.store(words, this.to + snapshot.state, SnapshotState.writing);
    this.findArena();
    bytes.set(this.firstHalf, snapshotBytesAt(this.to));
    this.phase = this.snapshotSecondHalf;
    return ReplicaStep.go;
  }

  private snapshotSecondHalf(): ReplicaStep {
    const { words, bytes } = this.segment;
    bytes.set(this.secondHalf, snapshotBytesAt(this.to) + this.firstHalf.length);
    words[this.to + snapshot.tick] = this.tick;
    words[this.to + snapshot.incarnation] = this.incarnation;
    words[this.to + snapshot.program] = this.machine.program;
    words[this.to + snapshot.previous] = this.machine.previous;
    words[this.to + snapshot.bytes] = this.arena.length;
    Atomics.store(words, this.to + snapshot.state, SnapshotState.valid);
    this.phase = this.look;
    return ReplicaStep.go;
  }

  private leave(end: ReplicaEnd): ReplicaStep {
    this.end = end;
    Atomics.store(
      this.segment.words,
      this.at + replica.state,
      end === 'left' ? ReplicaState.empty : ReplicaState.failed,
    );
    this.phase = this.done;
    return ReplicaStep.done;
  }

  private done(): ReplicaStep {
    return ReplicaStep.done;
  }
}

/** A snapshot must never be older than the journal reaches back. */
export const snapshotTicksMax = journalTicks / 4;
