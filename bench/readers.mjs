/** A hundred browsers' worth of WebSocket readers, some of which stop reading. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { cpuSeconds, residentBytes } from '../dist/os/index.js';
import { startDemo, whole } from './engines.mjs';
import { median, ms, quantile } from './figures.mjs';

const readers = 100;
const stalledReaders = 20;

/** One reader of all that a dashboard asks for; it notes when each message came. */
async function openReader(url) {
  const socket = new WebSocket(url, 'tenuto');
  const heard = { socket, bytes: 0, lastMs: 0, gapsMs: [], isClosed: false };
  socket.on('message', (data, isBinary) => {
    heard.bytes += data.length;
    if (!isBinary) return;
    const now = performance.now();
    if (heard.lastMs > 0) heard.gapsMs.push(now - heard.lastMs);
    heard.lastMs = now;
  });
  socket.on('close', () => {
    heard.isClosed = true;
  });
  socket.on('error', () => {});
  await once(socket, 'open');
  const topics = ['state', 'events', 'meters', 'values'];
  socket.send(JSON.stringify({ type: 'subscribe', topics, taps: ['@played'] }));
  return heard;
}

/** Which processes were replaced meanwhile. */
function replaced(before, after) {
  const roles = ['Driver', 'Replica', 'Control'];
  const more = roles.map((role) => after[`restarts${role}`] - before[`restarts${role}`]);
  const list = roles.flatMap((role, i) =>
    more[i] > 0 ? [`${more[i]} ${role.toLowerCase()}`] : [],
  );
  return list.join(', ') || 'none';
}

export async function* run({ full }) {
  const seconds = full ? 600 : 30;
  const engine = await startDemo();
  await whole(engine);
  while (engine.status().control.ws === null) await delay(10);
  const { pid } = engine.status().processes.find(({ role }) => role === 'control');
  const before = engine.status().counters;
  const bytesBefore = residentBytes(pid);
  const all = [];
  for (let i = 0; i < readers; i++) all.push(await openReader(engine.status().control.ws));
  await delay(2000);
  for (const { socket } of all.slice(0, stalledReaders)) socket.pause();
  const [cpuBefore, begun] = [cpuSeconds(pid), performance.now()];
  let bytesMost = 0;
  while (performance.now() - begun < seconds * 1000) {
    await delay(250);
    bytesMost = Math.max(bytesMost, residentBytes(pid) ?? 0);
  }
  const took = (performance.now() - begun) / 1000;
  const share = ((cpuSeconds(pid) - cpuBefore) / took) * 100;
  const { counters } = engine.status();
  const steady = all.slice(stalledReaders);
  const lost = steady.filter(({ isClosed }) => isClosed).length;
  const gaps = steady.flatMap(({ gapsMs }) => gapsMs);
  const rate = steady.reduce((sum, { bytes }) => sum + bytes, 0) / (took + 2) / 1e6;
  for (const { socket } of all) socket.terminate();
  await engine.stop();
  const underruns = counters.underruns - before.underruns;
  yield {
    what: `${readers} WebSocket readers, ${stalledReaders} of them stalled, ${took.toFixed(0)} s`,
    target: 'audio untouched',
    measured: `${underruns} underruns, replaced: ${replaced(before, counters)}`,
    beside: `control ${share.toFixed(0)} % of a core, ${rate.toFixed(0)} MB/s`,
    met: underruns === 0,
  };
  yield {
    what: 'the stalled ones dropped, memory bounded',
    target: `${stalledReaders} dropped, 0 others`,
    measured: `${counters.readersDropped - before.readersDropped} dropped, ${lost} others`,
    beside: `control at most ${(bytesMost / 1e6).toFixed(0)} MB resident, ${(bytesBefore / 1e6).toFixed(0)} before`,
    met: counters.readersDropped - before.readersDropped === stalledReaders && lost === 0,
  };
  yield {
    what: 'pictures that the others are sent',
    target: '60 a second',
    measured: `${ms(median(gaps))} apart (median), ${ms(quantile(gaps, 0.99))} (p99)`,
  };
}
