import { TenutoError } from '../errors.js';
import { monotonicNs, PcmState, pcmReport, readClock, sleepUntil } from '../os/index.js';
import { Capture } from './alsa/capture.js';
import { pcmNameOf, streamProperties } from './alsa/names.js';
import { type Device, DeviceSignal, deviceHealth } from './device.js';
import { Pace, paceAt } from './pace.js';

export interface ListeningOptions {
  /** Of the device that is listened to: `alsa:NAME` or `pipewire:NODE`. */
  captureName: string;
  rateHz: number;
  channels: number;
  captureChannels: number;
  quantum: number;
  stallMs: number;
}

/** Room in the device's buffer: what is not fetched in time is lost there. */
const roomFrames = 8192;
/** How long a device may take until it was heard. */
const startMs = 2000;
const startLookNs = 250_000;
/** A time stamp older than this is of something else, or of another clock. */
const stampAgeMaxNs = 100e6;

/**
 * Listens to a device of ALSA and plays nowhere: the virtual device's output, paced by the clock of
 * what is heard, so that nothing of it is ever missing or too much. When the device is lost, time
 * goes on by this machine's clock, and what is captured is silence.
 */
export class ListeningDevice implements Device {
  readonly name = 'virtual';
  readonly rateHz: number;
  readonly channels: number;
  readonly captureChannels: number;
  readonly latencyFrames = 0;
  readonly unplayedFrames = 0;
  readonly health = new Float64Array(deviceHealth.places);
  /** When to wake up. */
  private readonly wake = new Float64Array(1);
  private readonly quantumNs: number;
  private capture: Capture | null = null;
  private pace: Pace;
  /** Frames that are to wait when a turn begins, its own with them. */
  private targetFrames = 0;
  /** Nothing is heard any more: the device is gone, or its clock stands still. */
  private isDeaf = false;
  /** It cannot be started again. */
  private hasFailed = false;

  constructor(private readonly options: ListeningOptions) {
    const { rateHz, quantum } = options;
    this.rateHz = rateHz;
    this.channels = options.channels;
    this.captureChannels = options.captureChannels;
    this.quantumNs = (quantum * 1e9) / rateHz;
    this.pace = new Pace({ rateHz, quantum });
  }

  open(): void {
    this.close();
    const { captureName: name, captureChannels: channels, quantum, rateHz, stallMs } = this.options;
    const found = pcmNameOf(name);
    const before = process.env.PIPEWIRE_ALSA;
    // PipeWire's plugin takes properties from the environment.
    process.env.PIPEWIRE_ALSA = streamProperties(before, found);
    try {
      const wish = {
        name,
        quantum,
        periodFrames: quantum,
        bufferFrames: roomFrames,
        wakeFrames: quantum,
      };
      // It sets the pace: what waits is fetched, however late.
      const more = { rateHz, channels, acceptRate: false, stallMs, overfullFrames: roomFrames };
      this.capture = Capture.open(found.pcm, { ...wish, ...more });
    } finally {
      if (before === undefined) delete process.env.PIPEWIRE_ALSA;
      else process.env.PIPEWIRE_ALSA = before;
    }
    try {
      this.start(this.capture, name);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private start(capture: Capture, name: string): void {
    const { options, health, wake } = this;
    const deadlineNs = monotonicNs() + startMs * 1e6;
    let waiting = capture.restart(false);
    while (!capture.isReady(waiting)) {
      if (waiting < 0 || monotonicNs() > deadlineNs) {
        throw new TenutoError('TENUTO_DEVICE_LOST', `${name} does not start: nothing was heard`);
      }
      wake[0] = monotonicNs() + startLookNs;
      sleepUntil(wake, 0);
      waiting = capture.observe();
      if (waiting >= 0) capture.noteStep(waiting);
    }
    // What waits goes up and down by a step around what the loop follows.
    this.targetFrames = capture.startFrames + options.quantum;
    this.isDeaf = false;
    this.hasFailed = false;
    health.fill(0);
    health[deviceHealth.deviceRateHz] = this.rateHz;
    this.begin(capture);
  }

  /** Begins to follow the device where it is now. */
  private begin(capture: Capture): void {
    const { pace } = this;
    readClock(pace.times, paceAt.now);
    this.locate(capture);
    pace.begin();
  }

  /** Frames that were heard, and when, into the pace: by the device's own account. */
  private locate(capture: Capture): void {
    const { pace } = this;
    const { report, fetched } = capture;
    const stampNs = report.timeNs[0]!;
    const ageNs = pace.times[paceAt.now]! - stampNs;
    if (ageNs > 0 && ageNs < stampAgeMaxNs) pace.times[paceAt.now] = stampNs;
    pace.times[paceAt.observed] = fetched[0]! + report.words[pcmReport.availFrames]!;
  }

  wait(): DeviceSignal {
    const { capture, pace, options, quantumNs } = this;
    if (capture === null) return this.turnByClock();
    if (this.isDeaf) {
      if (!this.hasFailed) this.tryToHear(capture);
      return this.turnByClock();
    }
    pace.times[paceAt.wanted] = capture.fetched[0]! + this.targetFrames;
    pace.foresee();
    readClock(pace.times, paceAt.now);
    if (pace.times[paceAt.due]! - pace.times[paceAt.now]! > 1.5 * quantumNs) return this.pause(1);
    sleepUntil(pace.times, paceAt.due);
    const waiting = capture.observe();
    readClock(pace.times, paceAt.now);
    const lateNs = pace.times[paceAt.now]! - pace.times[paceAt.due]!;
    if (waiting < 0) {
      // It overran, or is gone: to read starts it again, or finds that out.
      this.wake[0] = pace.times[paceAt.now]!;
      return this.turnByClock();
    }
    this.health[deviceHealth.captureFillFrames] = waiting;
    if (waiting < options.quantum) {
      if (lateNs < options.stallMs * 1e6) return this.pause(0.25);
      this.goDeaf();
      return DeviceSignal.due;
    }
    this.locate(capture);
    pace.observe();
    pace.report(this.health);
    return DeviceSignal.due;
  }

  /** Sleeps for so many quanta: the device has nothing yet. */
  private pause(quanta: number): DeviceSignal {
    const { pace, wake } = this;
    wake[0] = pace.times[paceAt.now]! + quanta * this.quantumNs;
    sleepUntil(wake, 0);
    return DeviceSignal.early;
  }

  /** A turn whose time is this machine's. */
  private turnByClock(): DeviceSignal {
    const { wake } = this;
    wake[0]! += this.quantumNs;
    sleepUntil(wake, 0);
    return DeviceSignal.due;
  }

  /** Hears again when the device does after all. */
  private tryToHear(capture: Capture): void {
    const waiting = capture.observe();
    if (waiting < 0) this.hasFailed = true;
    if (waiting < capture.startFrames) return;
    this.isDeaf = false;
    this.health[deviceHealth.captureLost] = 0;
    this.begin(capture);
  }

  private goDeaf(): void {
    this.isDeaf = true;
    this.health[deviceHealth.captureLost] = 1;
    readClock(this.wake, 0);
  }

  read(into: Float32Array): void {
    const { capture, health } = this;
    if (capture === null || this.isDeaf) {
      into.fill(0);
      return;
    }
    const overran = capture.report.words[pcmReport.state] !== PcmState.running;
    capture.take(into);
    health[deviceHealth.captureDropFrames] = capture.droppedFrames;
    if (capture.isLost) this.goDeaf();
    else if (overran && capture.observe() >= 0) this.begin(capture);
  }

  /** What is played is heard by nobody. */
  write(): DeviceSignal {
    return DeviceSignal.due;
  }

  drain(): void {}

  close(): void {
    this.capture?.close();
    this.capture = null;
  }
}
