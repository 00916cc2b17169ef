import type { PatchMachine } from '../engine/replica-core.js';
import { limits } from '../limits.js';
import { commandAt, currentSealedTick, findRecord, isKept } from '../memory/journal.js';
import { RecordStatus, record, SnapshotState, snapshot } from '../memory/layout.js';
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
  private readonly fresh: Uint8Array;
  private readonly copy = new Int32Array(record.words);
  private isFirst = true;

  /** @param machine as a replica has it, over the same streams and assets; not used before. */
  constructor(
    private readonly segment: Segment,
    private readonly machine: PatchMachine,
  ) {
    this.fresh = machine.arena.slice();
  }

  /** Renders one tick, if there is one that some replica has rendered. */
  step(): ShadowStep {
    const { segment } = this;
    if (!this.isJoined && !this.join()) return ShadowStep.waiting;
    const tick = tickAfter(this.tick, 1);
    if (ticksBetween(currentSealedTick(segment), tick) < 0) return ShadowStep.waiting;
    const at = findRecord(segment, tick);
    if (at < 0) return this.lose();
    const status = Atomics.load(segment.words, at + record.status);
    if (status === RecordStatus.live) return ShadowStep.waiting;
    for (let i = 0; i < record.words; i++) this.copy[i] = segment.words[at + i]!;
    if (!isKept(segment, tick) || this.copy[record.tick] !== tick) return this.lose();
    this.render(status === RecordStatus.void);
    if (!hasStreamContent(segment, tick, currentSealedTick(segment))) return this.lose();
    this.tick = tick;
    return ShadowStep.rendered;
  }

  private render(voided: boolean): void {
    const { machine, copy } = this;
    for (let i = 0; i < limits.streamsMax; i++) {
      machine.setStreamEnd(i, copy[record.streamCursors + i]!);
    }
    const commands = voided ? 0 : copy[record.commands]!;
    for (let i = 0; i < commands; i++) machine.apply(copy, commandAt(0, i));
    machine.render();
  }

  /** Takes over the newest snapshot, or begins with the first tick where there is none. */
  private join(): boolean {
    const { words, bytes, layout } = this.segment;
    const from = newestSnapshot(this.segment);
    let tick = tickAfter(layout.firstTick, -1);
    if (from >= 0) {
      tick = words[from + snapshot.tick]!;
      const start = snapshotBytesAt(from);
      this.machine.arena.set(bytes.subarray(start, start + this.machine.arena.length));
      const isWhole =
        Atomics.load(words, from + snapshot.state) === SnapshotState.valid &&
        words[from + snapshot.tick] === tick;
      if (!isWhole) return false;
    } else {
      if (!isKept(this.segment, layout.firstTick)) return false;
      this.machine.arena.set(this.fresh);
    }
    if (!this.isFirst) this.lostTicks += Math.max(0, ticksBetween(tick, this.tick));
    this.isFirst = false;
    this.tick = tick;
    this.isJoined = true;
    return true;
  }

  private lose(): ShadowStep {
    this.isJoined = false;
    this.losses++;
    return ShadowStep.lost;
  }
}
