import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { connectEngine } from '../../dist/client/index.js';
import { descriptorCount, threadCount } from '../../dist/os/index.js';
import {
  expectOfflineEqual,
  launch,
  leftOf,
  patchText,
  pidOf,
  processesOf,
  temporaryFile,
  testSettings,
  until,
  whole,
} from '../kit/engine.js';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

describe('the end of an engine', () => {
  it('is complete when the keeper is killed', async () => {
    const engine = await launch({ settings: testSettings() });
    await whole(engine);
    expect(processesOf(engine.name).length).toBe(engine.status().processes.length);
    process.kill(engine.keeperPid, 'SIGKILL');
    expect(await engine.ended).toEqual({ report: null });
    await until('nothing is left', () => leftOf(engine.name).length === 0, 5000);
  });

  it('comes in order when the program that started it is killed', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('record.wav');
    const patch = await temporaryFile('patch.yaml');
    await writeFile(patch, patchText);
    const { name } = settings.engine;
    const child = spawn(
      process.execPath,
      [cli, 'run', patch, '--name', name, '--device', 'virtual', '--record', recordPath],
      { stdio: 'ignore' },
    );
    await until('it answers', () => leftOf(name).includes('socket control'));
    await using connection = await connectEngine(name);
    await until('it played a while', async () => (await connection.status()).playedSec > 1);
    const { playedSec } = await connection.status();
    child.kill('SIGKILL');
    await until('nothing is left', () => leftOf(name).length === 0);
    // What was recorded before the fade began is whole.
    const frames = Math.floor(playedSec * settings.engine.rateHz);
    await expectOfflineEqual(recordPath, settings, frames, { whole: false });
  });

  it('leaves descriptors and threads as they were, cycle after cycle', async () => {
    const cycle = async () => {
      const engine = await launch({ settings: testSettings() });
      await engine.playing;
      const { report } = await engine.stop();
      expect(report?.forced).toBe(false);
      expect(report?.abandoned).toEqual([]);
    };
    await cycle();
    const before = [descriptorCount(process.pid), threadCount(process.pid)];
    for (let i = 0; i < 15; i++) await cycle();
    await until('descriptors are back', () => descriptorCount(process.pid) === before[0]);
    expect([descriptorCount(process.pid), threadCount(process.pid)]).toEqual(before);
  });

  it('is the same promise for every stop', async () => {
    const engine = await launch({ settings: testSettings() });
    await engine.playing;
    const [first, second] = await Promise.all([engine.stop(), engine.stop()]);
    expect(first.report).not.toBeNull();
    expect(second).toBe(first);
    expect(await engine.stop()).toBe(first);
  });

  it('comes also while it is still starting', async () => {
    const engine = await launch({ settings: testSettings() });
    const { report } = await engine.stop();
    expect(report).not.toBeNull();
    await expect(engine.playing).rejects.toMatchObject({ code: 'TENUTO_ENGINE_FAILED' });
  });

  it('is forced when it is asked for', async () => {
    const settings = testSettings(['shutdown.driverMs=60000']);
    const engine = await launch({ settings });
    await whole(engine);
    // Control cannot answer: without force it would be waited for.
    process.kill(pidOf(engine, 'control'), 'SIGSTOP');
    void engine.stop();
    engine.forceStop();
    const { report } = await engine.ended;
    expect(report?.forced).toBe(true);
  });

  it('comes by name, through control', async () => {
    const engine = await launch({ settings: testSettings() });
    await engine.playing;
    const connection = await connectEngine(engine.name);
    await connection.stop();
    connection.close();
    expect((await engine.ended).report?.reason).toBe('requested');
    await expect(connectEngine(engine.name)).rejects.toMatchObject({
      code: 'TENUTO_ENGINE_UNREACHABLE',
    });
  });

  it('comes to the frame when the seconds are no whole number of quanta', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('record.wav');
    const seconds = 1.23457;
    await using engine = await launch({ settings, recordPath, seconds });
    expect((await engine.ended).report?.reason).toBe('stop-tick');
    const frames = Math.round(seconds * settings.engine.rateHz);
    expect(frames % settings.engine.quantumFrames).not.toBe(0);
    await expectOfflineEqual(recordPath, settings, frames);
  });
});

describe('a second engine of the same name', () => {
  it('is refused and changes nothing', async () => {
    const settings = testSettings();
    await using engine = await launch({ settings });
    await whole(engine);
    const files = readdirSync('/proc/self/fd').length;
    await expect(launch({ settings })).rejects.toMatchObject({ code: 'TENUTO_ENGINE_EXISTS' });
    await until('descriptors are back', () => readdirSync('/proc/self/fd').length === files);
    expect(engine.status().state).toBe('running');
  });
});
