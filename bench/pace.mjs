/** The pace of the engine against the monotonic clock, by its own commits. */
import { setTimeout as delay } from 'node:timers/promises';
import { clock } from '../dist/memory/layout.js';
import { currentPosition } from '../dist/memory/output-ring.js';
import { startDemo, whole } from './engines.mjs';
import { quantile } from './figures.mjs';

/** Looks of one second: wake-ups are never early, so that the least late ones tell the pace. */
const looks = 250;

/** Time of a commit - time at which it was due by the nominal rate, in microseconds. */
async function lateness({ words, layout }, from) {
  const periodUs = (layout.quantum * 1e6) / layout.rateHz;
  const late = [];
  for (let i = 0; i < looks; i++) {
    const position = currentPosition({ words, layout });
    const timeUs = words[layout.clock + clock.commitUs];
    if (currentPosition({ words, layout }) === position) {
      const due = (position - from.position) * periodUs;
      late.push(((timeUs - from.timeUs) | 0) - due);
    }
    await delay(4);
  }
  return quantile(late, 0.1);
}

export async function* run() {
  const engine = await startDemo();
  await whole(engine);
  await delay(2000);
  const { memory } = engine;
  const { words, layout } = memory;
  const from = {
    position: currentPosition(memory),
    timeUs: words[layout.clock + clock.commitUs],
  };
  const before = await lateness(memory, from);
  const { xruns } = engine.status().counters;
  const begun = performance.now();
  await delay(60_000 - looks * 4);
  const after = await lateness(memory, from);
  const seconds = (performance.now() - begun) / 1000;
  const ran = engine.status().counters.xruns - xruns;
  await engine.stop();
  const ppm = (after - before) / seconds;
  yield {
    what: `pace over ${seconds.toFixed(0)} s against the monotonic clock`,
    target: '< 1 ppm',
    measured: `${ppm.toFixed(3)} ppm`,
    beside: ran === 0 ? 'no xrun' : `${ran} xruns, each of which shifts the clock of the device`,
    met: Math.abs(ppm) < 1,
  };
}
