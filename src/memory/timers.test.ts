import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModuleProcess } from '../../test/kit/module-process.js';
import { segmentFor } from '../../test/kit/segment.js';
import {
  readTimers,
  recentTimes,
  recordTime,
  timerCount,
  timerIndex,
  timerUsMax,
} from './timers.js';
import { timer, timerPlaces, timerWindow } from './watch-layout.js';

const { deviceOpen, takeoverGap, callbackResample } = timerIndex;

describe('a timer', () => {
  it('has nothing to tell before it measured', () => {
    const none = { count: 0, lastMs: 0, averageMs: 0, maxMs: 0 };
    for (const status of Object.values(readTimers(segmentFor()))) expect(status).toEqual(none);
  });

  it('tells the last, the average of the last hundred, and the longest of all', () => {
    const segment = segmentFor();
    recordTime(segment, deviceOpen, 90_000);
    for (let i = 1; i <= timerWindow; i++) recordTime(segment, deviceOpen, i * 1000);
    recordTime(segment, takeoverGap, 7);
    const timers = readTimers(segment);
    expect(timers.deviceOpen).toEqual({ count: 101, lastMs: 100, averageMs: 50.5, maxMs: 100 });
    expect(timers.takeoverGap).toEqual({ count: 1, lastMs: 0.007, averageMs: 0.007, maxMs: 0.007 });
    expect(timers.recreateTotal.count).toBe(0);
  });

  it('takes any number', () => {
    const segment = segmentFor();
    const told = (us: number) => {
      recordTime(segment, deviceOpen, us);
      return Math.round(readTimers(segment).deviceOpen.lastMs * 1000);
    };
    expect([-1, Number.NaN, 1.9, 2 ** 40, Number.POSITIVE_INFINITY].map(told)).toEqual([
      0,
      0,
      1,
      timerUsMax,
      timerUsMax,
    ]);
  });

  it('agrees with a plain list, also where its count wraps', () => {
    const times = fc.array(fc.integer({ min: 0, max: timerUsMax }), { maxLength: 300 });
    const firsts = fc.constantFrom(0, 2 ** 31 - 50, 2 ** 32 - 50);
    const segment = segmentFor();
    const at = segment.layout.timers + callbackResample * timer.words;
    fc.assert(
      fc.property(times, firsts, fc.nat(300), (list, first, among) => {
        segment.words[at + timer.count] = first;
        for (const us of list) recordTime(segment, callbackResample, us);
        const newest = Math.min(among, timerWindow, list.length);
        const kept = newest === 0 ? [] : list.slice(-newest);
        const sum = kept.reduce((total, us) => total + us, 0);
        expect(recentTimes(segment, callbackResample, newest)).toEqual({
          averageUs: newest === 0 ? 0 : sum / newest,
          maxUs: Math.max(0, ...kept),
        });
        expect(timerCount(segment, callbackResample)).toBe((first + list.length) % 2 ** 32);
        expect(timerPlaces).toBeGreaterThan(timerWindow);
      }),
    );
  });

  it('loses no measurement when several threads record at once', async () => {
    const words = new Int32Array(new SharedArrayBuffer(timer.words * 4));
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { words, first, each, timers } = workerData;
      const segment = { words, layout: { timers: 0 } };
      import(timers).then(({ recordTime }) => {
        for (let i = 0; i < each; i++) recordTime(segment, 0, first + i);
        parentPort.close();
      });
    `;
    const timers = new URL('../../dist/memory/timers.js', import.meta.url).href;
    const each = 50_000;
    const ends = [0, 1, 2].map((index) => {
      const workerData = { words, first: index * each, each, timers };
      const worker = new Worker(source, { eval: true, workerData });
      return new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
    });
    await Promise.all(ends);
    expect(words[timer.count]).toBe(3 * each);
    expect(words[timer.maxUs]).toBe(3 * each - 1);
    const kept = words.subarray(timer.places, timer.places + timerPlaces);
    expect(new Set(kept).size).toBe(timerPlaces);
  });

  it('leaves nothing on the heap', async () => {
    const url = (name: string) => new URL(`../../dist/memory/${name}.js`, import.meta.url).href;
    const program = new ModuleProcess(
      `
      const { recordTime } = await import('${url('timers')}');
      const { count } = await import('${url('counters')}');
      const segment = { words: new Int32Array(4096), layout: { timers: 0, counters: 2048 } };
      const bytesPerCall = (run, calls = 1e6) => {
        for (let i = 0; i < 10; i++) run(calls / 10);
        const before = process.memoryUsage().heapUsed;
        run(calls);
        return (process.memoryUsage().heapUsed - before) / calls;
      };
      console.log(JSON.stringify({
        record: bytesPerCall((n) => {
          for (let i = 0; i < n; i++) recordTime(segment, 1, (os.monotonicUs() - i) | 0);
        }),
        count: bytesPerCall((n) => { for (let i = 0; i < n; i++) count(segment, 3, 1); }),
      }));
      `,
      { nodeFlags: ['--min-semi-space-size=128', '--max-semi-space-size=128'] },
    );
    for (const [name, bytes] of Object.entries((await program.json()) as object)) {
      expect(Math.abs(bytes), `${name} leaves ${bytes} bytes a call`).toBeLessThan(4);
    }
  });
});
