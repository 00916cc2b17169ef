import { expect, test } from 'vitest';
import { ModuleProcess } from '../../test/kit/module-process.js';

/**
 * A young generation that holds all that the calls could leave there, so that no collection hides
 * it: one boxed number a call would be 16 MB.
 */
const nodeFlags = ['--min-semi-space-size=128', '--max-semi-space-size=128'];

const measure = `
  import { PerformanceObserver } from 'node:perf_hooks';
  const fd = os.createSharedMemory({ name: 'x', bytes: 4096 });
  const mapping = os.mapShared(fd, 4096, { writable: true });
  const address = mapping.address;
  os.setTimerSlack(1);
  const calls = 1e6;
  const bytesPerCall = (run) => {
    for (let i = 0; i < 50; i++) run(1000);
    const before = process.memoryUsage().heapUsed;
    run(calls);
    return (process.memoryUsage().heapUsed - before) / calls;
  };
  const results = {
    futexWait: bytesPerCall((n) => { for (let i = 0; i < n; i++) os.futexWait(address, 1, 1e6); }),
    futexWaitUntil: bytesPerCall((n) => {
      for (let i = 0; i < n; i++) os.futexWaitUntil(address, 1, i * 1e3 + 0.5);
    }),
    // Timers take microseconds even when they are late: a fortieth of the calls, counted as all.
    futexTimeout: bytesPerCall((n) => {
      for (let i = 0; i < n; i += 40) os.futexWait(address, 0, 0);
    }) * 40,
    futexWake: bytesPerCall((n) => { for (let i = 0; i < n; i++) os.futexWake(address, 1); }),
    field: bytesPerCall((n) => { for (let i = 0; i < n; i++) os.futexWake(mapping.address, 1); }),
    clock: bytesPerCall((n) => {
      let last = os.monotonicNs();
      let back = 0;
      for (let i = 0; i < n; i++) {
        const now = os.monotonicNs();
        if (now < last) back++;
        last = now;
      }
      if (back > 0) throw new Error('the clock went back');
    }),
    sleep: bytesPerCall((n) => {
      const start = os.monotonicNs();
      for (let i = 0; i < n; i += 40) os.sleepUntilNs(start - i * 1.5);
    }) * 40,
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
    expect(Math.abs(bytes), `${name} leaves ${bytes} bytes a call`).toBeLessThan(1);
  }
});
