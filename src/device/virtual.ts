import { TenutoError } from '../errors.js';
import { type Device, DeviceSignal } from './device.js';

/** What the virtual device needs of the world. */
export interface DeviceClock {
  nowNs(): number;
  sleepUntilNs(ns: number): void;
}

export interface VirtualOptions {
  rateHz: number;
  channels: number;
  quantum: number;
  /** How much faster than the monotonic clock it runs. */
  rateErrorPpm: number;
  /** Largest random lateness of its wake-ups, in microseconds. */
  jitterUs: number;
  faults: readonly { kind: 'vanish' | 'hang' | 'shortWrite'; atMs: number; forMs: number }[];
  /** Time base of the faults, monotonic nanoseconds. */
  epochNs: number;
}

/** Quanta that the device holds: the driver may be late by one without a gap. */
const bufferQuanta = 2;

/**
 * A device without hardware: it takes quanta at the pace of the monotonic clock, like a sound card
 * with a buffer of two, runs dry when the driver is late, and does harm by script. It discards what
 * it is given; what was played stands on the output ring.
 */
export class VirtualDevice implements Device {
  readonly name = 'virtual';
  readonly rateHz: number;
  readonly channels: number;
  readonly captureChannels = 0;
  readonly latencyFrames: number;
  private openedNs = 0;
  private startNs = 0;
  private periods = 0;
  private isOpen = false;
  private jitterState = 0x2545f491;
  private readonly periodNs: number;

  constructor(
    private readonly options: VirtualOptions,
    private readonly clock: DeviceClock,
  ) {
    this.rateHz = options.rateHz;
    this.channels = options.channels;
    this.latencyFrames = options.quantum * (bufferQuanta - 1);
    this.periodNs = (options.quantum * 1e9) / (options.rateHz * (1 + options.rateErrorPpm * 1e-6));
  }

  open(): void {
    const now = this.clock.nowNs();
    if (this.active('vanish', now, 0)) {
      throw new TenutoError('TENUTO_DEVICE_LOST', 'the virtual device is away, as scripted');
    }
    this.openedNs = now;
    this.startNs = now;
    this.periods = 0;
    this.isOpen = true;
  }

  wait(): DeviceSignal {
    const { clock, periodNs } = this;
    const dueNs = this.startNs + this.periods * periodNs;
    clock.sleepUntilNs(dueNs + this.jitterNs());
    const now = clock.nowNs();
    if (this.active('vanish', now, 0)) return DeviceSignal.lost;
    const hang = this.active('hang', now, this.openedNs);
    if (hang) clock.sleepUntilNs(this.options.epochNs + (hang.atMs + hang.forMs) * 1e6);
    this.periods++;
    if (now - dueNs <= periodNs * (bufferQuanta - 1)) return DeviceSignal.due;
    this.startNs = now;
    this.periods = 1;
    return DeviceSignal.xrun;
  }

  read(): void {}

  write(_samples: Float32Array): DeviceSignal {
    return this.isOpen ? DeviceSignal.due : DeviceSignal.lost;
  }

  close(): void {
    this.isOpen = false;
  }

  /** A scripted fault that is on now; one that hangs passes with the device that it befell. */
  private active(kind: string, now: number, openedNs: number) {
    const { faults, epochNs } = this.options;
    for (let i = 0; i < faults.length; i++) {
      const fault = faults[i]!;
      const fromNs = epochNs + fault.atMs * 1e6;
      if (fault.kind !== kind || now < fromNs || now >= fromNs + fault.forMs * 1e6) continue;
      if (openedNs <= fromNs) return fault;
    }
    return null;
  }

  private jitterNs(): number {
    if (this.options.jitterUs === 0) return 0;
    let x = this.jitterState;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.jitterState = x;
    return ((x >>> 0) / 2 ** 32) * this.options.jitterUs * 1000;
  }
}
