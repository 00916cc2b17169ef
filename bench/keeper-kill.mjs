/** The keeper is killed: everything must be gone, by itself. */
import { setTimeout as delay } from 'node:timers/promises';
import { identity, isAlive, listEngineSockets } from '../dist/os/index.js';
import { startDemo, whole } from './engines.mjs';
import { median, ms } from './figures.mjs';

/** Milliseconds until no process and no socket is left. */
async function goneMs(engine) {
  const others = engine.status().processes.map(({ pid }) => identity(pid));
  const from = performance.now();
  process.kill(engine.keeperPid, 'SIGKILL');
  for (;;) {
    const sockets = listEngineSockets().filter((socket) => socket.engine === engine.name);
    const alive = others.filter((who) => who && isAlive(who));
    const took = performance.now() - from;
    if (sockets.length + alive.length === 0) return took;
    if (took > 10_000) throw new Error(`${alive.length} processes of ${engine.name} are left`);
    await delay(1);
  }
}

export async function* run({ full }) {
  const took = [];
  for (let i = 0; i < (full ? 20 : 5); i++) {
    const engine = await startDemo();
    await whole(engine);
    took.push(await goneMs(engine));
    await engine.ended;
  }
  yield {
    what: 'SIGKILL of the keeper to nothing left',
    target: '<= 200 ms',
    measured: `${ms(median(took))} median, ${ms(Math.max(...took))} max (${took.length})`,
    met: Math.max(...took) <= 200,
  };
}
