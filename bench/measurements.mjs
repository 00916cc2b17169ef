/**
 * Thousands of rangings over one stream: openings of devices, failures, memory, drift. And what ten
 * rangings a second cost.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { measureDistance, PersistentStream, Sonar, soundSpeed } from '../dist/measure/index.js';
import { cpuSeconds } from '../dist/os/index.js';
import { measureSchema } from '../dist/settings/index.js';
import { benchSettings } from './engines.mjs';

const distanceM = 1.234;
const { speedMps: soundSpeedMps } = soundSpeed({ kind: 'air', temperatureC: 20 });

/** @param leadQuanta many against a machine that is busy, few for quick turns */
function open(leadQuanta) {
  const room = { soundSpeedMps, latencyFrames: 170.3, targets: [{ distanceM }], noiseDb: -80 };
  const settings = benchSettings([
    'device.capture=virtual',
    `device.virtual.room=${JSON.stringify(room)}`,
    `engine.leadQuanta=${leadQuanta}`,
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
  const stream = await open(32);
  try {
    yield* many(stream, rangings);
  } finally {
    await stream.close();
  }
  const other = await open(4);
  try {
    yield await costs(other, full ? 60 : 15);
  } finally {
    await other.close();
  }
}

async function* many(stream, rangings) {
  const settings = measureSchema.parse({ durationMs: 10, maxM: 2, updateHz: 50 });
  // Where the memory of a process settles is known only after some of them.
  await measureDistance(stream, settings, { runs: 100 });
  const opens = (await stream.look()).counters;
  const batch = rangings / 10;
  const batches = [];
  let missed = 0;
  let repeats = 0;
  for (let i = 0; i < 10; i++) {
    const found = await measureDistance(stream, settings, { runs: batch });
    repeats += found.repeats;
    missed += found.runs.filter(({ echo }) => echo === null).length;
    const echoes = found.runs.flatMap(({ echo }) => (echo === null ? [] : [echo]));
    batches.push({
      mm: mean(echoes.map((echo) => echo.distanceM)) * 1000,
      level: mean(echoes.map(({ level }) => level)),
      memory: memoryMb(),
    });
  }
  const { counters } = await stream.look();
  const [first, last] = [batches[0], batches.at(-1)];
  const grownMb = last.memory.used - first.memory.used;
  const driftUm = (last.mm - first.mm) * 1000;
  const driftDb = 20 * Math.log10(last.level / first.level);
  const opened = counters.deviceOpens - opens.deviceOpens;
  yield {
    what: `${rangings} measurements: devices opened, missed`,
    target: 'none but the first, 0 missed',
    measured: `${opened} opened, ${missed} missed`,
    beside: `${repeats} disturbed and repeated; EchoPi: kernel panic after 5 to 20`,
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

async function costs(stream, seconds) {
  const settings = measureSchema.parse({ durationMs: 20, maxM: 5, updateHz: 10 });
  const sonar = new Sonar(stream, settings, { onReading: () => sonar.profile(400) });
  sonar.start();
  const pids = (await stream.look()).processes.map(({ pid }) => pid).filter((pid) => pid > 1);
  const engine = () => pids.reduce((sum, pid) => sum + (cpuSeconds(pid) ?? 0), 0);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const before = { own: cpuSeconds(process.pid), engine: engine(), count: sonar.count };
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const share = (used) => (used * 100) / seconds;
  const own = share(cpuSeconds(process.pid) - before.own);
  const others = share(engine() - before.engine);
  const rate = (sonar.count - before.count) / seconds;
  await sonar.stop();
  return {
    what: '10 rangings a second, with their echo profile',
    target: '10 % of a core',
    measured: `${own.toFixed(1)} % of a core, ${rate.toFixed(2)} a second`,
    beside: `the engine's processes ${others.toFixed(1)} %; EchoPi 3 to 6 % at 2 a second`,
    met: own <= 10,
  };
}
