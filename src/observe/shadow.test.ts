import { describe, expect, it } from 'vitest';
import { enterGeneration, sealTick, segmentFor } from '../../test/kit/segment.js';
import type { PatchMachine } from '../engine/replica-core.js';
import {
  clock,
  journalTicks,
  RecordStatus,
  record,
  SnapshotState,
  snapshot,
} from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import { snapshotAt, snapshotBytesAt } from '../memory/snapshots.js';
import { Shadow, ShadowStep } from './shadow.js';

/** Counts what it was asked for: its arena holds the ticks and the commands that it has seen. */
function countingMachine(bytes: number): PatchMachine & { seen: Int32Array } {
  const arena = new Uint8Array(bytes);
  const seen = new Int32Array(arena.buffer);
  return {
    arena,
    seen,
    output: new Float32Array(32),
    program: 1,
    previous: 0,
    silencedNodes: 0,
    isSettled: true,
    isLost: false,
    begin: () => true,
    revert() {},
    silenceOwn() {},
    setStreamEnd() {},
    apply() {
      seen[1]!++;
    },
    render() {
      seen[0]!++;
    },
  };
}

function seal(segment: Segment, tick: number, status: number, commands = 0): void {
  const at = sealTick(segment, 1, tick);
  segment.words[at + record.status] = status;
  segment.words[at + record.commands] = commands;
}

function begin() {
  const segment = segmentFor();
  enterGeneration(segment, 1, { position: 0, tick: 0, previous: 0 });
  const machine = countingMachine(64);
  return { segment, machine, shadow: new Shadow(segment, machine) };
}

describe('a shadow', () => {
  it('stays behind the replicas, and leaves out what was voided', () => {
    const { segment, machine, shadow } = begin();
    expect(shadow.step()).toBe(ShadowStep.waiting);
    seal(segment, 0, RecordStatus.live, 2);
    expect(shadow.step()).toBe(ShadowStep.waiting);
    seal(segment, 0, RecordStatus.passed, 2);
    expect(shadow.step()).toBe(ShadowStep.rendered);
    seal(segment, 1, RecordStatus.voidPassed, 3);
    expect(shadow.step()).toBe(ShadowStep.rendered);
    expect(shadow.tick).toBe(1);
    expect([...machine.seen.slice(0, 2)]).toEqual([2, 2]);
  });

  it('says that it lost its place, and goes on from a snapshot', () => {
    const { segment, machine, shadow } = begin();
    seal(segment, 0, RecordStatus.passed);
    expect(shadow.step()).toBe(ShadowStep.rendered);
    const sealed = journalTicks + 100;
    for (let tick = 1; tick <= sealed; tick++) seal(segment, tick, RecordStatus.passed);
    expect(shadow.step()).toBe(ShadowStep.lost);
    expect(shadow.losses).toBe(1);
    expect(shadow.step()).toBe(ShadowStep.waiting);
    const { words, bytes, layout } = segment;
    const at = snapshotAt(segment, 0, 0);
    words[at + snapshot.tick] = sealed - 10;
    words[layout.clock + clock.headTick] = sealed;
    bytes.set([77, 0, 0, 0], snapshotBytesAt(at));
    words[at + snapshot.state] = SnapshotState.valid;
    for (let i = 0; i < 10; i++) expect(shadow.step()).toBe(ShadowStep.rendered);
    expect(shadow.step()).toBe(ShadowStep.waiting);
    expect(shadow.tick).toBe(sealed);
    expect(shadow.lostTicks).toBe(sealed - 10);
    expect(machine.seen[0]).toBe(87);
  });
});
