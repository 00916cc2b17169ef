/** What control costs while nobody looks: the dashboard closed, nobody connected. */
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds, residentBytes } from '../dist/os/index.js';
import { benchSettings, startDemo, whole } from './engines.mjs';

/** Processor share of control over so many seconds, in percent of a core. */
async function shareOf(settings, seconds) {
  const engine = await startDemo({ settings });
  await whole(engine);
  // What it loads when it starts is over by then.
  await delay(4000);
  const { pid } = engine.status().processes.find(({ role }) => role === 'control');
  const [before, begun] = [cpuSeconds(pid), performance.now()];
  await delay(seconds * 1000);
  const share = ((cpuSeconds(pid) - before) / ((performance.now() - begun) / 1000)) * 100;
  const bytes = residentBytes(pid);
  await engine.stop();
  return { share, bytes };
}

export async function* run({ full }) {
  const seconds = full ? 600 : 30;
  const closed = await shareOf(benchSettings(['control.http=off']), seconds);
  const open = await shareOf(benchSettings(), seconds);
  yield {
    what: 'control with the dashboard closed',
    target: '<= 1 % of a core',
    measured: `${open.share.toFixed(2)} %, ${(open.bytes / 1e6).toFixed(0)} MB resident`,
    beside: `${closed.share.toFixed(2)} %, ${(closed.bytes / 1e6).toFixed(0)} MB without the interface`,
    met: open.share <= 1,
  };
}
