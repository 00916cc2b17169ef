import { beforeEach, describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { type CounterName, count, counterIndex } from '../memory/counters.js';
import type { Segment } from '../memory/segment.js';
import { recordTime, timerIndex } from '../memory/timers.js';
import { readAlarms, tripwireAt, writeTripwirePolicy } from '../memory/tripwires.js';
import { tripwire, tripwireRegion } from '../memory/watch-layout.js';
import { type TripwireKey, tripwires } from '../settings/tripwires.js';
import { readTripwires, TripwireWatch } from './tripwires.js';

const lookMs = 250;

/** An engine whose control looks every 250 ms; each test has its own. */
class Bench {
  readonly segment: Segment = segmentFor();
  nowMs = 5_000_000;
  watch: TripwireWatch;

  constructor(thresholds: Partial<Record<TripwireKey, number>>, windowSec = 60, cooldownSec = 60) {
    writeTripwirePolicy(this.segment, {
      windowSec,
      cooldownSec,
      thresholds: tripwires.map(({ key }) => thresholds[key] ?? 0),
    });
    this.watch = new TripwireWatch(this.segment);
  }

  /** Lets control look for so long; the names of what it told. */
  run(seconds: number): string[] {
    const told: string[] = [];
    for (let ms = 0; ms < seconds * 1000; ms += lookMs) {
      this.nowMs += lookMs;
      told.push(...this.watch.look(this.nowMs).map(({ name }) => name));
    }
    return told;
  }

  add(counter: CounterName, amount = 1): void {
    count(this.segment, counterIndex[counter], amount);
  }

  /** The control process was killed, and another one goes on. */
  restart(): void {
    this.watch = new TripwireWatch(this.segment);
  }

  row(key: TripwireKey) {
    return readTripwires(this.segment)[tripwires.findIndex((wire) => wire.key === key)]!;
  }
}

describe('a tripwire on a counter', () => {
  it('trips at its threshold, is told once, and is released when the window is over', () => {
    const bench = new Bench({ underruns: 3 });
    bench.add('underruns', 2);
    expect(bench.run(1)).toEqual([]);
    expect(bench.row('underruns')).toMatchObject({ value: 2, threshold: 3, tripped: false });
    bench.add('underruns');
    expect(bench.run(10)).toEqual(['callback_underrun_count']);
    expect(bench.row('underruns')).toEqual({
      name: 'callback_underrun_count',
      value: 3,
      threshold: 3,
      tripped: true,
      sinceSec: 9.8,
      trips: 1,
    });
    expect(bench.run(60)).toEqual([]);
    expect(bench.row('underruns')).toMatchObject({ value: 0, tripped: false, sinceSec: null });
    expect(bench.row('underruns').trips).toBe(1);
  });

  it('is off at 0', () => {
    const bench = new Bench({});
    for (const { counter } of tripwires) if (counter) bench.add(counter as CounterName, 1e6);
    expect(bench.run(2)).toEqual([]);
    expect(readTripwires(bench.segment).every(({ tripped }) => !tripped)).toBe(true);
  });

  it('is told again after the cooldown only for what came after', () => {
    const bench = new Bench({ underruns: 1 }, 600, 60);
    bench.add('underruns');
    expect(bench.run(1)).toHaveLength(1);
    expect(bench.run(120)).toEqual([]);
    bench.add('underruns');
    expect(bench.run(1)).toHaveLength(1);
    bench.add('underruns');
    expect(bench.run(58)).toEqual([]);
    expect(bench.run(2)).toHaveLength(1);
    expect(bench.row('underruns').trips).toBe(1);
  });

  it('counts across the wrap of its counter', () => {
    const bench = new Bench({ underruns: 4 });
    bench.add('underruns', -3);
    bench.run(65);
    expect(bench.row('underruns')).toMatchObject({ value: 0, tripped: false, trips: 1 });
    bench.add('underruns', 5);
    expect(bench.run(1)).toHaveLength(1);
    expect(bench.row('underruns').value).toBe(5);
  });

  it('counts what happened before the first look, and while control was away', () => {
    const bench = new Bench({ replicaRestarts: 2 });
    bench.add('restartsReplica', 2);
    expect(bench.run(0.25)).toEqual(['replica_restart_count']);
    bench.run(130);
    bench.nowMs += 3_600_000;
    bench.add('restartsReplica', 2);
    bench.restart();
    expect(bench.run(1)).toEqual(['replica_restart_count']);
  });
});

describe('a tripwire on a timer', () => {
  const open = (bench: Bench, ms: number) =>
    recordTime(bench.segment, timerIndex.deviceOpen, ms * 1000);

  it('watches the longest, and is not told again for the same one', () => {
    const bench = new Bench({ deviceOpenMaxMs: 100_000 }, 120, 10);
    open(bench, 99);
    expect(bench.run(1)).toEqual([]);
    open(bench, 101);
    expect(bench.run(1)).toEqual(['device_open_ms_max']);
    expect(bench.row('deviceOpenMaxMs')).toMatchObject({ value: 101, threshold: 100 });
    open(bench, 5);
    expect(bench.run(20)).toEqual([]);
    expect(bench.row('deviceOpenMaxMs').tripped).toBe(true);
    open(bench, 500);
    expect(bench.run(1)).toHaveLength(1);
    bench.run(130);
    expect(bench.row('deviceOpenMaxMs')).toMatchObject({ value: 0, tripped: false });
  });

  it('watches the average', () => {
    const bench = new Bench({ recreateAverageMs: 50_000 });
    const record = (ms: number) => recordTime(bench.segment, timerIndex.recreateTotal, ms * 1000);
    for (let i = 0; i < 9; i++) record(10);
    expect(bench.run(1)).toEqual([]);
    record(500);
    expect(bench.run(1)).toEqual(['recreate_total_ms_avg']);
    expect(bench.row('recreateAverageMs').value).toBe(59);
  });
});

describe('another control process', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench({ underruns: 1, recreations: 5 });
  });

  it('goes on with what its predecessor counted and told', () => {
    bench.add('underruns');
    bench.add('recreations', 3);
    expect(bench.run(1)).toEqual(['callback_underrun_count']);
    bench.restart();
    expect(bench.run(10)).toEqual([]);
    expect(bench.row('underruns')).toMatchObject({ tripped: true, trips: 1 });
    bench.add('recreations', 2);
    expect(bench.run(1)).toEqual(['recreate_count']);
    expect(readAlarms(bench.segment, 0).map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  /** The words that an alarm is told by, in the order in which they are written. */
  const steps = ['decision', 'time', 'count', 'head'] as const;

  it.each(steps)('tells once what its predecessor was killed in, before the %s', (step) => {
    const { segment } = bench;
    const { words, layout } = segment;
    const own = tripwireAt(segment, 0);
    const places = [
      own + tripwire.alarmSequence,
      own + tripwire.alarmDs,
      own + tripwire.alarmCount,
      layout.tripwires + tripwireRegion.alarmHead,
    ];
    bench.add('underruns');
    const before = words.slice();
    expect(bench.run(0.25)).toHaveLength(1);
    for (const at of places.slice(steps.indexOf(step))) words[at] = before[at]!;
    bench.restart();
    bench.run(10);
    const told = readAlarms(segment, 0);
    expect(told).toEqual([{ sequence: 1, wire: 0, value: 1, threshold: 1 }]);
    expect(bench.row('underruns')).toMatchObject({ tripped: true, trips: 1 });
  });
});
