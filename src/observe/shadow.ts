import type { PatchMachine } from '../engine/replica-core.js';
import { limits } from '../limits.js';
import { commandAt, currentSealedTick, fateOf, findRecord, isKept } from '../memory/journal.js';
import {
  commandWords,
  RecordStatus,
  record,
  recordCommandWords,
  SnapshotState,
  snapshot,
} from '../memory/layout.js';
import { firstProgram } from '../memory/programs.js';
import type { Segment } from '../memory/segment.js';
import { newestSnapshot, snapshotBytesAt } from '../memory/snapshots.js';
import { hasStreamContent } from '../memory/stream.js';
import { tickAfter, ticksBetween } from '../memory/ticks.js';

/** What `Shadow.step` did. */
export const ShadowStep = {
  /** The machine holds the next tick: read of it what is wanted before the next step. */
  rendered: 0,
  /** There is nothing to render yet. */
  waiting: 1,
  /** It came too late for the journal or a stream and has lost its place; it begins anew. */
  lost: 2,
  /** The engine plays a program that the machine does not have: load it, and go on. */
  missing: 3,
} as const;
export type ShadowStep = (typeof ShadowStep)[keyof typeof ShadowStep];

/**
 * Renders what the replicas render, apart from them and at its own pace, for who wants to look into
 * a patch: it joins from a snapshot, follows the journal, and stays behind the replicas, so that a
 * record which kills has been voided before it gets there. It only reads the engine's memory.
 * Not for the audio thread.
 */
export class Shadow {
  /** The tick that the machine holds, once `isJoined`. */
  tick = 0;
  isJoined = false;
  /** How often it lost its place, and the ticks that it did not render for that. */
  losses = 0;
  lostTicks = 0;
  /** Of the record that is rendered, and of its commands. */
  private readonly copy = new Int32Array(record.words);
  private readonly commands = new Int32Array(recordCommandWords);
  private isFirst = true;

  /** @param machine as a replica has it, over the same streams and assets; not used before. */
  constructor(
    private readonly segment: Segment,
    private readonly machine: PatchMachine,
  ) {}

  /** The number of the program with which it is going to join. */
  program(): number {
    const from = newestSnapshot(this.segment);
    return from < 0 ? firstProgram : this.segment.words[from + snapshot.program]!;
  }

  /** Renders one tick, if there is one that some replica has rendered. */
  step(): ShadowStep {
    const { segment } = this;
    if (!this.isJoined) {
      const joined = this.join();
      if (joined !== ShadowStep.rendered) return joined;
    }
    const tick = tickAfter(this.tick, 1);
    if (ticksBetween(currentSealedTick(segment), tick) < 0) return ShadowStep.waiting;
    const at = findRecord(segment, tick);
    if (at < 0) return this.lose();
    const status = Atomics.load(segment.words, at + record.status);
    if (status === fateOf(status)) return ShadowStep.waiting;
    this.copyRecord(at);
    if (!isKept(segment, tick) || this.copy[record.tick] !== tick) return this.lose();
    if (!this.render(fateOf(status))) {
      this.isJoined = false;
      return ShadowStep.missing;
    }
    if (!hasStreamContent(segment, tick, currentSealedTick(segment))) return this.lose();
    this.tick = tick;
    return ShadowStep.rendered;
  }

  private copyRecord(at: number): void {
    const { segment, copy, commands } = this;
    const { words } = segment;
    for (let i = 0; i < record.words; i++) copy[i] = words[at + i]!;
    const from = commandAt(segment, at, 0);
    // What is torn may say anything here, and is thrown away.
    const used = Math.min(copy[record.commands]! * commandWords, recordCommandWords);
    for (let i = 0; i < used; i++) commands[i] = words[from + i]!;
  }

  /** False when it would have to go on with a program that it does not have. */
  private render(fate: number): boolean {
    const { machine, copy } = this;
    for (let i = 0; i < limits.streamsMax; i++) {
      machine.setStreamEnd(i, copy[record.streamCursors + i]!);
    }
    if (fate === RecordStatus.reverted) machine.revert();
    if (fate === RecordStatus.silenced) machine.silenceOwn();
    const commands = fate === RecordStatus.live ? copy[record.commands]! : 0;
    for (let i = 0; i < commands; i++) machine.apply(this.commands, i * commandWords);
    if (machine.isLost) return false;
    machine.render();
    return true;
  }

  /** Takes over the newest snapshot, or begins with the first tick where there is none. */
  private join(): ShadowStep {
    const { words, bytes, layout } = this.segment;
    const from = newestSnapshot(this.segment);
    let tick = tickAfter(layout.firstTick, -1);
    if (from >= 0) {
      tick = words[from + snapshot.tick]!;
      const program = words[from + snapshot.program]!;
      if (!this.machine.begin(program, words[from + snapshot.previous]!)) return ShadowStep.missing;
      const start = snapshotBytesAt(from);
      this.machine.arena.set(bytes.subarray(start, start + this.machine.arena.length));
      const isWhole =
        Atomics.load(words, from + snapshot.state) === SnapshotState.valid &&
        words[from + snapshot.tick] === tick;
      if (!isWhole) return ShadowStep.waiting;
    } else {
      if (!isKept(this.segment, layout.firstTick)) return ShadowStep.waiting;
      if (!this.machine.begin(firstProgram, 0, true)) return ShadowStep.missing;
    }
    if (!this.isFirst) this.lostTicks += Math.max(0, ticksBetween(tick, this.tick));
    this.isFirst = false;
    this.tick = tick;
    this.isJoined = true;
    return ShadowStep.rendered;
  }

  private lose(): ShadowStep {
    this.isJoined = false;
    this.losses++;
    return ShadowStep.lost;
  }
}
