import { execFile, execFileSync } from 'node:child_process';
import { appendFileSync, createReadStream, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { RunningEngine } from '../../dist/client/index.js';
import { launch, processesOf, temporaryFile, testSettings, until, whole } from '../kit/engine.js';
import { replay } from '../kit/flight.js';

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const run = promisify(execFile);

describe('a full disk', () => {
  it('is waited for: the journal goes on where it was whole', async () => {
    const folder = join(dirname(await temporaryFile('disk')), 'small');
    mkdirSync(folder);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', folder]);
    try {
      const settings = testSettings();
      const journalPath = join(folder, 'run.tj');
      await using engine = await launch({ settings, journalPath });
      await whole(engine);
      await until('something is written', () => (engine.status().flight?.bytes ?? 0) > 0);
      fill(join(folder, 'filler'));
      await until('the disk is full', () => engine.status().flight?.trouble === 'ENOSPC');
      rmSync(join(folder, 'filler'));
      await until('it goes on', () => engine.status().flight?.trouble === null);
      await engine.stop();
      const { flight, counters } = engine.status();
      expect(flight?.state).toBe('finished');
      const told = await replay(journalPath);
      expect(told).toMatchObject({ firstDifference: null, damages: [], hasEnd: true });
      expect(told.missingTicks).toBe(flight?.lostTicks);
      expect(told.quanta + told.missingTicks).toBe(counters.quanta);
    } finally {
      execFileSync('umount', ['-l', folder]);
    }
  });
});

/** Whatever stands still, nothing that is played may be missing in the engine's own account. */
async function expectWhole(engine: RunningEngine, journal: string) {
  const { flight, counters } = engine.status();
  const { stdout } = await run(process.execPath, [program, 'replay', journal, '--json']);
  const told = JSON.parse(stdout);
  expect(told).toMatchObject({ firstDifference: null, damages: [], hasEnd: true });
  expect(told.missingTicks).toBe(flight?.lostTicks);
  expect(told.gaps.length).toBe(flight?.gaps);
  // A driver that is relieved right behind a commit has not counted it.
  const uncounted = told.quanta + told.missingTicks - counters.quanta;
  expect(uncounted).toBeGreaterThanOrEqual(0);
  expect(uncounted).toBeLessThanOrEqual(counters.takeovers);
  return told;
}

describe('a slow disk', () => {
  it('is waited for, and the engine waits for nothing', async () => {
    const settings = testSettings();
    const pipe = await temporaryFile('run.fifo');
    execFileSync('mkfifo', [pipe]);
    const journalPath = `${pipe}.tj`;
    await using engine = await launch({ settings, journalPath: pipe });
    // Who writes into a pipe waits, in the kernel, until it is read: as before a disk.
    const source = createReadStream(pipe, { highWaterMark: 1 << 16 });
    let isStill = false;
    const copy = (async () => {
      for await (const bytes of source) {
        appendFileSync(journalPath, bytes);
        await until('the disk goes on', () => !isStill);
      }
    })();
    await whole(engine);
    const stream = await engine.openStream({ rate: 48_000, channels: 2, format: 'f32' });
    // What cannot be made smaller on its way to the disk.
    let seed = 1;
    const noise = Float32Array.from({ length: 600_000 }, () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
      return seed / 2 ** 33;
    });
    const written = stream.write(noise);
    await until('something is written', () => source.bytesRead > 1 << 18);
    const { counters, playedSec } = engine.status();
    isStill = true;
    await until('the disk stood still', () => engine.status().playedSec > playedSec + 3);
    const after = engine.status();
    expect(after.state).toBe('running');
    expect(after.counters.quanta - counters.quanta).toBeGreaterThan(1000);
    isStill = false;
    await written;
    await stream.close();
    await engine.stop();
    await copy;
    const { missingTicks } = await expectWhole(engine, journalPath);
    expect(missingTicks).toBe(0);
  });

  it('that is too slow costs a gap, which is counted and told, and the journal goes on', async () => {
    // So that the engine's own journal goes round in less than three seconds.
    const short = ['engine.rateHz=96000', 'engine.quantumFrames=64', 'watchdog.serviceMs=60000'];
    const settings = testSettings(short);
    const journalPath = await temporaryFile('run.tj');
    await using engine = await launch({ settings, journalPath });
    await whole(engine);
    await until('something is written', () => (engine.status().flight?.bytes ?? 0) > 0);
    const pid = flightPid(engine);
    process.kill(pid, 'SIGSTOP');
    const { tick, counters } = engine.status();
    await until('the journal has gone round', () => engine.status().tick - tick > 4500);
    process.kill(pid, 'SIGCONT');
    await until('it goes on', () => (engine.status().flight?.gaps ?? 0) > 0);
    const { tick: later } = engine.status();
    await until('some more is taken down', () => engine.status().tick - later > 1000);
    await engine.stop();
    expect(engine.status().counters.quanta - counters.quanta).toBeGreaterThan(5000);
    const { gaps, missingTicks } = await expectWhole(engine, journalPath);
    expect(gaps.length).toBeGreaterThan(0);
    expect(missingTicks).toBeGreaterThan(0);
    const { stdout } = await run(process.execPath, [program, 'events', journalPath]);
    expect(stdout).toMatch(/the disk or this machine was too slow/);
  });

  it('whose recorder stands still in it gets another one, and nothing is missing', async () => {
    const settings = testSettings();
    const journalPath = await temporaryFile('run.tj');
    await using engine = await launch({ settings, journalPath });
    await whole(engine);
    await until('something is written', () => (engine.status().flight?.bytes ?? 0) > 0);
    const pid = flightPid(engine);
    process.kill(pid, 'SIGSTOP');
    await until('another one goes on', () => {
      const now = flightPid(engine);
      return now !== 0 && now !== pid && engine.status().flight?.state === 'running';
    });
    await engine.stop();
    await expectWhole(engine, journalPath);
  });
});

function flightPid(engine: RunningEngine): number {
  const line = processesOf(engine.name).find((one) => one.includes(' flight'));
  return Number(line?.split(' ')[0] ?? 0);
}

/** Writes until there is no room. */
function fill(path: string): void {
  for (let size = 1 << 18; size >= 512; size >>= 1) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // No room for so much: for less, perhaps.
    }
  }
}
