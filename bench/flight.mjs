/** A run is taken down while its replicas and the recorder itself are killed, and replayed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds, memoryPss } from '../dist/os/index.js';
import { benchSettings, cliFile, startDemo, whole } from './engines.mjs';

const killEveryMs = 5000;

/** Processes of an engine that are called so by `ps`. */
function pidsOf(name, role) {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(`tenuto ${name} ${role}`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** A stream of noise for as long as the engine runs; 16 bits, as most programs play. */
async function feed(engine, isOver) {
  const stream = await engine.openStream({ rate: 48_000, channels: 2, format: 's16' });
  const block = Int16Array.from({ length: 9600 }, (_, i) => ((i * 7919) % 9973) - 5000);
  while (!isOver()) await stream.write(block.slice());
  await stream.close();
}

async function takeDown(folder, seconds) {
  const settings = benchSettings();
  const recordPath = join(folder, 'out.wav');
  const journalPath = join(folder, 'run.tj');
  const engine = await startDemo({ settings, recordPath, journalPath });
  await whole(engine);
  let isOver = false;
  const fed = feed(engine, () => isOver);
  const until = performance.now() + seconds * 1000;
  let kills = 0;
  while (performance.now() < until) {
    await delay(Math.min(killEveryMs, Math.max(0, until - performance.now())));
    for (const role of ['replica', 'flight']) {
      const [pid] = pidsOf(engine.name, role);
      if (pid === undefined || performance.now() > until - 1000) continue;
      process.kill(pid, 'SIGKILL');
      kills++;
    }
  }
  await delay(500);
  const [pid] = pidsOf(engine.name, 'flight');
  const before = cpuSeconds(pid);
  await delay(2000);
  const load = (cpuSeconds(pid) - before) / 2;
  const bytes = memoryPss(pid);
  isOver = true;
  await fed;
  await engine.stop();
  return { recordPath, journalPath, status: engine.status(), kills, load, bytes };
}

export async function* run({ full }) {
  const seconds = full ? 3600 : 20;
  const folder = mkdtempSync(join(tmpdir(), 'tenuto-flight-'));
  try {
    const { recordPath, journalPath, status, kills, load, bytes } = await takeDown(folder, seconds);
    const output = join(folder, 'again.wav');
    const args = [cliFile, 'replay', journalPath, '-o', output, '--json'];
    const told = JSON.parse(execFileSync(process.execPath, args, { maxBuffer: 1 << 26 }));
    const isSame = sameFiles(recordPath, output);
    const { gaps, lostTicks } = status.flight;
    yield {
      what: `${told.seconds.toFixed(0)} s and a stream taken down, ${kills} SIGKILLs, replayed`,
      target: 'every sample equal',
      measured: `${isSame ? 'equal' : 'NOT equal'}, ${told.compared} quanta compared, ${
        told.firstDifference === null ? 'none' : 'some'
      } differ`,
      beside: `${gaps} gaps, ${lostTicks} ticks lost`,
      met: isSame && told.firstDifference === null && lostTicks === 0,
    };
    const journal = statSync(journalPath).size;
    const sound = statSync(recordPath).size;
    yield {
      what: 'size of the journal',
      target: 'printed',
      measured: `${(journal / told.seconds / 1000).toFixed(1)} kB/s`,
      beside: `${((100 * journal) / sound).toFixed(1)} % of its sound`,
    };
    yield {
      what: 'speed of the replay',
      target: 'printed',
      measured: `${told.speed.toFixed(0)} times real time`,
    };
    yield {
      what: 'flight recorder, with one stream',
      target: 'printed',
      measured: `${(load * 100).toFixed(1)} % of a core`,
      beside: `${(bytes / 2 ** 20).toFixed(0)} MiB`,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function sameFiles(a, b) {
  try {
    execFileSync('cmp', ['-s', a, b]);
    return true;
  } catch {
    return false;
  }
}
