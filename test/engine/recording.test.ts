import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  expectOfflineEqual,
  launch,
  pidOf,
  temporaryFile,
  testSettings,
  until,
  whole,
} from '../kit/engine.js';

const frameBytes = 8;

describe('a recording that finds no more room', () => {
  it('ends as a valid file; the sound goes on and the status says so', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('record.wav');
    await using engine = await launch({ settings, recordPath });
    await whole(engine);
    await until('something is recorded', () => (engine.status().recordings[0]?.frames ?? 0) > 0);
    const limit = statSync(recordPath).size + 100_003;
    // A limit of the size of files does what a full disk does, and needs no disk.
    const recorder = String(pidOf(engine, 'service'));
    execFileSync('prlimit', ['--pid', recorder, `--fsize=${limit}`]);
    await until('the recording failed', () => engine.status().recordings[0]?.state === 'failed');
    expect(engine.status().state).toBe('degraded');
    const { quanta } = engine.status().counters;
    await until('the sound goes on', () => engine.status().counters.quanta > quanta + 50);
    const { report } = await engine.stop();
    expect(report?.forced).toBe(false);
    const { size } = statSync(recordPath);
    expect(size).toBeLessThanOrEqual(limit);
    expect(limit - size).toBeLessThan(frameBytes);
    const frames = Math.floor(size / frameBytes) - 20;
    await expectOfflineEqual(recordPath, settings, frames, { whole: false });
  });

  it('says so when not even the file can be begun', async () => {
    await using engine = await launch({ settings: testSettings(), recordPath: '/dev/full' });
    await engine.playing;
    await until('the recording failed', () => engine.status().recordings[0]?.state === 'failed');
    await until('it is said', () => engine.status().state === 'degraded');
    const { quanta } = engine.status().counters;
    await until('the sound goes on', () => engine.status().counters.quanta > quanta + 50);
  });
});
