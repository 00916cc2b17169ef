import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ModuleProcess } from '../../test/kit/module-process.js';
import {
  monotonicNs,
  monotonicUs,
  readClock,
  sleepUntil,
  sleepUntilNs,
  writeTimespec,
} from './clock.js';

test('is the clock that Node reads too, and never goes back', () => {
  let last = 0;
  for (let i = 0; i < 10000; i++) {
    // As doubles both are exact to 2 ns for 208 days of uptime.
    const before = Number(process.hrtime.bigint());
    const now = monotonicNs();
    const after = Number(process.hrtime.bigint());
    expect(before <= now && now <= after && last <= now).toBe(true);
    last = now;
  }
});

test('all forms read one clock', () => {
  const times = new Float64Array(3);
  for (let i = 0; i < 1000; i++) {
    const before = monotonicNs();
    readClock(times, 1);
    const us = monotonicUs();
    const after = monotonicNs();
    expect(before <= (times[1] ?? 0) && (times[1] ?? 0) <= after).toBe(true);
    expect(Number.isInteger(us) && us === (us | 0)).toBe(true);
    // Of the wrapping form only differences are known, and these only as signed ones.
    const low = Number(BigInt.asIntN(32, BigInt(Math.floor(before / 1000))));
    expect((us - low) | 0).toBeGreaterThanOrEqual(0);
    expect((us - low) | 0).toBeLessThanOrEqual((after - before) / 1000 + 1);
  }
  expect([times[0], times[2]]).toEqual([0, 0]);
  const deadline = monotonicNs() + 1e6;
  times[2] = deadline;
  expect(sleepUntil(times, 2)).toBe(0);
  expect(monotonicNs()).toBeGreaterThanOrEqual(deadline);
});

test('a sleep ends when its time has come, and at once when it has been', () => {
  for (const late of [1, 1000, 1e6, 1.5e6 + 0.5]) {
    const deadline = monotonicNs() + late;
    expect(sleepUntilNs(deadline)).toBe(0);
    expect(monotonicNs()).toBeGreaterThanOrEqual(Math.floor(deadline));
  }
  for (const past of [0, -1, 1, Number.NaN, Number.NEGATIVE_INFINITY]) {
    expect(sleepUntilNs(past)).toBe(0);
  }
});

test('signals do not shorten a sleep', async () => {
  const sleeper = new ModuleProcess(`
    process.on('SIGUSR2', () => {});
    console.log('asleep');
    const deadline = os.monotonicNs() + 300e6;
    const result = os.sleepUntilNs(deadline);
    console.log(result, os.monotonicNs() >= deadline);
  `);
  expect(await sleeper.line()).toBe('asleep');
  let awake = false;
  const ended = sleeper.line().then((line) => {
    awake = true;
    return line;
  });
  while (!awake) {
    sleeper.kill('SIGUSR2');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(await ended).toBe('0 true');
});

test('a timespec is always one that the kernel takes, and the time it was made from', () => {
  const words = new Int32Array(4);
  const check = (ns: number): void => {
    writeTimespec(words, ns);
    const [seconds = -1, , rest = -1] = words;
    const given = ns > 0 ? Math.min(ns, 2e18) : 0;
    expect(seconds).toBeGreaterThanOrEqual(0);
    expect(rest).toBeGreaterThanOrEqual(0);
    expect(rest).toBeLessThan(1e9);
    // Fractions of a nanosecond are cut off; above 2^53 a double has none.
    const made = BigInt(seconds) * 1_000_000_000n + BigInt(rest);
    expect(made).toBe(BigInt(Math.floor(given)));
  };
  fc.assert(fc.property(fc.double(), check));
  fc.assert(fc.property(fc.double({ min: 0, max: 2e16, noNaN: true }), check));
  // Just below whole seconds, where a quotient may be rounded up.
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      fc.integer({ min: 1, max: 4 }),
      (s, d) => {
        check(s * 1e9 - d / 4);
        check(s * 1e9 - d);
        check(s * 1e9 - 2 ** Math.ceil(Math.log2(s * 1e9) - 53));
      },
    ),
  );
});
