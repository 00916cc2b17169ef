import { describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { clock, DeviceState, DriverMark, desk, layoutOf } from '../memory/layout.js';
import { createSegment } from '../memory/segment.js';
import { callPatienceUs, callReplicas, callWord, missCall } from './replica-calls.js';

/** The slots that are woken when this tick is sealed. */
function woken(lead: number, tick: number, all = false): number[] {
  const geometry = {
    ...{ quantum: 128, rateHz: 48_000, channels: 2, lead, snapshotTicks: 64 },
    ...{ captureChannels: 0, arenaBytes: 4, programBytes: 4, firstTick: 0 },
  };
  const segment = createSegment(new ArrayBuffer(layoutOf(geometry).bytes), geometry);
  const slots = [0, 1, 2];
  const before = slots.map((slot) => segment.words[callWord(segment, slot)]!);
  const words: number[] = [];
  callReplicas(segment, { wake: (word) => words.push(word) }, tick, all);
  return slots.filter((slot) => {
    const word = callWord(segment, slot);
    // Whoever is about to wait sees the change, and whoever waits is woken.
    expect(segment.words[word] !== before[slot]).toBe(words.includes(word));
    return words.includes(word);
  });
}

describe('the calls to the replicas', () => {
  it('reach even slots at even ticks and odd slots at odd ones', () => {
    expect([woken(4, 6), woken(4, 7), woken(8, -1), woken(8, -2)]).toEqual([
      [0, 2],
      [1],
      [1],
      [0, 2],
    ]);
  });

  it('reach all where the lead is short, and when it is asked for', () => {
    expect([woken(1, 6), woken(3, 7), woken(4, 6, true)]).toEqual([
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
    ]);
  });

  it('are missed by a replica, which wakes the standby driver, while there is something to call for', () => {
    const segment = segmentFor();
    const { words, layout } = segment;
    const woken: number[] = [];
    const miss = (mark: number, state: number) => {
      words[layout.clock + clock.driverMark] = mark;
      words[layout.desk + desk.state] = state;
      missCall(segment, { wake: (word) => woken.push(word) });
    };
    for (const mark of Object.values(DriverMark)) miss(mark, DeviceState.held);
    for (const mark of [DriverMark.starting, DriverMark.ended, DriverMark.faded]) {
      miss(mark, DeviceState.playing);
    }
    expect(woken).toEqual([]);
    miss(DriverMark.playing, DeviceState.playing);
    expect(woken).toEqual([layout.clock + clock.requestedGeneration]);
  });

  it('are not missed before the next one is due', () => {
    const segment = segmentFor({ quantum: 128, rateHz: 48_000 });
    expect(callPatienceUs(segment, 1000)).toBe(8000);
    expect(callPatienceUs(segment, 20_000)).toBe(20_000);
  });
});
