import { expect, test } from 'vitest';
import { ModuleProcess } from '../../test/kit/module-process.js';

/**
 * A young generation that holds all that the calls could leave there, so that no collection hides
 * it: one boxed number a call would be 16 MB.
 */
const nodeFlags = ['--min-semi-space-size=128', '--max-semi-space-size=128'];

const measure = `
  const fd = os.createSharedMemory({ name: 'x', bytes: 4096 });
  const mapping = os.mapShared(fd, 4096, { writable: true });
  const address = mapping.address;
  os.setTimerSlack(1);
  const bytesPerCall = (run, calls = 1e6) => {
    // Calls that are not compiled for good yet do box: the first seconds of a process do not count.
    for (let i = 0; i < 10; i++) run(calls / 10);
    const before = process.memoryUsage().heapUsed;
    run(calls);
    return (process.memoryUsage().heapUsed - before) / calls;
  };
  // Timers take microseconds, even those that are late.
  const timers = 5e4;
  const deadline = os.monotonicNs();
  const times = new Float64Array(2);
  const wakerOf = (at) => () => os.futexWake(at, 1);
  const wake = wakerOf(mapping.address);
  const results = {
    futexWait: bytesPerCall((n) => { for (let i = 0; i < n; i++) os.futexWait(address, 1, 1e6); }),
    futexWaitUntil: bytesPerCall((n) => {
      for (let i = 0; i < n; i++) os.futexWaitUntil(address, 1, deadline);
    }),
    futexTimeout: bytesPerCall((n) => {
      for (let i = 0; i < n; i++) os.futexWait(address, 0, 0);
    }, timers),
    futexWake: bytesPerCall((n) => { for (let i = 0; i < n; i++) os.futexWake(address, 1); }),
    captured: bytesPerCall((n) => { for (let i = 0; i < n; i++) wake(); }),
    clock: bytesPerCall((n) => {
      os.readClock(times, 0);
      for (let i = 0; i < n; i++) {
        os.readClock(times, 1);
        if (times[1] < times[0]) throw new Error('the clock went back');
        times[0] = times[1];
      }
    }),
    clockUs: bytesPerCall((n) => {
      let last = os.monotonicUs();
      for (let i = 0; i < n; i++) {
        const now = os.monotonicUs();
        if (((now - last) | 0) < 0) throw new Error('the clock went back');
        last = now;
      }
    }),
    sleep: bytesPerCall((n) => {
      os.readClock(times, 0);
      for (let i = 0; i < n; i++) os.sleepUntil(times, 0);
    }, timers),
    kill: bytesPerCall((n) => { for (let i = 0; i < n; i++) os.killNow(-1); }),
    killGone: bytesPerCall((n) => { for (let i = 0; i < n; i++) os.killNow(0x7ffffffe); }),
  };
  // That the measure would see a boxed number: the clock's value is kept where boxes are.
  const box = [null];
  results.boxed = bytesPerCall((n) => { for (let i = 0; i < n; i++) box[0] = os.monotonicNs(); });
  console.log(JSON.stringify(results));
`;

test('a million hot calls leave nothing on the heap', async () => {
  const program = new ModuleProcess(measure, { nodeFlags });
  const { boxed, ...results } = (await program.json()) as Record<string, number>;
  expect(boxed).toBeGreaterThan(12);
  for (const [name, bytes] of Object.entries(results)) {
    expect(Math.abs(bytes), `${name} leaves ${bytes} bytes a call`).toBeLessThan(4);
  }
}, 240_000);
