import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RunningEngine } from '../../dist/client/index.js';
import { identity, isAlive } from '../../dist/os/index.js';
import {
  expectOfflineEqual,
  launch,
  pidOf,
  processesOf,
  temporaryFile,
  testSettings,
  until,
  whole,
} from '../kit/engine.js';
import { replay } from '../kit/flight.js';

function flightPid(engine: RunningEngine): number {
  const line = processesOf(engine.name).find((one) => one.includes(' flight'));
  return Number(line?.split(' ')[0] ?? 0);
}

async function kill(pid: number): Promise<void> {
  const who = identity(pid);
  process.kill(pid, 'SIGKILL');
  await until('it is gone', () => who === null || !isAlive(who));
}

describe('a journal', () => {
  it('replays to what was recorded, whatever was killed meanwhile', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('out.wav');
    const journalPath = `${recordPath}.tj`;
    await using engine = await launch({ settings, recordPath, journalPath });
    await whole(engine);
    const noise = Float32Array.from({ length: 240_000 }, (_, i) => ((i * 7919) % 1009) / 4036);
    const stream = await engine.openStream({ rate: 48_000, channels: 2, format: 'f32' });
    const written = stream.write(noise);
    for (const victim of ['replica', 'flight', 'driver', 'control', 'flight', 'replica']) {
      await delay(150);
      const pid = await until(`there is a ${victim}`, () =>
        victim === 'flight' ? flightPid(engine) : pidOf(engine, victim),
      );
      await kill(pid);
      await until('it is replaced', () => flightPid(engine) > 0);
    }
    await written;
    await stream.close();
    await until('the flight recorder runs', () => engine.status().flight?.state === 'running');
    await engine.stop();
    const { flight } = engine.status();
    const output = `${recordPath}.again.wav`;
    const told = await replay(journalPath, '-o', output);
    expect(told).toMatchObject({ firstDifference: null, damages: [], hasEnd: true });
    // A machine that does not run it for two seconds may cost it its place, and it says so.
    expect(told.missingTicks).toBe(flight?.lostTicks);
    if (told.missingTicks > 0) return;
    expect(told.compared).toBe(told.quanta);
    expect(readFileSync(output).equals(readFileSync(recordPath))).toBe(true);
  });

  it('replays to the offline rendering', async () => {
    const settings = testSettings(['engine.quantumFrames=64', 'engine.leadQuanta=8']);
    const journalPath = await temporaryFile('run.tj');
    await using engine = await launch({ settings, journalPath, seconds: 2 });
    const { report } = await engine.ended;
    expect(report?.reason).toBe('stop-tick');
    const told = await replay(journalPath, '-o', `${journalPath}.wav`);
    expect(told).toMatchObject({ firstDifference: null, missingTicks: 0, quanta: 1500 });
    await expectOfflineEqual(`${journalPath}.wav`, settings, 96_000);
  });

  it('goes across the wrap of the tick', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('out.wav');
    const journalPath = `${recordPath}.tj`;
    const firstTick = 2 ** 31 - 200;
    await using engine = await launch({ settings, recordPath, journalPath, firstTick, seconds: 2 });
    await engine.ended;
    const told = await replay(journalPath, '-o', `${recordPath}.again.wav`);
    expect(told).toMatchObject({ firstDifference: null, missingTicks: 0, quanta: 750 });
    expect(readFileSync(`${recordPath}.again.wav`).equals(readFileSync(recordPath))).toBe(true);
  });
});
