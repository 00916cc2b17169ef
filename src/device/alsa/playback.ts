import { TenutoError } from '../../errors.js';
import { limits } from '../../limits.js';
import {
  errno,
  errnoName,
  openPcm,
  type Pcm,
  type PcmDirection,
  PcmState,
  pcmErrno,
  pcmReport,
} from '../../os/index.js';
import { ChannelMap } from '../../pcm/channels.js';
import { SampleEncoder, sampleBytes } from '../../pcm/sample-format.js';
import { cleanSamples, gateTally } from '../../pcm/sample-gate.js';
import { LostReason } from '../device.js';
import { negotiate, type PcmChoice, type PcmWish } from './negotiation.js';

/** Tries of what a device refuses for no lasting reason, before it is given up. */
const triesMax = 3;

/** What it means that a device cannot be opened: each with its own remedy. */
export function openError(name: string, error: number): TenutoError {
  const why = errnoName(error);
  switch (Math.abs(error)) {
    case errno.ENOENT:
    case errno.EINVAL:
      return new TenutoError('TENUTO_DEVICE_UNKNOWN', `there is no device "${name}" (${why})`);
    case errno.EBUSY:
    case errno.EAGAIN:
      return new TenutoError('TENUTO_DEVICE_BUSY', `another program holds ${name} (${why})`);
    case errno.EACCES:
    case errno.EPERM:
      return new TenutoError('TENUTO_PERMISSION', `this user may not open ${name} (${why})`);
    default:
      return new TenutoError('TENUTO_DEVICE_LOST', `${name} cannot be opened (${why})`);
  }
}

/**
 * Opens a PCM.
 *
 * @throws TenutoError of `openError`, or `TENUTO_DEVICE_NO_ALSA`
 */
export function openNamed(
  name: string,
  pcmName: string,
  direction: PcmDirection,
  transferBytes: number,
): Pcm {
  const pcm = openPcm(pcmName, direction, transferBytes);
  if (typeof pcm === 'number') throw openError(name, pcm);
  return pcm;
}

/** Why a device that answers with this error is lost. */
export function lossOf(error: number): LostReason {
  switch (-error) {
    case errno.ENODEV:
    case errno.ENXIO:
    case errno.ENOENT:
    case pcmErrno.EBADFD:
      return LostReason.gone;
    case errno.EPIPE:
    case errno.ENOTCONN:
    case errno.ECONNREFUSED:
      return LostReason.serverGone;
    default:
      return LostReason.failed;
  }
}

/**
 * How frames of so many channels become frames of so many others; null for as they are. What has
 * more channels than any layout of loudspeakers is a mixing desk: its first ones are used.
 */
export function channelMapOf(inputs: number, outputs: number): Pick<ChannelMap, 'map'> | null {
  if (inputs === outputs) return null;
  if (Math.max(inputs, outputs) <= limits.channelsMax) return new ChannelMap({ inputs, outputs });
  const used = Math.min(inputs, outputs);
  return {
    map(from, into, frames) {
      for (let frame = 0; frame < frames; frame++) {
        for (let c = 0; c < used; c++) into[frame * outputs + c] = from[frame * inputs + c]!;
      }
    },
  };
}

/** Part of a step by which a device's account of what is on its way may be late. */
const stepSlack = 0.25;

/** Places in `Playback.frames`. */
export const playbackAt = {
  /** Given since it was last started, with the silence that it was started with. */
  written: 0,
  /** Of these, what the engine gave. */
  content: 1,
  /** Given by the engine and not yet heard, as far as is known. */
  unplayed: 2,
  /**
   * The same as it was before the last restart: a server that has just died may let itself be
   * restarted once, so this is forgotten only when the device moves.
   */
  carried: 3,
  /** On their way between the buffer and the loudspeaker, when the device took some last. */
  onItsWay: 4,
  /** Frames that the device takes at a time. */
  step: 5,
  places: 6,
} as const;

/** The playing side of a device. All but `open` and `close` may be called on the audio thread. */
export class Playback {
  readonly frames = new Float64Array(playbackAt.places);
  readonly report = { words: new Int32Array(pcmReport.places), timeNs: new Float64Array(1) };
  /** Counts of cleanSamples. */
  readonly tally = new Float64Array(gateTally.places);
  private readonly transferFrames: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly floats: Float32Array;
  /** What is encoded: as many channels as the device has. */
  private readonly staging: Float32Array;
  private readonly map: Pick<ChannelMap, 'map'> | null;
  private readonly encoder: SampleEncoder;
  private readonly frameBytes: number;

  private constructor(
    readonly pcm: Pcm,
    readonly choice: PcmChoice,
    channels: number,
    quantum: number,
  ) {
    this.transferFrames = quantum;
    this.frameBytes = choice.channels * sampleBytes[choice.format];
    this.bytes = new Uint8Array(pcm.transfer);
    this.view = new DataView(pcm.transfer);
    this.floats = new Float32Array(pcm.transfer, 0, quantum * choice.channels);
    this.staging = new Float32Array(quantum * choice.channels);
    this.map = channelMapOf(channels, choice.channels);
    this.encoder = new SampleEncoder({ format: choice.format });
  }

  static open(pcmName: string, wish: PcmWish & { quantum: number }): Playback {
    // Room for the widest frame that any negotiation can end with.
    const pcm = openNamed(wish.name, pcmName, 'playback', wish.quantum * frameBytesMax);
    try {
      const choice = negotiate(pcm, wish);
      return new Playback(pcm, choice, wish.channels, wish.quantum);
    } catch (error) {
      pcm.close();
      throw error;
    }
  }

  /** Frames in the device's buffer, as of the last report. */
  get fillFrames(): number {
    return this.choice.bufferFrames - this.report.words[pcmReport.availFrames]!;
  }

  /** Frames given by the engine and not yet heard, as far as is known. */
  get unplayedFrames(): number {
    return Math.round(this.frames[playbackAt.unplayed]! + this.frames[playbackAt.carried]!);
  }

  /** Asks the device where it is. 0, or a negative errno. */
  observe(): number {
    const { pcm, report, frames } = this;
    const error = pcm.observe(report);
    if (error < 0) return error;
    const state = report.words[pcmReport.state]!;
    if (state === PcmState.running) {
      // What is older than the engine's own frames is the silence that the device began with.
      const held = this.fillFrames + frames[playbackAt.onItsWay]!;
      frames[playbackAt.unplayed] = Math.max(0, Math.min(held, frames[playbackAt.content]!));
      return 0;
    }
    if (state === PcmState.suspended) return -pcmErrno.ESTRPIPE;
    if (state === PcmState.disconnected) return -errno.ENODEV;
    return -errno.EPIPE;
  }

  /**
   * The device has just taken so many frames. A server says that those on their way get fewer while
   * time passes, but what it took at once it plays at once, or not at all when it is killed.
   */
  noteStep(stepFrames: number): void {
    const { report, frames } = this;
    // One who looks late sees several steps as one.
    if (stepFrames % frames[playbackAt.step]! !== 0) {
      frames[playbackAt.step] = stepFrames;
      frames[playbackAt.onItsWay] = 0;
    }
    const step = frames[playbackAt.step]!;
    const onItsWay = report.words[pcmReport.delayFrames]! - this.fillFrames;
    const steps = Math.ceil(onItsWay / step - stepSlack);
    frames[playbackAt.onItsWay] = Math.max(frames[playbackAt.onItsWay]!, steps * step);
  }

  /** Starts it, or starts it again after it ran dry, with so much silence. 0 or a negative errno. */
  restart(silenceFrames: number): number {
    const { pcm, frames } = this;
    let error = 0;
    // The library says EPIPE once of a buffer that ran dry, and for ever where the server is gone.
    for (let tries = 0; tries < triesMax; tries++) {
      error = pcm.prepare();
      if (error >= 0) {
        frames[playbackAt.written] = 0;
        error = this.giveSilence(silenceFrames);
      }
      if (error >= 0) error = pcm.start();
      if (error >= 0) {
        // Only now: of a device that is lost it is known what it has not played.
        frames[playbackAt.carried]! += frames[playbackAt.unplayed]!;
        frames[playbackAt.content] = 0;
        frames[playbackAt.unplayed] = 0;
        frames[playbackAt.onItsWay] = 0;
        frames[playbackAt.step] = 0;
        return 0;
      }
    }
    return error;
  }

  /** Wakes it after the machine has slept. 0 or a negative errno. */
  resume(silenceFrames: number): number {
    return this.pcm.resume() === 0 ? 0 : this.restart(silenceFrames);
  }

  giveSilence(frames: number): number {
    this.bytes.fill(0);
    let left = frames;
    while (left > 0) {
      const given = this.transmit(Math.min(left, this.transferFrames));
      if (given < 0) return given;
      left -= given;
    }
    return 0;
  }

  /** Gives a quantum. 0 or a negative errno, then nothing of it counts as given. */
  give(samples: Float32Array): number {
    const { staging, map, tally, choice, frames } = this;
    const quantum = this.transferFrames;
    if (map === null) staging.set(samples);
    else map.map(samples, staging, quantum);
    cleanSamples(staging, 0, staging.length, tally);
    if (choice.format === 'f32') this.floats.set(staging);
    else this.encoder.encode(staging, 0, staging.length, this.view, 0);
    const given = this.transmit(quantum);
    if (given < 0) return given;
    frames[playbackAt.content]! += quantum;
    frames[playbackAt.unplayed]! += quantum;
    return 0;
  }

  /** Gives the first frames of the transfer memory, all of them. Their number, or an error. */
  private transmit(frames: number): number {
    const { pcm, bytes, frameBytes } = this;
    let left = frames;
    let tries = 0;
    while (left > 0) {
      const taken = pcm.write(left);
      if (taken > 0) {
        left -= taken;
        if (left > 0) bytes.copyWithin(0, taken * frameBytes, (taken + left) * frameBytes);
      } else {
        if (taken < 0 && taken !== -errno.EAGAIN && taken !== -errno.EIO) return taken;
        if (++tries === triesMax) return taken === 0 ? -errno.EIO : taken;
      }
    }
    this.frames[playbackAt.written]! += frames;
    return frames;
  }

  close(): void {
    this.pcm.close();
  }
}

/** 64 channels of 4 bytes: what PipeWire takes at most. */
const frameBytesMax = 256;
