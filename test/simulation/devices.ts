import { type Device, DeviceSignal, deviceHealth, LostReason } from '../../src/device/device.js';
import type { Random } from './random.js';
import { Violation } from './violation.js';

/** What happens to devices, and what a listener hears of them all. */
export class DeviceWorld {
  /** Samples in the order in which they came out of loudspeakers. */
  readonly heard: number[] = [];
  /** Chance that an opening fails, or never answers. */
  failChance = 0.1;
  hangChance = 0.02;
  /** Counts how often all devices that play were lost at once. */
  losses = 0;

  constructor(readonly random: Random) {}

  /** @throws Violation when `committed` was not heard, but for the last samples, once and in order. */
  checkHeard(committed: readonly number[], lastSamples: number): void {
    const { heard } = this;
    for (let i = 0; i < heard.length; i++) {
      if (!Object.is(heard[i], committed[i])) throw new Violation(`sample ${i} was not heard`);
    }
    const missing = committed.length - heard.length;
    if (missing > lastSamples) throw new Violation(`the last ${missing} samples were not heard`);
  }

  lose(): void {
    this.losses++;
  }
}

/** A device that is due at the pace of the simulated clock and plays a few quanta late. */
export class SimulatedDevice implements Device {
  readonly name = 'simulated';
  readonly captureChannels = 0;
  readonly latencyFrames = 0;
  readonly health = new Float64Array(deviceHealth.places);
  private readonly queue: number[] = [];
  private readonly holds: number;
  private readonly losses: number;

  constructor(
    private readonly world: DeviceWorld,
    readonly rateHz: number,
    readonly channels: number,
    quantum: number,
  ) {
    this.losses = world.losses;
    this.holds = world.random.below(4) * quantum + world.random.below(quantum);
  }

  get unplayedFrames(): number {
    return this.queue.length;
  }

  open(): void {}

  wait(): DeviceSignal {
    if (this.isLost()) return DeviceSignal.lost;
    this.play(this.queue.length - this.holds);
    return this.world.random.chance(0.1) ? DeviceSignal.early : DeviceSignal.due;
  }

  read(into: Float32Array): void {
    into.fill(0.5);
  }

  write(samples: Float32Array): DeviceSignal {
    if (this.isLost()) return DeviceSignal.lost;
    this.queue.push(...samples);
    return DeviceSignal.due;
  }

  drain(): void {
    this.play(this.queue.length);
  }

  close(): void {}

  private isLost(): boolean {
    if (this.losses === this.world.losses) return false;
    this.health[deviceHealth.lostReason] = LostReason.gone;
    return true;
  }

  private play(frames: number): void {
    if (frames > 0) this.world.heard.push(...this.queue.splice(0, frames));
  }
}
