import { limits } from '../limits.js';
import { checksumWords } from '../memory/checksum.js';
import { count, counterIndex } from '../memory/counters.js';
import { commandAt, findRecord, isKept, passRecord, sealedTick } from '../memory/journal.js';
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
import { quantumAt, replicaAt } from '../memory/replica-ring.js';
import type { Segment } from '../memory/segment.js';
import { newestSnapshot, olderSnapshot, snapshotBytesAt } from '../memory/snapshots.js';
import { hasStreamContent } from '../memory/stream.js';
import { tickAfter, ticksBetween } from '../memory/ticks.js';
import { callWord } from './replica-calls.js';

/** What a replica runs: the patch, as a deterministic machine whose state is its arena. */
export interface PatchMachine {
  /** Exactly the bytes that make a snapshot. */
  readonly arena: Uint8Array;
  /** The quantum rendered last, interleaved. */
  readonly output: Float32Array;
  setStreamEnd(stream: number, frames: number): void;
  apply(words: Int32Array, at: number): void;
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

export type ReplicaEnd = 'left' | 'journal-lost' | 'voided' | 'replaced';

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
  private voided = false;
  private readonly firstHalf: Uint8Array;
  private readonly secondHalf: Uint8Array;
  private from = -1;
  private to = 0;

  constructor(
    private readonly segment: Segment,
    private readonly machine: PatchMachine,
    private readonly slot: number,
    private readonly incarnation: number,
  ) {
    this.at = replicaAt(segment, slot);
    this.waitWord = callWord(segment, slot);
    const { arena } = machine;
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
      count(this.segment, counterIndex.freshStarts, 1);
      this.tick = tickAfter(layout.firstTick, -1);
      this.phase = this.begin;
      return ReplicaStep.go;
    }
    this.tick = words[this.from + snapshot.tick]!;
    const start = snapshotBytesAt(this.from);
    const half = this.machine.arena.length >> 1;
    this.machine.arena.set(this.segment.bytes.subarray(start, start + half));
    this.phase = this.joinSecondHalf;
    return ReplicaStep.go;
  }

  private joinSecondHalf(): ReplicaStep {
    const { words } = this.segment;
    const { arena } = this.machine;
    const start = snapshotBytesAt(this.from);
    const half = arena.length >> 1;
    arena.set(this.segment.bytes.subarray(start + half, start + arena.length), half);
    const whole =
      Atomics.load(words, this.from + snapshot.state) === SnapshotState.valid &&
      words[this.from + snapshot.tick] === this.tick;
    if (whole) count(this.segment, counterIndex.joins, 1);
    this.phase = whole ? this.begin : this.join;
    return ReplicaStep.go;
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
    this.voided = Atomics.load(words, this.recordIndex + record.status) === RecordStatus.void;
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
    const commands = this.voided ? 0 : words[at + record.commands]!;
    for (let i = 0; i < commands; i++) machine.apply(words, commandAt(at, i));
    if (!isKept(this.segment, tickAfter(this.tick, 1))) return this.leave('journal-lost');
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
    if (!this.voided && !passRecord(this.segment, this.recordIndex)) return this.leave('voided');
    this.phase = this.publish;
    return ReplicaStep.go;
  }

  private publish(): ReplicaStep {
    const { words, layout } = this.segment;
    this.tick = tickAfter(this.tick, 1);
    Atomics.store(words, this.at + replica.published, this.tick);
    const { snapshotTicks } = layout;
    const offset = Math.floor((this.slot * snapshotTicks) / limits.replicasMax);
    const due = ((this.tick >>> 0) + offset) % snapshotTicks === 0;
    this.phase = due ? this.snapshotFirstHalf : this.look;
    return ReplicaStep.go;
  }

  private snapshotFirstHalf(): ReplicaStep {
    const { words, bytes } = this.segment;
    this.to = olderSnapshot(this.segment, this.slot, this.tick);
    if (this.to < 0) {
      this.phase = this.look;
      return ReplicaStep.go;
    }
    Atomics.store(words, this.to + snapshot.state, SnapshotState.writing);
    bytes.set(this.firstHalf, snapshotBytesAt(this.to));
    this.phase = this.snapshotSecondHalf;
    return ReplicaStep.go;
  }

  private snapshotSecondHalf(): ReplicaStep {
    const { words, bytes } = this.segment;
    bytes.set(this.secondHalf, snapshotBytesAt(this.to) + this.firstHalf.length);
    words[this.to + snapshot.tick] = this.tick;
    words[this.to + snapshot.incarnation] = this.incarnation;
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
