import { type Device, DeviceSignal, deviceHealth } from './device.js';

/**
 * A device without a clock: it is always due and hands every quantum to `take`. With it the engine
 * renders as fast as the machine can.
 */
export class OfflineDevice implements Device {
  readonly name = 'offline';
  readonly captureChannels = 0;
  readonly latencyFrames = 0;
  readonly unplayedFrames = 0;
  readonly health = new Float64Array(deviceHealth.places);
  readonly rateHz: number;
  readonly channels: number;

  constructor(
    format: { rateHz: number; channels: number },
    private readonly take: (samples: Float32Array) => void,
  ) {
    this.rateHz = format.rateHz;
    this.channels = format.channels;
  }

  open(): void {}

  wait(): DeviceSignal {
    return DeviceSignal.due;
  }

  read(into: Float32Array): void {
    into.fill(0);
  }

  write(samples: Float32Array): DeviceSignal {
    this.take(samples);
    return DeviceSignal.due;
  }

  drain(): void {}

  close(): void {}
}
