import { describe, expect, it } from 'vitest';
import { TenutoError } from '../../dist/errors.js';
import { measureLatency, PersistentStream } from '../../dist/measure/index.js';
import type { Settings } from '../../dist/settings/index.js';
import { launchSilent } from '../kit/capture.js';
import { pidOf, testSettings, until, whole } from '../kit/engine.js';

/** An engine in a room whose only way is as long as this. */
function settingsOf(latencyFrames: number, more: object = {}): Settings {
  const room = { latencyFrames, spacingM: 0, gain: 0.005, noiseDb: -80, ...more };
  return testSettings(['device.capture=virtual', `device.virtual.room=${JSON.stringify(room)}`]);
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (failure) => failure,
  );
  expect(error).toBeInstanceOf(TenutoError);
  return (error as TenutoError).code;
}

/** A busy machine lets drivers take over, or signals come late: then it is measured once more. */
async function undisturbed<T>(measure: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await measure();
    } catch (error) {
      const { code } = error as TenutoError;
      const isDisturbed =
        code === 'TENUTO_CALIBRATION_STALE' || code === 'TENUTO_MEASURE_DISTURBED';
      if (!isDisturbed || tries === 10) throw error;
    }
  }
}

describe('the round trip', () => {
  it('is measured to a hundredth of a frame, over one opening of the device', async () => {
    for (const frames of [288.25, 4800.7]) {
      const messages: string[] = [];
      const settings = settingsOf(frames);
      await using stream = await PersistentStream.open({ settings }, (text) => messages.push(text));
      const latency = await undisturbed(() => measureLatency(stream, { runs: 10 }));
      expect(Math.abs(latency.frames - frames)).toBeLessThan(0.01);
      expect(latency.spreadFrames).toBeLessThan(0.01);
      expect(latency.confidence).toBeGreaterThan(0.999999);
      expect(latency.stream).toMatchObject({ device: 'virtual', rateHz: 48_000 });
      // One opening, and those of drivers that took over.
      const { deviceOpens: opens, takeovers } = (await stream.look()).counters;
      expect(opens).toBe(1 + takeovers);
      await stream.close();
      expect(messages[0]).toMatch(/^persistent audio stream created/);
      expect(messages.at(-1)).toMatch(new RegExp(`closed: \\d+ takes, ${opens} device openings$`));
    }
  });

  it('is right or refused with its reason, whatever is killed meanwhile', async () => {
    const frames = 700.25;
    const engine = await launchSilent(settingsOf(frames));
    await whole(engine);
    await using stream = await PersistentStream.open({ engine });
    for (const role of ['replica', 'control', 'driver'] as const) {
      let runs = 0;
      const measuring = measureLatency(stream, { runs: 12, maxMs: 100, onRun: () => runs++ });
      const outcome = measuring.then(
        (latency) => latency.frames,
        (error: TenutoError) => error,
      );
      await until('it measures', () => runs > 2);
      process.kill(pidOf(engine, role), 'SIGKILL');
      const found = await outcome;
      if (typeof found === 'number') expect(Math.abs(found - frames)).toBeLessThan(0.01);
      else expect(found).toMatchObject({ code: 'TENUTO_CALIBRATION_STALE' });
      if (role === 'driver') expect(found).toBeInstanceOf(TenutoError);
      await whole(engine);
    }
    // What follows is the next generation, and undisturbed.
    const latency = await undisturbed(() => measureLatency(stream, { runs: 5 }));
    expect(Math.abs(latency.frames - frames)).toBeLessThan(0.01);
    expect(latency.stream.generation).toBe(engine.status().generation);
    await engine.stop();
    expect(['TENUTO_ENGINE_FAILED', 'TENUTO_ENGINE_UNREACHABLE']).toContain(
      await codeOf(stream.playAndRecord(new Float32Array(100))),
    );
  });

  it('is refused where nothing comes back, too much, or not even noise', async () => {
    const cases = [
      [{ direct: 0, noiseDb: -200 }, 'TENUTO_MEASURE_SILENT'],
      [{ direct: 0, noiseDb: -60 }, 'TENUTO_MEASURE_NOTHING'],
      [{ gain: 1 }, 'TENUTO_MEASURE_CLIPPED'],
    ] as const;
    for (const [room, code] of cases) {
      await using stream = await PersistentStream.open({ settings: settingsOf(500, room) });
      expect(await codeOf(measureLatency(stream, { maxMs: 100 }))).toBe(code);
      expect(await codeOf(measureLatency(stream, { runs: 0 }))).toBe('TENUTO_MEASURE_PARAMETERS');
    }
    const deaf = testSettings();
    expect(await codeOf(PersistentStream.open({ settings: deaf }))).toBe('TENUTO_CAPTURE_OFF');
  });
});
