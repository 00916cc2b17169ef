/** OSC at the pace that is promised: every message taken, each once and in order, without an underrun. */
import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import { toBuffer } from 'osc-min';
import { cpuSeconds, monotonicNs, sleepUntilNs } from '../dist/os/index.js';
import { benchSettings, startDemo, whole } from './engines.mjs';
import { median, ms, quantile } from './figures.mjs';
import { SealedCommands } from './sealed-commands.mjs';

const perSec = 10_000;
const path = '/mod/breath/freq';
/** A message carries its number as its value: below 2^20 each is a float32 of its own. */
const scale = 1 / 2048;

/** When each message was seen to be sealed, and in which order. */
class Arrivals {
  numbers = [];
  times = [];
  bits = new Int32Array(1);
  value = new Float32Array(this.bits.buffer);

  constructor(segment) {
    this.sealed = new SealedCommands(segment);
  }

  look() {
    this.sealed.look();
    const nowNs = monotonicNs();
    for (const { words } of this.sealed.rows.splice(0)) {
      this.bits[0] = words[3];
      this.numbers.push(Math.round(this.value[0] / scale));
      this.times.push(nowNs);
    }
  }
}

/** Sends for so many seconds, and says what became of it. */
async function storm(engine, seconds) {
  const [, port] = /:(\d+)$/.exec(engine.status().control.osc) ?? [];
  const socket = createSocket('udp4');
  socket.connect(Number(port), '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  const listener = new Arrivals(engine.memory);
  const total = perSec * seconds;
  const sentNs = new Float64Array(total);
  const before = engine.status().counters;
  const packet = Buffer.from(toBuffer({ address: path, args: [0] }).buffer);
  const valueAt = packet.length - 4;
  const { pid } = engine.status().processes.find(({ role }) => role === 'control');
  const cpuBefore = cpuSeconds(pid);
  const startNs = monotonicNs();
  let sent = 0;
  let spokenFor = 0;
  while (sent < total) {
    const nowNs = monotonicNs();
    const due = Math.min(total, Math.floor(((nowNs - startNs) / 1e9) * perSec) + 1);
    for (; sent < due; sent++) {
      packet.writeFloatBE(sent * scale, valueAt);
      sentNs[sent] = monotonicNs();
      // Copied, since the socket sends it later.
      socket.send(Buffer.from(packet));
    }
    listener.look();
    // Now and then the socket gets its turn.
    if (++spokenFor % 4 === 0) await delay(0);
    else await new Promise(setImmediate);
    sleepUntilNs(monotonicNs() + 2e5);
  }
  const deadline = monotonicNs() + 10e9;
  while (listener.numbers.length < total && monotonicNs() < deadline) {
    listener.look();
    await delay(1);
  }
  socket.close();
  const { numbers, times } = listener;
  const inOrder = numbers.every((number, i) => i === 0 || number > numbers[i - 1]);
  const latencies = numbers.map((number, i) => (times[i] - sentNs[number]) / 1e6);
  const { counters } = engine.status();
  return {
    total,
    cpuUs: ((cpuSeconds(pid) - cpuBefore) / total) * 1e6,
    taken: new Set(numbers).size,
    twice: numbers.length - new Set(numbers).size,
    inOrder,
    latencies,
    underruns: counters.underruns - before.underruns,
    refused: counters.commandsRefused - before.commandsRefused,
    restarts: counters.restartsControl - before.restartsControl,
  };
}

export async function* run({ full }) {
  const seconds = full ? 60 : 10;
  const settings = benchSettings(['control.osc=127.0.0.1:0']);
  const engine = await startDemo({ settings });
  await whole(engine);
  const result = await storm(engine, seconds);
  await engine.stop();
  const { total, taken, twice, inOrder, latencies, underruns, refused } = result;
  yield {
    what: `${perSec} OSC messages a second for ${seconds} s`,
    target: '0 lost, once, in order',
    measured: `${total - taken} lost, ${twice} twice, ${inOrder ? 'in order' : 'OUT OF ORDER'}`,
    beside: `${total} messages, ${refused} refused, ${result.restarts} restarts of control; which took ${result.cpuUs.toFixed(0)} us for each`,
    met: taken === total && twice === 0 && inOrder,
  };
  yield {
    what: 'underruns meanwhile',
    target: '0',
    measured: `${underruns}`,
    met: underruns === 0,
  };
  yield {
    what: 'from datagram to sealed tick',
    target: 'printed',
    measured: `${ms(median(latencies))} median, ${ms(quantile(latencies, 0.99))} p99`,
    beside: `${ms(Math.max(...latencies.slice(0, 100_000)))} at most; looked at every 0.2 ms`,
  };
}
