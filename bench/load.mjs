/** Every core is loaded by programs that never wait. */
import { availableParallelism } from 'node:os';
import { probeRealtime, startDemo, underLoad, whole } from './engines.mjs';
import { ms } from './figures.mjs';

const seconds = 60;

export async function* run() {
  const engine = await startDemo();
  await whole(engine);
  const before = engine.status();
  const cores = availableParallelism();
  const loaded = await underLoad(cores, () => probeRealtime(seconds));
  const { counters, processes } = engine.status();
  await engine.stop();
  const realtime = processes.filter(
    ({ role, state }) => role === 'driver' || (role === 'replica' && state === 'running'),
  );
  const granted = realtime.every(({ scheduling }) => ['fifo', 'rtkit'].includes(scheduling));
  const underruns = counters.underruns - before.counters.underruns;
  const xruns = counters.xruns - before.counters.xruns;
  yield {
    what: `${cores} cores loaded by other programs, ${seconds} s, lead 4`,
    target: '0 underruns',
    measured: `${underruns} underruns, ${xruns} xruns${granted ? '' : ', NO real-time priority'}`,
    beside: `a bare ${loaded.policy} timer was late by ${ms(loaded.p99)} (p99), ${ms(loaded.max)} (max)`,
    met: granted && underruns === 0,
  };
}
