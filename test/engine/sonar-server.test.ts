import { describe, expect, it } from 'vitest';
import { PersistentStream, Sonar, type SonarReading } from '../../dist/measure/index.js';
import { launchOn } from '../kit/capture.js';
import { until } from '../kit/engine.js';
import { measuring } from '../kit/room.js';
import { serverOfFile } from '../kit/sound-server.js';

const server = serverOfFile({ name: 'hall' }, { name: 'side', rate: 44_100 });

describe('the sonar over a sound server', () => {
  it('refuses its calibration when the default device changes, and tells no number', async () => {
    await using engine = await launchOn('default', 'pipewire:hall.monitor');
    await using stream = await PersistentStream.open({ engine });
    const readings: SonarReading[] = [];
    const messages: string[] = [];
    const sonar = new Sonar(stream, measuring({ updateHz: 10, minM: 1 }), {
      onReading: (reading) => readings.push(reading),
      onMessage: (message) => messages.push(message),
    });
    await until('it is calibrated', async () => {
      const made = await sonar.calibrate().catch((error) => error);
      if (made.code !== undefined) {
        expect(made.code).toMatch(/^TENUTO_(MEASURE_DISTURBED|CALIBRATION_STALE)$/);
      }
      return made.code === undefined;
    });
    const { generation } = sonar.calibration!.stream;
    sonar.start();
    const device = () => engine.status().device.name;
    await server().setDefaultSink('side');
    await until('the other sink plays', () => device() === 'pipewire:side');
    await until('the calibration is refused', () => {
      return messages.some((one) =>
        /the calibration is refused: it is of the device pipewire:hall/.test(one),
      );
    });
    await until('nothing is heard of what it plays', () => readings.at(-1)?.failure != null);
    await server().setDefaultSink('hall');
    await until('the first sink plays', () => device() === 'pipewire:hall');
    const isBack = ({ failure, generation: over }: SonarReading) =>
      failure === null && (over ?? 0) > generation;
    await until('it ranges over the new generation', () => readings.some(isBack));
    await sonar.stop();
    // A cable gives back the direct sound only: whatever is told of a distance would be wrong.
    for (const { distanceM, failure } of readings) {
      expect(distanceM).toBeNull();
      if (failure !== null)
        expect(failure.code).toMatch(/^TENUTO_(CALIBRATION_STALE|MEASURE_|DEVICE_LOST)/);
    }
  });
});
