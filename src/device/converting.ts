import { Converter, type Quality } from '../pcm/index.js';
import { type Device, DeviceSignal, deviceHealth } from './device.js';

/** What a converting device needs to know. */
export interface ConvertingOptions {
  /** The rate of what is written and read. */
  rateHz: number;
  /** Frames of each turn at that rate. */
  quantum: number;
  quality: Quality;
  /** Writes the monotonic time, in nanoseconds, into a place of `times`. */
  readClock: (times: Float64Array, index: number) => void;
}

/** Places in the array of times. */
const at = { began: 0, ended: 1, places: 2 } as const;

/** Places in the array of counts: frames that were written here, and that the device was given. */
const count = { written: 0, given: 1, places: 2 } as const;

/** Turns of a device that wants none of the engine's are bounded: it has a deadline of its own. */
const turnsMax = 64;

/**
 * A device at another rate than the engine's: what is written is converted on its way out, what is
 * captured on its way in. A turn is asked for when the device wants a block and there is none left,
 * so the engine's turns come as evenly as the device's blocks allow, and over time in the exact
 * ratio of the two rates. All memory is taken when it is made.
 */
export class ConvertingDevice implements Device {
  readonly name: string;
  readonly rateHz: number;
  readonly channels: number;
  readonly captureChannels: number;
  readonly health = new Float64Array(deviceHealth.places);
  private readonly outward: Converter;
  private readonly inward: Converter | null;
  private readonly block: Float32Array;
  private readonly heard: Float32Array;
  private readonly ratio: number;
  private readonly times = new Float64Array(at.places);
  private readonly counts = new Float64Array(count.places);
  /** The device waits for a block. */
  private isBlockDue = false;
  /** Something was written in this turn. */
  private wasGiven = false;
  /** Enough was captured that from now on each turn finds a quantum. */
  private hears = false;

  /**
   * @param device open, at its own rate.
   * @param blockFrames frames that each turn of the device gives and takes.
   */
  constructor(
    private readonly device: Device,
    private readonly options: ConvertingOptions,
    private readonly blockFrames: number,
  ) {
    const { rateHz, quantum, quality } = options;
    this.name = device.name;
    this.rateHz = rateHz;
    this.channels = device.channels;
    this.captureChannels = device.captureChannels;
    this.ratio = rateHz / device.rateHz;
    this.block = new Float32Array(blockFrames * this.channels);
    this.heard = new Float32Array(blockFrames * this.captureChannels);
    this.outward = new Converter({
      inputRate: rateHz,
      outputRate: device.rateHz,
      channels: this.channels,
      quality,
      // A block may need several quanta, or a part of one.
      maxInputFrames: quantum + Math.ceil(blockFrames * this.ratio),
    });
    this.inward =
      this.captureChannels === 0
        ? null
        : new Converter({
            inputRate: device.rateHz,
            outputRate: rateHz,
            channels: this.captureChannels,
            quality,
            // Two quanta lie ready, so that each turn finds one however the blocks come.
            maxInputFrames: 2 * blockFrames + Math.ceil((3 * quantum) / this.ratio),
          });
  }

  get latencyFrames(): number {
    return Math.round(this.device.latencyFrames * this.ratio) + this.outward.latencyFrames;
  }

  get unplayedFrames(): number {
    const { device, counts, ratio } = this;
    const heard = counts[count.given]! - device.unplayedFrames;
    return Math.max(0, counts[count.written]! - Math.round(heard * ratio));
  }

  open(): void {
    this.device.open();
    this.outward.reset();
    this.inward?.reset();
    this.counts.fill(0);
    this.isBlockDue = false;
    this.wasGiven = false;
    this.hears = false;
  }

  /** What the device tells, in frames of the rate that is written and read. */
  private report(): void {
    const { health, device, ratio } = this;
    const conversionUs = health[deviceHealth.conversionUs]!;
    for (let i = 0; i < deviceHealth.places; i++) health[i] = device.health[i]!;
    health[deviceHealth.conversionUs] = conversionUs;
    health[deviceHealth.fillFrames]! *= ratio;
    health[deviceHealth.latencyFrames]! *= ratio;
    health[deviceHealth.captureFillFrames]! *= ratio;
    health[deviceHealth.captureDropFrames]! *= ratio;
    health[deviceHealth.stepFrames]! *= ratio;
    health[deviceHealth.loopFrames]! *= ratio;
  }

  /** Due when the device is due and what was written before does not fill its block. */
  wait(): DeviceSignal {
    let ranDry = false;
    // A device that was given nothing has gone on without it.
    if (!this.wasGiven) this.isBlockDue = false;
    this.wasGiven = false;
    for (let turn = 0; turn < turnsMax; turn++) {
      if (!this.isBlockDue) {
        const signal = this.device.wait();
        this.report();
        if (signal === DeviceSignal.lost || signal === DeviceSignal.early) return signal;
        ranDry ||= signal === DeviceSignal.xrun;
        this.isBlockDue = true;
        this.listen();
      }
      if (this.outward.framesNeeded(this.blockFrames) > 0) break;
      if (this.give() === DeviceSignal.lost) return DeviceSignal.lost;
    }
    return ranDry ? DeviceSignal.xrun : DeviceSignal.due;
  }

  private listen(): void {
    const { inward } = this;
    if (inward === null) return;
    this.device.read(this.heard);
    inward.push(this.heard, this.blockFrames);
  }

  read(into: Float32Array): void {
    const { inward, captureChannels } = this;
    const frames = captureChannels === 0 ? 0 : into.length / captureChannels;
    if (inward !== null && !this.hears) this.hears = inward.framesNeeded(2 * frames) === 0;
    const heard = inward === null || !this.hears ? 0 : inward.pull(into, frames);
    into.fill(0, heard * captureChannels);
  }

  write(samples: Float32Array): DeviceSignal {
    const { times, health, options } = this;
    options.readClock(times, at.began);
    this.wasGiven = true;
    const frames = samples.length / this.channels;
    this.counts[count.written]! += frames;
    this.outward.push(samples, frames);
    const signal =
      this.isBlockDue && this.outward.framesNeeded(this.blockFrames) === 0
        ? this.give()
        : DeviceSignal.due;
    if (signal === DeviceSignal.lost) this.counts[count.written]! -= frames;
    options.readClock(times, at.ended);
    health[deviceHealth.conversionUs] = (times[at.ended]! - times[at.began]!) / 1000;
    return signal;
  }

  /** Gives the device its block. */
  private give(): DeviceSignal {
    this.outward.pull(this.block, this.blockFrames);
    this.isBlockDue = false;
    const signal = this.device.write(this.block);
    if (signal !== DeviceSignal.lost) this.counts[count.given]! += this.blockFrames;
    return signal;
  }

  drain(timeoutMs: number): void {
    const { outward, device, channels, counts } = this;
    outward.end();
    for (;;) {
      const frames = outward.pull(this.block, this.blockFrames);
      if (frames === 0) break;
      device.write(this.block.subarray(0, frames * channels));
      counts[count.given]! += frames;
    }
    device.drain(timeoutMs);
    // As many frames as were written have been given now, but for a fraction of one.
    counts[count.written] = Math.round(counts[count.given]! * this.ratio);
  }

  close(): void {
    this.device.close();
  }
}
