import { TenutoError } from '../errors.js';
import { type Device, DeviceSignal, deviceHealth, LostReason } from './device.js';
import { LoopCable } from './loop-cable.js';
import type { RoomOptions } from './room/paths.js';
import { AcousticRoom, type LoopBack } from './room/room.js';

/** What the virtual device needs of the world. */
export interface DeviceClock {
  /** Writes the monotonic time, in nanoseconds, into a place of `times`. */
  read(times: Float64Array, index: number): void;
  /** Sleeps until the time in a place of `times`. */
  sleepUntil(times: Float64Array, index: number): void;
}

export interface VirtualOptions {
  rateHz: number;
  channels: number;
  /** Channels that it captures; 0 for a device that only plays. */
  captureChannels: number;
  quantum: number;
  /** Quanta that it takes at once when it was opened, three at most: then it begins to play. */
  preloadQuanta: number;
  /** What is captured was given so many frames earlier: a quantum or more; 0 captures silence. */
  loopbackFrames: number;
  /** The room in which it hears what it plays; null for none. It goes before the cable. */
  room: RoomOptions | null;
  /** How much faster than the monotonic clock it runs. */
  rateErrorPpm: number;
  /** Largest random lateness of its wake-ups, in microseconds. */
  jitterUs: number;
  faults: readonly { kind: 'vanish' | 'hang' | 'shortWrite'; atMs: number; forMs: number }[];
  /** Time base of the faults, monotonic nanoseconds. */
  epochNs: number;
}

/** Places in the array of times. */
const at = { now: 0, opened: 1, start: 2, due: 3, wake: 4, unplayed: 5, places: 6 } as const;

/**
 * Quanta that the device holds: the driver may be late by three without a gap. Timers of virtual
 * machines were seen to be late by 4 ms, and each time that the buffer runs dry shifts its clock.
 */
const bufferQuanta = 4;
export const heldQuanta = bufferQuanta - 1;

function loopBackOf(options: VirtualOptions): LoopBack | null {
  if (options.captureChannels === 0) return null;
  if (options.room !== null) return new AcousticRoom(options.room, options);
  return options.loopbackFrames > 0 ? new LoopCable(options) : null;
}

/**
 * A device without hardware: it takes quanta at the pace of the monotonic clock, like a sound card
 * with a buffer of four, runs dry when the driver is late, and does harm by script. It discards what
 * it is given; what was played stands on the output ring. It hears nothing, or by a cable or in a room
 * what it plays.
 */
export class VirtualDevice implements Device {
  readonly name = 'virtual';
  readonly rateHz: number;
  readonly channels: number;
  readonly captureChannels: number;
  readonly latencyFrames: number;
  /** Times are kept in an array, since a number that is passed on by itself would be allocated. */
  private readonly times = new Float64Array(at.places);
  readonly health = new Float64Array(deviceHealth.places);
  /** Frames taken since the device was made, and since it was opened or ran dry. */
  framesTaken = 0;
  private framesHeld = 0;
  private periods = 0;
  private isOpen = false;
  private jitterState = 0x2545f491;
  private readonly periodNs: number;
  private readonly cable: LoopBack | null;

  constructor(
    private readonly options: VirtualOptions,
    private readonly clock: DeviceClock,
  ) {
    this.rateHz = options.rateHz;
    this.channels = options.channels;
    this.captureChannels = options.captureChannels;
    this.cable = loopBackOf(options);
    this.latencyFrames = options.quantum * heldQuanta;
    this.periodNs = (options.quantum * 1e9) / (options.rateHz * (1 + options.rateErrorPpm * 1e-6));
  }

  open(): void {
    const { clock, times } = this;
    clock.read(times, at.now);
    if (this.findFault('vanish')) {
      throw new TenutoError('TENUTO_DEVICE_LOST', 'the virtual device is away, as scripted');
    }
    times[at.opened] = times[at.now]!;
    times[at.start] = times[at.now]!;
    this.periods = 0;
    this.framesHeld = 0;
    times[at.unplayed] = 0;
    this.cable?.clear();
    this.health[deviceHealth.rateErrorPpm] = this.options.rateErrorPpm;
    this.health[deviceHealth.deviceRateHz] = this.rateHz;
    this.health[deviceHealth.lostReason] = LostReason.none;
    this.isOpen = true;
  }

  get unplayedFrames(): number {
    return Math.round(this.times[at.unplayed]!);
  }

  wait(): DeviceSignal {
    const { clock, periodNs, times } = this;
    const played = Math.max(0, this.periods - this.options.preloadQuanta);
    if (played === 0) clock.read(times, at.start);
    times[at.due] = times[at.start]! + played * periodNs;
    times[at.wake] = times[at.due]! + this.jitterNs();
    clock.sleepUntil(times, at.wake);
    clock.read(times, at.now);
    if (this.options.faults.length > 0 && this.suffer()) return this.lose();
    this.periods++;
    this.cable?.advance();
    const lateNs = times[at.now]! - times[at.due]!;
    const isDry = lateNs > periodNs * heldQuanta;
    const lateFrames = isDry ? this.latencyFrames : (lateNs / periodNs) * this.options.quantum;
    times[at.unplayed] = Math.min(this.framesHeld, this.latencyFrames - lateFrames);
    this.health[deviceHealth.fillFrames] = times[at.unplayed]!;
    this.health[deviceHealth.latencyFrames] = this.latencyFrames;
    if (!isDry) return DeviceSignal.due;
    times[at.start] = times[at.now]!;
    this.periods = this.options.preloadQuanta + 1;
    this.framesHeld = 0;
    return DeviceSignal.xrun;
  }

  private lose(): DeviceSignal {
    this.health[deviceHealth.lostReason] = LostReason.gone;
    return DeviceSignal.lost;
  }

  /** Lives through the script; true when the device is away. */
  private suffer(): boolean {
    const { clock, times, options } = this;
    if (this.findFault('vanish')) return true;
    const hang = this.findFault('hang');
    if (hang) {
      times[at.wake] = options.epochNs + (hang.atMs + hang.forMs) * 1e6;
      clock.sleepUntil(times, at.wake);
    }
    return false;
  }

  read(into: Float32Array): void {
    if (this.cable === null) into.fill(0);
    else {
      this.cable.hear(into);
      this.health[deviceHealth.captureDropFrames] = this.cable.dropFrames;
    }
  }

  write(samples: Float32Array): DeviceSignal {
    if (!this.isOpen) return DeviceSignal.lost;
    const frames = samples.length / this.channels;
    let written = 0;
    while (written < frames) written += this.accept(frames - written);
    this.times[at.unplayed]! += frames;
    this.cable?.give(samples);
    return DeviceSignal.due;
  }

  /** Takes frames like a device does: perhaps fewer than it is offered. */
  private accept(frames: number): number {
    const short = this.options.faults.length > 0 && this.findFault('shortWrite') !== undefined;
    const taken = short ? Math.ceil(frames / 2) : frames;
    this.framesTaken += taken;
    this.framesHeld += taken;
    return taken;
  }

  drain(timeoutMs: number): void {
    const { clock, times } = this;
    if (!this.isOpen) return;
    clock.read(times, at.now);
    const playedNs = (times[at.unplayed]! / this.options.quantum) * this.periodNs;
    times[at.wake] = times[at.now]! + Math.min(timeoutMs * 1e6, playedNs);
    clock.sleepUntil(times, at.wake);
    times[at.unplayed] = 0;
  }

  close(): void {
    this.isOpen = false;
  }

  /** A fault that is on now. One that hangs befell the device that was open when it began. */
  private findFault(kind: 'vanish' | 'hang' | 'shortWrite') {
    const { times, options } = this;
    return options.faults.find((fault) => {
      const fromNs = options.epochNs + fault.atMs * 1e6;
      const on = times[at.now]! >= fromNs && times[at.now]! < fromNs + fault.forMs * 1e6;
      return on && fault.kind === kind && (kind !== 'hang' || times[at.opened]! <= fromNs);
    });
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
