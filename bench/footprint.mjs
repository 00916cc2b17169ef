/** Processor time and memory of all processes of an engine that plays the demo patch. */
import { setTimeout as delay } from 'node:timers/promises';
import { Renderer } from '../dist/dsp/renderer.js';
import { cpuSeconds, memoryPss } from '../dist/os/index.js';
import { benchSettings, demoPatch, startDemo, whole } from './engines.mjs';

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Until the rings have been written all round, and compilers have nothing left to do. */
const settlingMs = 60_000;
/** What a process takes of the processor after the last look before its end is not seen. */
const lookMs = 300;
const memoryLooks = 100;

/** What processes take of the processor by their roles, those that come in others' places too. */
class ProcessorWatch {
  #seen;
  #roles = new Map();

  constructor({ processes }) {
    this.#seen = new Map(processes.map(({ pid }) => [pid, cpuSeconds(pid) ?? 0]));
  }

  look({ processes }) {
    for (const { role, state, pid } of processes) {
      const now = cpuSeconds(pid);
      if (now === null) continue;
      const name = state === 'standby' ? `${role} in reserve` : role;
      const more = now - (this.#seen.get(pid) ?? 0);
      this.#seen.set(pid, now);
      this.#roles.set(name, (this.#roles.get(name) ?? 0) + more);
    }
  }

  get seconds() {
    return [...this.#roles.values()].reduce((sum, one) => sum + one, 0);
  }

  shares(took) {
    const text = ([name, seconds]) => `${name} ${((seconds / took) * 100).toFixed(1)}`;
    return [...this.#roles].map(text).join(', ');
  }
}

async function watch(engine, seconds) {
  const memory = [];
  const processor = new ProcessorWatch(engine.status());
  const begun = performance.now();
  for (let took = 0; took < seconds; took = (performance.now() - begun) / 1000) {
    await delay(lookMs);
    const status = engine.status();
    processor.look(status);
    if (memory.length > (took / seconds) * memoryLooks) continue;
    memory.push(status.processes.reduce((sum, { pid }) => sum + (memoryPss(pid) ?? 0), 0));
  }
  return { memory, processor, took: (performance.now() - begun) / 1000 };
}

/** What it takes of a core to render the demo patch once, in this process, here and now. */
function renderingPercent() {
  const settings = benchSettings();
  const { rateHz, quantumFrames } = settings.engine;
  const renderer = new Renderer(demoPatch(settings).program, { streams: [], assets: [] });
  const render = (seconds) => {
    const quanta = (seconds * rateHz) / quantumFrames;
    const { user } = process.cpuUsage();
    for (let i = 0; i < quanta; i++) renderer.render();
    return ((process.cpuUsage().user - user) / 1e6 / seconds) * 100;
  };
  // The just-in-time compiler does its work in the first of them.
  render(20);
  return median([render(20), render(20), render(20)]);
}

export async function* run({ full }) {
  const engine = await startDemo();
  await whole(engine);
  await delay(settlingMs);
  const before = engine.status().counters.takeovers;
  const { memory, processor, took } = await watch(engine, full ? 3600 : 30);
  const takeovers = engine.status().counters.takeovers - before;
  await engine.stop();
  const percent = (processor.seconds / took) * 100;
  const alone = renderingPercent();
  yield {
    what: 'processor, all processes, demo patch',
    target: '<= 10 % of one core',
    measured: `${percent.toFixed(1)} %, ${(percent / alone).toFixed(1)} times one rendering of it`,
    beside: `${processor.shares(took)}; ${takeovers} takeovers; one rendering ${alone.toFixed(1)} %`,
    met: percent <= 10,
  };
  // Single looks are high while a process is being replaced by another.
  const fifth = Math.ceil(memory.length / 5);
  const [early, late] = [median(memory.slice(0, fifth)), median(memory.slice(-fifth))];
  yield {
    what: `memory (PSS), all processes, ${took.toFixed(0)} s`,
    target: '<= 250 MB, flat',
    measured: `${megabytes(early)} in the first fifth, ${megabytes(late)} in the last`,
    beside: `most ${megabytes(Math.max(...memory))}, ${takeovers} takeovers`,
    met: Math.max(...memory) <= 250e6 && late - early < 5e6,
  };
}
