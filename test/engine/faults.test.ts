import { describe, expect, it } from 'vitest';
import { connectEngine } from '../../dist/client/index.js';
import {
  expectOfflineEqual,
  launch,
  pidOf,
  temporaryFile,
  testSettings,
  until,
  whole,
} from '../kit/engine.js';

const seconds = 5;

describe('an engine', () => {
  it('stops the stream, and goes on with it, when both replicas die at once', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('record.wav');
    await using engine = await launch({ settings, recordPath, seconds });
    await whole(engine);
    for (const slot of [0, 1]) process.kill(pidOf(engine, 'replica', slot), 'SIGKILL');
    await until('both came back', () => engine.status().counters.restartsReplica >= 2);
    const { report } = await engine.ended;
    expect(report?.reason).toBe('stop-tick');
    await expectOfflineEqual(recordPath, settings, seconds * settings.engine.rateHz);
  });

  it('replaces a primary that was stopped for good, and reads the other one meanwhile', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('record.wav');
    await using engine = await launch({ settings, recordPath, seconds });
    await whole(engine);
    const primary = engine.status().processes.find((one) => one.primary);
    process.kill(primary?.pid ?? 0, 'SIGSTOP');
    await until('it was replaced', () => {
      const now = engine.status().processes.find((one) => one.slot === primary?.slot);
      return now?.state === 'running' && now.pid !== primary?.pid;
    });
    expect(engine.status().counters.failovers).toBeGreaterThan(0);
    expect(engine.status().counters.hungReplica).toBeGreaterThan(0);
    await engine.ended;
    await expectOfflineEqual(recordPath, settings, seconds * settings.engine.rateHz);
  });

  it('answers again when its control process was killed', async () => {
    const settings = testSettings();
    await using engine = await launch({ settings });
    await whole(engine);
    await using connection = await connectEngine(engine.name);
    expect((await connection.status()).state).toBe('running');
    const before = pidOf(engine, 'control');
    process.kill(before, 'SIGKILL');
    const status = await connection.status();
    expect(status.processes.find(({ role }) => role === 'control')?.pid).not.toBe(before);
    expect(status.counters.restartsControl).toBe(1);
  });

  it('gives up a replica that cannot be kept alive, says so, and plays on', async () => {
    const settings = testSettings(['restart.perMinute=3']);
    await using engine = await launch({ settings });
    await whole(engine);
    let victim = 0;
    await until('it was given up', () => {
      const { processes } = engine.status();
      const next = processes.find((one) => one.slot === 0 && one.state === 'running');
      if (next && next.pid !== victim) {
        victim = next.pid;
        process.kill(victim, 'SIGKILL');
      }
      return processes.some(({ role, state }) => role === 'replica' && state === 'gave-up');
    });
    expect(engine.status().state).toBe('degraded');
    const { quanta } = engine.status().counters;
    await until('it plays on', () => engine.status().counters.quanta > quanta + 50);
  });
});
