/** Engines are started and stopped again and again by one program. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { descriptorCount, memoryPss, threadCount } from '../dist/os/index.js';
import { startDemo } from './engines.mjs';
import { median, ms, quantile } from './figures.mjs';

/** Cycles after which descriptors and threads have their lasting number. */
const warmUp = 3;

// What is only waiting to be collected is not what stays.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

export async function* run({ full, cycles = full ? 1000 : 30 }) {
  const stopMs = [];
  let before;
  let halfWay;
  for (let i = -warmUp; i < cycles; i++) {
    if (i === 0) before = look();
    if (i === cycles >> 1) halfWay = look();
    const engine = await startDemo();
    await engine.playing;
    const from = performance.now();
    await engine.stop();
    if (i >= 0) stopMs.push(performance.now() - from);
  }
  const after = look();
  yield {
    what: `${cycles} start/stop cycles: stop`,
    target: '<= 150 ms median',
    measured: `${ms(median(stopMs))} median, ${ms(quantile(stopMs, 0.99))} p99`,
    met: median(stopMs) <= 150,
  };
  yield {
    what: `${cycles} start/stop cycles: what stays`,
    target: 'constant',
    measured:
      `descriptors ${before.descriptors} -> ${after.descriptors}, ` +
      `threads ${before.threads} -> ${after.threads}`,
    beside: `memory of this program ${grown(before, halfWay)} MB in the first half, ${grown(halfWay, after)} MB in the second`,
    met: before.descriptors === after.descriptors && before.threads === after.threads,
  };
}

function grown(from, to) {
  const grewMb = (to.pss - from.pss) / 1e6;
  return `${grewMb < 0 ? '' : '+'}${grewMb.toFixed(1)}`;
}

function look() {
  collect();
  const { pid } = process;
  return { descriptors: descriptorCount(pid), threads: threadCount(pid), pss: memoryPss(pid) };
}
