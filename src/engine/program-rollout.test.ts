import { describe, expect, it } from 'vitest';
import { enterGeneration, segmentFor } from '../../test/kit/segment.js';
import { clock, replica, SnapshotState, snapshot } from '../memory/layout.js';
import {
  findProgram,
  offerProgram,
  ProgramState,
  programState,
  setProgramState,
} from '../memory/programs.js';
import { replicaAt } from '../memory/replica-ring.js';
import { newestSnapshot, snapshotAt } from '../memory/snapshots.js';
import { ProgramRollout } from './program-rollout.js';
import { ReplicaSlots } from './replica-slots.js';
import { emptySeat } from './seats.js';

describe('the snapshots of a slot that nobody holds any more', () => {
  it('stay until who renders has taken later ones, whatever its own slot held before', () => {
    const segment = segmentFor();
    const { words, layout } = segment;
    enterGeneration(segment, 1, { position: 400, tick: 400, previous: 0 });
    words[layout.clock + clock.nearTick] = 399;
    words[layout.clock + clock.headTick] = 396;
    const put = (slot: number, index: number, tick: number) => {
      const at = snapshotAt(segment, slot, index);
      words[at + snapshot.tick] = tick;
      words[at + snapshot.state] = SnapshotState.valid;
    };
    const world = { nowUs: () => 0, adopt: () => 0, giveBack: () => {}, wake: () => {} };
    const slots = new ReplicaSlots(segment, world, 1);
    const rollout = new ProgramRollout(segment, world, slots, { serviceMs: 1000 });
    const seat = { ...emptySeat({ row: 0, role: 'replica', place: 0, firstWave: true }), pid: 7 };
    const newest = () => {
      rollout.poll([seat], () => {});
      return newestSnapshot(segment);
    };
    put(0, 0, 100);
    put(0, 1, 116);
    put(2, 0, 300);
    put(2, 1, 316);
    expect(newest()).toBe(snapshotAt(segment, 2, 1));
    put(0, 0, 332);
    expect(newest()).toBe(snapshotAt(segment, 0, 0));
    expect(words[snapshotAt(segment, 2, 1) + snapshot.state]).toBe(SnapshotState.valid);
    put(0, 1, 348);
    expect(newest()).toBe(snapshotAt(segment, 0, 1));
    expect(words[snapshotAt(segment, 2, 1) + snapshot.state]).toBe(SnapshotState.empty);
  });
});

describe('a program that nobody needs any more', () => {
  it('is emptied only once nobody can have asked for it, and taken back if somebody did', () => {
    const segment = segmentFor();
    const { words, layout } = segment;
    enterGeneration(segment, 1, { position: 9000, tick: 9000, previous: 0 });
    words[layout.clock + clock.nearTick] = 8999;
    let nowUs = 0;
    const world = { nowUs: () => nowUs, adopt: () => 0, giveBack: () => {}, wake: () => {} };
    const slots = new ReplicaSlots(segment, world, 1);
    const rollout = new ProgramRollout(segment, world, slots, { serviceMs: 1000 });
    const seat = { ...emptySeat({ row: 0, role: 'replica', place: 0, firstWave: true }), pid: 7 };
    const none = new Uint8Array(0);
    for (const number of [2, 3]) {
      offerProgram(segment, { number, program: none, info: none, hasOwnNodes: false, assets: [] });
      setProgramState(segment, findProgram(segment, number), ProgramState.ready);
    }
    const at = findProgram(segment, 2);
    const look = (afterMs: number, plays: { previous: number; snapshotTick: number }) => {
      nowUs += afterMs * 1000;
      words[replicaAt(segment, 0) + replica.program] = 3;
      words[replicaAt(segment, 0) + replica.previous] = plays.previous;
      for (const index of [0, 1]) {
        const taken = snapshotAt(segment, 0, index);
        words[taken + snapshot.program] = 3;
        words[taken + snapshot.tick] = plays.snapshotTick;
        words[taken + snapshot.state] = SnapshotState.valid;
      }
      rollout.poll([seat], () => {});
      return programState(segment, at);
    };
    const { ready, leaving, empty } = ProgramState;
    expect(look(0, { previous: 2, snapshotTick: 8900 })).toBe(ready);
    expect(look(10_000, { previous: 0, snapshotTick: 8990 })).toBe(ready);
    // Nobody joins before it was over any more.
    expect(look(100, { previous: 0, snapshotTick: 9010 })).toBe(leaving);
    expect(look(1400, { previous: 0, snapshotTick: 9020 })).toBe(leaving);
    expect(look(50, { previous: 2, snapshotTick: 9030 })).toBe(ready);
    expect(look(100, { previous: 0, snapshotTick: 9040 })).toBe(leaving);
    expect(look(1400, { previous: 0, snapshotTick: 9050 })).toBe(leaving);
    expect(look(200, { previous: 0, snapshotTick: 9060 })).toBe(empty);
    expect(programState(segment, findProgram(segment, 3))).toBe(ready);
  });
});
