/** Engines are started and stopped again and again by one program. */
import { descriptorCount, memoryPss, threadCount } from '../dist/os/index.js';
import { startDemo } from './engines.mjs';
import { median, ms, quantile } from './figures.mjs';

/** Cycles after which descriptors and threads have their lasting number. */
const warmUp = 3;

export async function* run({ full, cycles = full ? 1000 : 30 }) {
  const stopMs = [];
  let before;
  for (let i = -warmUp; i < cycles; i++) {
    if (i === 0) before = look();
    const engine = await startDemo();
    await engine.playing;
    const from = performance.now();
    await engine.stop();
    if (i >= 0) stopMs.push(performance.now() - from);
  }
  const after = look();
  const grewMb = (after.pss - before.pss) / 1e6;
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
    beside: `memory of this program ${grewMb < 0 ? '' : '+'}${grewMb.toFixed(1)} MB`,
    met: before.descriptors === after.descriptors && before.threads === after.threads,
  };
}

function look() {
  globalThis.gc?.();
  const { pid } = process;
  return { descriptors: descriptorCount(pid), threads: threadCount(pid), pss: memoryPss(pid) };
}
