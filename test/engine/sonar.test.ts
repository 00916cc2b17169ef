import { describe, expect, it } from 'vitest';
import {
  calibrate,
  measureDistance,
  PersistentStream,
  Sonar,
  type SonarReading,
  soundSpeed,
} from '../../dist/measure/index.js';
import { measureSchema } from '../../dist/settings/index.js';
import { launchSilent } from '../kit/capture.js';
import { pidOf, until, whole } from '../kit/engine.js';
import { measuring, roomSettings } from '../kit/room.js';

const distanceM = 2.345;
const { speedMps: soundSpeedMps } = soundSpeed({ kind: 'air', temperatureC: 20 });
const targets = [{ distanceM }];
/** A busy machine takes nothing over. */
const patient = ['engine.leadQuanta=32', 'watchdog.driverQuanta=200'];

describe('a distance', () => {
  it('is measured over an engine that runs, and that goes on', async () => {
    const engine = await launchSilent(roomSettings({ soundSpeedMps, targets }));
    await whole(engine);
    const stream = await PersistentStream.open({ engine });
    const { echo, confidence, repeats } = await measureDistance(stream, measuring(), { runs: 3 });
    expect(Math.abs(echo!.distanceM - distanceM)).toBeLessThan(1e-4);
    expect(confidence).toBeGreaterThan(0.999);
    expect(repeats).toBeGreaterThanOrEqual(0);
    await stream.close();
    expect(engine.status().state).toBe('running');
    await engine.stop();
  });

  it("is told in true metres though the device's clock runs fast", async () => {
    const settings = roomSettings({ soundSpeedMps, targets }, ['device.virtual.rateErrorPpm=1000']);
    await using stream = await PersistentStream.open({ settings });
    const { echo, rateErrorPpm } = await measureDistance(stream, measuring());
    expect(rateErrorPpm).toBe(1000);
    expect(Math.abs(echo!.distanceM - distanceM)).toBeLessThan(1e-4);
  });

  it('is none where there is no echo', async () => {
    await using stream = await PersistentStream.open({ settings: roomSettings({}) });
    const { echo, madM } = await measureDistance(stream, measuring(), { runs: 3 });
    expect(echo).toBeNull();
    expect(madM).toBeNull();
  });

  it('by a calibration of another generation is refused', async () => {
    const engine = await launchSilent(roomSettings({ soundSpeedMps, targets }));
    await whole(engine);
    await using stream = await PersistentStream.open({ engine });
    const calibration = await calibrate(stream, measuring({ minM: 1 }));
    // The target was there when it was made, so there is nothing else now.
    const none = await measureDistance(stream, measuring({ minM: 1 }), { calibration });
    expect(none.echo).toBeNull();
    expect(none.removed).toBe('clutter');
    const { generation } = engine.status();
    process.kill(pidOf(engine, 'driver'), 'SIGKILL');
    await until('another driver plays', () => engine.status().generation > generation);
    await expect(measureDistance(stream, measuring(), { calibration })).rejects.toMatchObject({
      code: 'TENUTO_CALIBRATION_STALE',
      message: expect.stringMatching(/generation/),
    });
    await engine.stop();
  });
});

/** A driver that takes over on a busy machine opens the device once more; nobody else does. */
async function expectOpenedOnce(stream: PersistentStream): Promise<void> {
  const { deviceOpens, takeovers } = (await stream.look()).counters;
  expect(deviceOpens - takeovers).toBeLessThanOrEqual(1);
}

describe('the sonar', () => {
  it('never tells a wrong number, whatever is killed while it runs', async () => {
    const engine = await launchSilent(roomSettings({ soundSpeedMps, targets }));
    await whole(engine);
    await using stream = await PersistentStream.open({ engine });
    const readings: SonarReading[] = [];
    const messages: string[] = [];
    const sonar = new Sonar(stream, measuring({ updateHz: 10 }), {
      onReading: (reading) => readings.push(reading),
      onMessage: (message) => messages.push(message),
    });
    const good = () => readings.filter(({ distanceM: found }) => found !== null).length;
    sonar.start();
    for (const role of ['replica', 'driver', 'control', 'driver'] as const) {
      const before = good();
      await until('it ranges', () => good() > before + 3);
      process.kill(pidOf(engine, role), 'SIGKILL');
      await whole(engine);
    }
    const before = good();
    await until('it ranges again', () => good() > before + 3);
    await sonar.stop();
    for (const { distanceM: found, failure } of readings) {
      if (found !== null) expect(Math.abs(found - distanceM)).toBeLessThan(1e-4);
      else expect(failure?.code).toMatch(/^TENUTO_(CALIBRATION_STALE|MEASURE_)/);
    }
    expect(messages.at(-1)).toBe('sonar stopped: stopped');
    expect(new Set(readings.map(({ generation }) => generation)).size).toBeGreaterThan(2);
    await engine.stop();
  });

  it.each([
    ['that goes away and comes back', { kind: 'vanish', atMs: 9000, forMs: 700 }],
    ['that hangs', { kind: 'hang', atMs: 9000, forMs: 60_000 }],
  ])('over a device %s refuses its calibration and tells no wrong number', async (_, fault) => {
    const faults = `device.virtual.faults=${JSON.stringify([fault])}`;
    const settings = roomSettings({ soundSpeedMps, targets }, [faults, ...patient]);
    const messages: string[] = [];
    const tell = (message: string) => void messages.push(message);
    await using stream = await PersistentStream.open({ settings }, tell);
    const readings: SonarReading[] = [];
    const sonar = new Sonar(stream, measuring({ updateHz: 10, minM: 1 }), {
      onReading: (reading) => readings.push(reading),
      onMessage: tell,
    });
    await sonar.calibrate();
    const { generation } = sonar.calibration!.stream;
    sonar.start();
    await until('it ranges by its calibration, or the device has gone', () => {
      return readings.some(({ removed }) => removed === 'clutter') || sonar.calibration === null;
    });
    await until('the calibration is refused', () => {
      return messages.some((one) => /the calibration is refused: it is of generation/.test(one));
    });
    await until('it is forgotten', () => sonar.calibration === null);
    await until('it ranges over the next generation', () => readings.at(-1)?.distanceM != null);
    await sonar.stop();
    for (const { distanceM: found, removed, generation: over, failure } of readings) {
      // What was there when it was calibrated is no echo, until the calibration is refused.
      if (removed === 'clutter') expect([found, over]).toEqual([null, generation]);
      else if (removed === 'direct') expect(Math.abs(found! - distanceM)).toBeLessThan(1e-4);
      else expect(failure?.code).toMatch(/^TENUTO_(CALIBRATION_STALE|MEASURE_|DEVICE_LOST)/);
      if (removed === 'direct') expect(over).toBeGreaterThan(generation);
    }
  });

  it('begins again when it is started while it stops', async () => {
    await using stream = await PersistentStream.open({
      settings: roomSettings({ soundSpeedMps, targets }),
    });
    const readings: SonarReading[] = [];
    const reasons: string[] = [];
    const sonar = new Sonar(stream, measuring({ updateHz: 20 }), {
      onReading: (reading) => readings.push(reading),
      onEnd: (reason) => reasons.push(reason),
    });
    sonar.start();
    await until('it ranges', () => readings.length > 2);
    const stopped = sonar.stop('once');
    sonar.start();
    await stopped;
    expect(reasons).toEqual(['once']);
    const before = readings.length;
    await until('it ranges again', () => readings.length > before + 2);
    await sonar.stop();
    expect(sonar.isRunning).toBe(false);
    expect(reasons).toEqual(['once', 'stopped']);
  });

  it('takes other parameters while it runs, and exports what it measured', async () => {
    const settings = roomSettings({ soundSpeedMps, targets });
    await using stream = await PersistentStream.open({ settings });
    const readings: SonarReading[] = [];
    const sonar = new Sonar(stream, measuring({ updateHz: 20, history: 5 }), {
      onReading: (reading) => readings.push(reading),
    });
    sonar.start();
    await until('it ranges', () => readings.length > 3);
    expect(() => sonar.set({ endHz: 1e6 })).toThrow(/endHz/);
    expect(() => sonar.set({ maxM: 0.05 })).toThrow(/minM/);
    expect(() => sonar.set({ maxM: 17 })).toThrow(/updateHz: 20 .* 17 m .* at most 9\.8 a second/);
    expect(() => sonar.set({ durationMs: 60 })).toThrow(/at most 16\.6 a second/);
    expect(() => new Sonar(stream, measuring({ updateHz: 11, maxM: 17 }))).toThrow(/at most 9\.8/);
    sonar.set({ maxM: 1 });
    await until('it finds nothing so near', () => readings.at(-1)?.distanceM === null);
    sonar.set({ maxM: 4, kind: 'exponential', smoothing: 'kalman' });
    await until('it finds it again', () => readings.at(-1)?.distanceM !== null);
    const latency = await sonar.measureLatency(3);
    expect(latency.frames).toBeGreaterThan(480);
    const { clutter } = await sonar.calibrate();
    expect(clutter?.takes).toBe(8);
    await until('it is taken away', () => readings.at(-1)?.removed === 'clutter');
    await sonar.stop();
    expect(sonar.history.length).toBeLessThanOrEqual(5);
    const csv = sonar.toCsv().trim().split('\n');
    expect(csv[0]).toMatch(/^count,timeMs,distanceM/);
    expect(csv.length).toBe(sonar.history.length + 1);
    expect(sonar.sounds().length).toBeGreaterThan(1000);
    const { count } = sonar;
    sonar.start();
    await until('it was started again', () => sonar.count > count);
    await sonar.stop();
    sonar.clear();
    expect(sonar.history).toEqual([]);
    await expectOpenedOnce(stream);
  });

  it('ranges ten times a second as far as 10 m with a chirp of 50 ms, to the frame', async () => {
    const far = { soundSpeedMps, targets: [{ distanceM: 9.5 }], noiseDb: -80 };
    const settings = roomSettings(far, patient);
    await using stream = await PersistentStream.open({ settings });
    const readings: SonarReading[] = [];
    const sonar = new Sonar(stream, measureSchema.parse({ maxM: 10, updateHz: 10 }), {
      onReading: (reading) => readings.push(reading),
    });
    expect(sonar.rateMaxHz).toBeGreaterThan(10);
    sonar.start();
    await until('it has ranged often', () => readings.length >= 20);
    await sonar.stop();
    const found = readings.filter(({ failure }) => failure === null);
    expect(found.length).toBeGreaterThan(10);
    for (const one of found) expect(Math.abs(one.distanceM! - 9.5)).toBeLessThan(1e-4);
    await expectOpenedOnce(stream);
  });

  it('ends with its reason when its engine ends', async () => {
    const engine = await launchSilent(roomSettings({ soundSpeedMps, targets }));
    await using stream = await PersistentStream.open({ engine });
    let reason = '';
    const readings: SonarReading[] = [];
    const sonar = new Sonar(stream, measuring({ updateHz: 10 }), {
      onReading: (reading) => readings.push(reading),
      onEnd: (text) => {
        reason = text;
      },
    });
    sonar.start();
    await until('it ranges', () => readings.length > 2);
    await engine.stop();
    await until('the sonar has ended', () => reason !== '');
    expect(reason).toMatch(/ended|answers/);
  });
});
