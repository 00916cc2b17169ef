import { describe, expect, it } from 'vitest';
import { enterGeneration, segmentFor } from '../../test/kit/segment.js';
import { clock, SnapshotState, snapshot } from '../memory/layout.js';
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
    const rollout = new ProgramRollout(segment, world, new ReplicaSlots(segment, world, 1));
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
