/**
 * Thousands of rangings over one stream: openings of devices, failures, memory, drift. And what ten
 * rangings a second cost.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { chromium } from 'playwright-core';
import { PersistentStream, Sonar, soundSpeed } from '../dist/measure/index.js';
import { cpuSeconds } from '../dist/os/index.js';
import { measureSchema } from '../dist/settings/index.js';
import { benchSettings, cliFile } from './engines.mjs';

const distanceM = 1.234;
const { speedMps: soundSpeedMps } = soundSpeed({ kind: 'air', temperatureC: 20 });

function open() {
  const room = { soundSpeedMps, latencyFrames: 170.3, targets: [{ distanceM }], noiseDb: -80 };
  const settings = benchSettings([
    'device.capture=virtual',
    `device.virtual.room=${JSON.stringify(room)}`,
    // Against a machine that is busy: what is measured is no driver's wake-up.
    'engine.leadQuanta=32',
    'watchdog.driverQuanta=200',
  ]);
  return PersistentStream.open({ settings });
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

/** Memory of this process after its garbage is collected, in MB: what is in use, and all that it has. */
function memoryMb() {
  collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { used: (heapUsed + external) / 1e6, resident: rss / 1e6 };
}

const mean = (values) => values.reduce((sum, x) => sum + x, 0) / values.length;

export async function* run({ full }) {
  const rangings = full ? 10_000 : 1000;
  const stream = await open();
  try {
    yield* many(stream, rangings);
  } finally {
    await stream.close();
  }
  yield await costs(full ? 60 : 15);
}

/** Rangings before the first that counts: where the memory of a process settles is known later. */
const warmUp = 100;

/** Ranges fifty times a second; what each tenth of so many rangings came to. */
function range(stream, rangings) {
  const settings = measureSchema.parse({ durationMs: 10, maxM: 2, updateHz: 50 });
  const tenths = [];
  let seen = 0;
  let missed = 0;
  let echoes = [];
  return new Promise((resolve, reject) => {
    const sonar = new Sonar(stream, settings, {
      onReading: ({ distanceM: found, level, failure }) => {
        if (failure !== null || ++seen <= warmUp || tenths.length === 10) return;
        if (found === null) missed++;
        else echoes.push({ mm: found * 1000, level });
        if (((seen - warmUp) * 10) % rangings !== 0) return;
        tenths.push({
          mm: mean(echoes.map((echo) => echo.mm)),
          level: mean(echoes.map((echo) => echo.level)),
          memory: memoryMb(),
        });
        echoes = [];
        if (tenths.length < 10) return;
        const { lost } = sonar;
        void sonar.stop('that was all').then(() => resolve({ tenths, missed, lost }));
      },
      onEnd: (reason) => tenths.length < 10 && reject(new Error(reason)),
    });
    sonar.start();
  });
}

async function* many(stream, rangings) {
  const opens = (await stream.look()).counters;
  const { tenths, missed, lost } = await range(stream, rangings);
  const { counters } = await stream.look();
  const [first, last] = [tenths[0], tenths.at(-1)];
  const grownMb = last.memory.used - first.memory.used;
  const driftUm = (last.mm - first.mm) * 1000;
  const driftDb = 20 * Math.log10(last.level / first.level);
  const opened = counters.deviceOpens - opens.deviceOpens;
  yield {
    what: `${rangings} measurements: devices opened, missed`,
    target: 'none but the first, 0 missed',
    measured: `${opened} opened, ${missed} missed`,
    beside: `${lost} disturbed, and left out; EchoPi: kernel panic after 5 to 20`,
    met: opened - (counters.takeovers - opens.takeovers) <= 0 && missed === 0,
  };
  yield {
    what: 'drift of zero and amplitude, first to last tenth',
    target: 'none',
    measured: `${driftUm.toFixed(3)} um, ${driftDb.toExponential(1)} dB`,
    beside: `off the truth by ${((last.mm - distanceM * 1000) * 1000).toFixed(2)} um`,
    met: Math.abs(driftUm) < 5 && Math.abs(driftDb) < 0.001,
  };
  yield {
    what: 'memory of the measuring process',
    target: 'constant',
    measured: `${grownMb >= 0 ? '+' : ''}${grownMb.toFixed(2)} MB in use, first to last tenth`,
    beside: `${last.memory.used.toFixed(1)} MB in use; resident ${first.memory.resident.toFixed(0)}, then ${last.memory.resident.toFixed(0)} MB`,
    met: grownMb < 2,
  };
}

/** A process and all that descend from it. */
function familyOf(pid) {
  const children = new Map();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // It has ended meanwhile.
    }
  }
  const all = [pid];
  for (const one of all) all.push(...(children.get(one) ?? []));
  return all.slice(1);
}

/** `tenuto sonar --web` as a user starts it, ten times a second at 10 m with the usual chirp. */
async function startSonar() {
  const room = { soundSpeedMps, targets: [{ distanceM }], noiseDb: -80 };
  const set = [
    'measure.maxM=10',
    `device.virtual.room=${JSON.stringify(room)}`,
    'watchdog.driverQuanta=200',
  ].flatMap((one) => ['--set', one]);
  const flags = ['--web', '--json', '--device', 'virtual', '--update-hz', '10', '--no-kernel-log'];
  const child = spawn(process.execPath, [cliFile, 'sonar', ...flags, ...set], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const heard = { readings: 0, address: '' };
  const lines = createInterface({ input: child.stdout });
  await new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error('the sonar has ended')));
    lines.on('line', (line) => {
      const { event, address } = JSON.parse(line);
      if (event === 'page') heard.address = address;
      if (event === 'reading') heard.readings++;
      if (heard.readings > 20) resolve();
    });
  });
  return { child, heard };
}

/** Until what runs ten times a second has been compiled, and the rings have been written all round. */
const settlingMs = 60_000;

/** What ten rangings a second cost, while a browser shows them. */
async function costs(seconds) {
  const { child, heard } = await startSonar();
  const args = process.getuid() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
  try {
    const page = await browser.newPage();
    await page.goto(heard.address);
    await page.getByText('running').first().waitFor();
    await delay(settlingMs);
    const engine = familyOf(child.pid);
    const spent = () => ({
      ms: performance.now(),
      own: cpuSeconds(child.pid),
      engine: engine.reduce((sum, pid) => sum + (cpuSeconds(pid) ?? 0), 0),
      readings: heard.readings,
    });
    const before = spent();
    await delay(seconds * 1000);
    const after = spent();
    const sec = (after.ms - before.ms) / 1000;
    const own = ((after.own - before.own) * 100) / sec;
    const others = ((after.engine - before.engine) * 100) / sec;
    const rate = (after.readings - before.readings) / sec;
    return {
      what: '10 rangings a second to 10 m, page open in Chromium',
      target: '10 % of a core',
      measured: `${(own + others).toFixed(1)} % of a core, ${rate.toFixed(2)} a second`,
      beside: `sonar and page's server ${own.toFixed(1)} %, the engine's processes ${others.toFixed(1)} %; EchoPi 3 to 6 % at 2 a second`,
      met: own + others <= 10 && rate > 9.5,
    };
  } finally {
    await browser.close();
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('exit', resolve));
  }
}
