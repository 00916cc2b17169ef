import { expect, it } from 'vitest';
import type { Recorded, RunningEngine, SignalTrain } from '../../dist/client/index.js';
import { launchSilent, noise } from '../kit/capture.js';
import { pidOf, until, whole } from '../kit/engine.js';
import { roomSettings } from '../kit/room.js';

const quantum = 128;
/** No whole number of turns. */
const periodFrames = 4801;
const recordFrames = 6000;
const signal = noise(2400, 3, 0.25);
const options = { periodFrames, recordFrames };
/** Without noise of its own each recording is like the last one. */
const quiet = { noiseDb: -200, targets: [{ distanceM: 1 }] };
const settings = () => roomSettings(quiet, ['engine.leadQuanta=32', 'watchdog.driverQuanta=200']);

/** A train, and what it gave first; another one as long as a busy machine comes between. */
async function begin(
  engine: RunningEngine,
  count: number,
): Promise<{ train: SignalTrain; heard: Recorded[] }> {
  for (let tries = 1; ; tries++) {
    const train = await engine.playTrain(signal, options);
    const heard: Recorded[] = [];
    while (heard.length < count) {
      const recorded = await train.next();
      if (recorded === null) break;
      heard.push(recorded);
    }
    if (heard.length === count) return { train, heard };
    expect(train.trouble).not.toBeNull();
    expect(tries).toBeLessThan(10);
  }
}

/** Until a train has ended. */
async function exhaust(train: SignalTrain): Promise<void> {
  while ((await train.next()) !== null);
}

it('signals come a period apart to the frame, and recordings overlap', async () => {
  await using engine = await launchSilent(settings());
  await whole(engine);
  const { train, heard } = await begin(engine, 8);
  const [first] = heard;
  for (const [i, recorded] of heard.entries()) {
    expect(recorded.frames).toBe(recordFrames);
    expect(recorded.samples.length).toBe(recordFrames * recorded.channels);
    expect(recorded.clean).toBe(true);
    const turns = Math.floor((i * periodFrames) / quantum);
    expect(recorded.position).toBe(first!.position + turns);
    expect(recorded.tick).toBe(first!.tick + turns);
    expect(Math.max(...recorded.samples)).toBeGreaterThan(0.01);
    if (i < 2) continue;
    // The same sound to the frame: another start would make it another one altogether.
    const before = heard[i - 1]!.samples;
    const off = recorded.samples.map((sample, at) => Math.abs(sample - before[at]!));
    expect(Math.max(...off)).toBeLessThan(1e-5);
  }
  await train.stop();
  await train.stop();
  await exhaust(train);
  // What was not played is thrown away: the next call hears nothing of it.
  const { samples } = await engine.playAndRecord(new Float32Array(4800), { tailSec: 0.1 });
  expect(Math.max(...samples.subarray(samples.length / 2))).toBeLessThan(1e-3);
});

it('a train gives way to whoever plays over the same connection', async () => {
  await using engine = await launchSilent(settings());
  await whole(engine);
  const { train } = await begin(engine, 1);
  const recorded = await engine.playAndRecord(signal, { tailSec: 0.05 });
  expect(recorded.frames).toBe(4800);
  await exhaust(train);
  const { train: other } = await begin(engine, 1);
  const { train: third } = await begin(engine, 1);
  await exhaust(other);
  const wrong = [
    { periodFrames: 2399, recordFrames: 10 },
    { periodFrames: 2400.5, recordFrames: 10 },
    { periodFrames: 2400, recordFrames: 0 },
    { periodFrames: Number.NaN, recordFrames: 10 },
    { periodFrames: 2400, recordFrames: 1e9 },
  ];
  for (const one of wrong) {
    await expect(engine.playTrain(signal, one)).rejects.toMatchObject({
      code: 'TENUTO_CAPTURE_FORMAT',
    });
  }
  await third.stop();
});

it('a train tells when its engine ends', async () => {
  const engine = await launchSilent(settings());
  await whole(engine);
  const { train } = await begin(engine, 1);
  const ended = exhaust(train).then(
    () => train.trouble,
    (error) => error.code,
  );
  await engine.stop();
  expect(await ended).toMatch(/TENUTO_CAPTURE_CLOSED|concealed|starved|xrun/);
  await expect(engine.playTrain(signal, options)).rejects.toThrow();
});

it('a train ends when a driver dies, and recordings that nobody takes are counted', async () => {
  await using engine = await launchSilent(settings());
  await whole(engine);
  let { train } = await begin(engine, 1);
  await until('some were missed', async () => {
    if (train.trouble !== null) ({ train } = await begin(engine, 1));
    return train.missed > 2;
  });
  const { generation } = engine.status();
  process.kill(pidOf(engine, 'driver'), 'SIGKILL');
  await until('another driver plays', () => engine.status().generation > generation);
  await exhaust(train);
  expect(train.trouble).not.toBeNull();
  await whole(engine);
  const { heard } = await begin(engine, 1);
  expect(heard[0]!.generation).toBeGreaterThan(generation);
});
