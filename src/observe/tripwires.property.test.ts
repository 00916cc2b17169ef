import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { count, counterIndex } from '../memory/counters.js';
import { writeTripwirePolicy } from '../memory/tripwires.js';
import { tripwireRegion } from '../memory/watch-layout.js';
import { tripwires } from '../settings/tripwires.js';
import { type Alarm, readTripwires, TripwireWatch } from './tripwires.js';

/** What happens in a run, step by step: so much is counted, then control looks. */
const steps = fc.array(
  fc.record({
    add: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 4 })),
    restart: fc.boolean(),
    /** Time to the look: mostly as it should be, sometimes late. */
    ms: fc.oneof({ weight: 9, arbitrary: fc.constant(250) }, fc.integer({ min: 1, max: 20_000 })),
  }),
  { maxLength: 300 },
);
const policies = fc.record({
  windowSec: fc.integer({ min: 1, max: 30 }),
  cooldownSec: fc.integer({ min: 1, max: 30 }),
  threshold: fc.integer({ min: 1, max: 10 }),
});
/** Where the counter and the tenths of a second begin: near their wraps too. */
const counts = fc.constantFrom(0, 2 ** 31 - 5, -5);
const clocks = fc.constantFrom(100_000, (2 ** 31 - 20) * 100, (2 ** 32 - 20) * 100);

type Steps = typeof steps extends fc.Arbitrary<infer T> ? T : never;
type Policy = typeof policies extends fc.Arbitrary<infer T> ? T : never;

interface Look {
  nowMs: number;
  added: number;
  alarms: Alarm[];
  status: ReturnType<typeof readTripwires>[number];
}

/** One for all runs: it is large, and each run clears what it uses. */
const segment = segmentFor();
const { tripwires: region, counters } = segment.layout;

/** Plays the steps; `restarts` says whether control is ever started again. */
function play(list: Steps, policy: Policy, from: { count: number; ms: number }, restarts: boolean) {
  segment.words.fill(0, region, region + tripwireRegion.words);
  const { threshold } = policy;
  const thresholds = tripwires.map(({ key }) => (key === 'underruns' ? threshold : 0));
  writeTripwirePolicy(segment, { ...policy, thresholds });
  let watch = new TripwireWatch(segment);
  let nowMs = from.ms;
  segment.words[counters + counterIndex.underruns] = from.count;
  // What was counted before is out of the window when the run begins.
  for (const back of [90_000, 45_000]) watch.look(nowMs - back);
  const looks: Look[] = [];
  for (const { add, restart, ms } of list) {
    count(segment, counterIndex.underruns, add);
    if (restart && restarts) watch = new TripwireWatch(segment);
    nowMs += ms;
    const alarms = watch.look(nowMs);
    looks.push({ nowMs, added: add, alarms, status: readTripwires(segment)[0]! });
  }
  return { looks, words: segment.words.slice(region, region + tripwireRegion.words) };
}

const run = fc.record({ count: counts, ms: clocks });

describe('a tripwire, whatever happens', () => {
  it('does not notice that control was started again', () => {
    fc.assert(
      fc.property(steps, policies, run, (list, policy, from) => {
        const once = play(list, policy, from, false);
        const often = play(list, policy, from, true);
        expect(often.looks).toEqual(once.looks);
        expect(Buffer.from(often.words.buffer).equals(Buffer.from(once.words.buffer))).toBe(true);
      }),
    );
  });

  it('counts all of the window, and nothing much older', () => {
    fc.assert(
      fc.property(steps, policies, run, (list, policy, from) => {
        const { looks } = play(list, policy, from, true);
        const lateMs = 20_000;
        const windowMs = policy.windowSec * 1000;
        for (const { nowMs, status } of looks) {
          const within = (spanMs: number) =>
            looks
              .filter((look) => look.nowMs <= nowMs && look.nowMs > nowMs - spanMs)
              .reduce((sum, { added }) => sum + added, 0);
          expect(status.value).toBeGreaterThanOrEqual(within(windowMs - 500));
          expect(status.value).toBeLessThanOrEqual(within(windowMs + windowMs / 60 + 500 + lateMs));
          expect(status.tripped).toBe(status.value >= policy.threshold);
        }
      }),
    );
  });

  it('is told at most once in the cooldown, when tripped, and for something new', () => {
    fc.assert(
      fc.property(steps, policies, run, (list, policy, from) => {
        const { looks } = play(list, policy, from, true);
        let lastMs = Number.NEGATIVE_INFINITY;
        let news = 0;
        for (const { nowMs, added, alarms, status } of looks) {
          news += added;
          expect(alarms.length).toBeLessThanOrEqual(1);
          if (alarms.length === 0) continue;
          expect(status.tripped).toBe(true);
          expect(news).toBeGreaterThan(0);
          // Times are kept in tenths of a second.
          expect(nowMs - lastMs).toBeGreaterThan(policy.cooldownSec * 1000 - 100);
          lastMs = nowMs;
          news = 0;
        }
      }),
    );
  });

  it('is told of every crossing that the cooldown does not hide', () => {
    fc.assert(
      fc.property(steps, policies, run, (list, policy, from) => {
        const { looks } = play(list, policy, from, true);
        let tripped = false;
        let lastMs = Number.NEGATIVE_INFINITY;
        for (const { nowMs, alarms, status } of looks) {
          const due = nowMs - lastMs > policy.cooldownSec * 1000 + 100;
          if (status.tripped && !tripped && due) expect(alarms).toHaveLength(1);
          if (alarms.length > 0) lastMs = nowMs;
          tripped = status.tripped;
        }
      }),
    );
  });
});
