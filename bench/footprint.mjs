/** Processor time and memory of all processes of an engine that plays the demo patch. */
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds, memoryPss } from '../dist/os/index.js';
import { startDemo, whole } from './engines.mjs';

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;

function sumOf(pids, measure) {
  return pids.reduce((sum, pid) => sum + (measure(pid) ?? 0), 0);
}

export async function* run({ full }) {
  const seconds = full ? 3600 : 30;
  const engine = await startDemo();
  await whole(engine);
  await delay(5000);
  const { processes } = engine.status();
  const pids = processes.map(({ pid }) => pid);
  const before = { cpu: sumOf(pids, cpuSeconds), pss: sumOf(pids, memoryPss) };
  const begun = performance.now();
  const each = new Map(pids.map((pid) => [pid, cpuSeconds(pid)]));
  await delay(seconds * 1000);
  const took = (performance.now() - begun) / 1000;
  const percent = (pid) => (((cpuSeconds(pid) ?? 0) - each.get(pid)) / took) * 100;
  const cpu = ((sumOf(pids, cpuSeconds) - before.cpu) / took) * 100;
  // A process that was replaced meanwhile counts with its successor.
  const pss = sumOf(
    engine.status().processes.map(({ pid }) => pid),
    memoryPss,
  );
  const shares = processes.map(({ role, pid }) => `${role} ${percent(pid).toFixed(1)}`).join(', ');
  await engine.stop();
  yield {
    what: 'processor, all processes, demo patch',
    target: '<= 10 % of one core',
    measured: `${cpu.toFixed(1)} %`,
    beside: shares,
    met: cpu <= 10,
  };
  yield {
    what: `memory (PSS), all processes, after ${took.toFixed(0)} s`,
    target: '<= 250 MB, flat',
    measured: `${megabytes(pss)}, at first ${megabytes(before.pss)}`,
    met: pss <= 250e6 && pss - before.pss < 5e6,
  };
}
