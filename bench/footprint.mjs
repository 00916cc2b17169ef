/** Processor time and memory of all processes of an engine that plays the demo patch. */
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds, memoryPss } from '../dist/os/index.js';
import { startDemo, whole } from './engines.mjs';

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;

function sumOf(pids, measure) {
  return pids.reduce((sum, pid) => sum + (measure(pid) ?? 0), 0);
}

/** Until the rings of the journal and of the output have been written all round. */
const firstRoundMs = 15_000;

const pidsOf = (engine) => engine.status().processes.map(({ pid }) => pid);

/** Memory of all processes, those that took others' places too, looked at a hundred times. */
async function watchMemory(engine, seconds) {
  const seen = [];
  const looks = 100;
  for (let look = 0; look <= looks; look++) {
    seen.push(sumOf(pidsOf(engine), memoryPss));
    if (look < looks) await delay((seconds * 1000) / looks);
  }
  return seen;
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

export async function* run({ full }) {
  const seconds = full ? 3600 : 30;
  const engine = await startDemo();
  await whole(engine);
  await delay(firstRoundMs);
  const { processes } = engine.status();
  const pids = pidsOf(engine);
  const cpuBefore = sumOf(pids, cpuSeconds);
  const begun = performance.now();
  const each = new Map(pids.map((pid) => [pid, cpuSeconds(pid)]));
  const memory = await watchMemory(engine, seconds);
  const took = (performance.now() - begun) / 1000;
  const percent = (pid) => (((cpuSeconds(pid) ?? 0) - each.get(pid)) / took) * 100;
  const cpu = ((sumOf(pids, cpuSeconds) - cpuBefore) / took) * 100;
  const shares = processes.map(({ role, pid }) => `${role} ${percent(pid).toFixed(1)}`).join(', ');
  const { counters } = engine.status();
  await engine.stop();
  yield {
    what: 'processor, all processes, demo patch',
    target: '<= 10 % of one core',
    measured: `${cpu.toFixed(1)} %`,
    beside: shares,
    met: cpu <= 10,
  };
  // Single looks are high while a process is being replaced by another.
  const [early, late] = [median(memory.slice(0, 20)), median(memory.slice(-20))];
  yield {
    what: `memory (PSS), all processes, ${took.toFixed(0)} s`,
    target: '<= 250 MB, flat',
    measured: `${megabytes(early)} in the first fifth, ${megabytes(late)} in the last`,
    beside: `most ${megabytes(Math.max(...memory))}, ${counters.takeovers} takeovers`,
    met: Math.max(...memory) <= 250e6 && late - early < 5e6,
  };
}
