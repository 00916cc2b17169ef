import koffi from 'koffi';
import { type AlsaLibrary, alsa } from './alsa.js';
import { errno } from './libc.js';

/**
 * One direction of an ALSA device, a PCM. What may be called on the audio thread says so; it
 * allocates nothing, and returns a negative errno when the PCM is closed.
 */

/** States of a PCM, as alsa/pcm.h numbers them. */
export const PcmState = {
  open: 0,
  setup: 1,
  prepared: 2,
  running: 3,
  xrun: 4,
  draining: 5,
  paused: 6,
  suspended: 7,
  disconnected: 8,
} as const;

/** Sample formats of alsa/pcm.h that Tenuto writes. `s24` is in 4 bytes, `s24Packed` in 3. */
export const PcmFormat = { s16: 2, s24: 6, s32: 10, f32: 14, s24Packed: 32 } as const;

/** Errors of a PCM that Node's table does not name: not usable in this state, and suspended. */
export const pcmErrno = { EBADFD: 77, ESTRPIPE: 86 } as const;

export type PcmDirection = 'playback' | 'capture';

/** What `observe` found. */
export interface PcmReport {
  /** A PcmState, frames that can be moved now, frames between this end and the loudspeaker. */
  readonly words: Int32Array;
  /** The device's time stamp, monotonic nanoseconds; 0 where it has none. */
  readonly timeNs: Float64Array;
}
export const pcmReport = { state: 0, availFrames: 1, delayFrames: 2, places: 3 } as const;

const modeNonblock = 1;
const accessInterleaved = 3;
const timeModeEnabled = 1;
const timeTypeMonotonic = 1;
/** Frames that the library does not start by itself at: it refuses numbers above the boundary. */
const neverStart = 0x3fff_ffff;

const directions = { playback: 0, capture: 1 } as const;

/**
 * The configurations that a PCM can still take, narrowed step by step. A step that cannot be
 * taken returns a negative errno and narrows nothing. Not for the audio thread.
 */
export class PcmParameters {
  private readonly memory = new ArrayBuffer(8192);
  private readonly address = addressOf(this.memory);
  private readonly value = new Uint32Array(this.memory, 0, 4);
  private readonly hardware = this.address + 64;
  private readonly software: number;

  constructor(
    private readonly library: AlsaLibrary,
    private readonly handle: number,
  ) {
    this.software = this.hardware + 64 * Math.ceil(library.hardwareBytes() / 64);
  }

  /** Begins with all that the device can do, without hidden rate conversion in the library. */
  begin(): number {
    const { library, handle, hardware } = this;
    const error = library.hardwareAny(handle, hardware);
    if (error < 0) return error;
    library.setRateResample(handle, hardware, 0);
    return library.setAccess(handle, hardware, accessInterleaved);
  }

  canFormat(format: number): boolean {
    return this.library.testFormat(this.handle, this.hardware, format) === 0;
  }

  setFormat(format: number): number {
    return this.library.setFormat(this.handle, this.hardware, format);
  }

  /** The number of channels that is nearest to the wanted one, or a negative errno. */
  setChannels(channels: number): number {
    this.value[0] = channels;
    const error = this.library.setChannelsNear(this.handle, this.hardware, this.address);
    return error < 0 ? error : this.value[0];
  }

  /** The rate that is nearest to the wanted one, or a negative errno. */
  setRate(rateHz: number): number {
    return this.near(this.library.setRateNear, rateHz);
  }

  setPeriod(frames: number): number {
    return this.near(this.library.setPeriodNear, frames);
  }

  setBuffer(frames: number): number {
    this.value.fill(0);
    this.value[0] = frames;
    const error = this.library.setBufferNear(this.handle, this.hardware, this.address);
    return error < 0 ? error : this.value[0];
  }

  private near(set: AlsaLibrary['setRateNear'], wanted: number): number {
    this.value.fill(0);
    this.value[0] = wanted;
    const error = set(this.handle, this.hardware, this.address, this.address + 8);
    return error < 0 ? error : this.value[0];
  }

  /** What is possible at this step. */
  ranges(): { channelsMin: number; channelsMax: number; rateMinHz: number; rateMaxHz: number } {
    const { library, hardware, address, value } = this;
    const read = (error: number) => (error < 0 ? 0 : (value[0] as number));
    return {
      channelsMin: read(library.channelsMin(hardware, address)),
      channelsMax: read(library.channelsMax(hardware, address)),
      rateMinHz: read(library.rateMin(hardware, address, address + 8)),
      rateMaxHz: read(library.rateMax(hardware, address, address + 8)),
    };
  }

  /** Configures the device; it starts by `start` only and stamps times by the monotonic clock. */
  install(wakeFrames: number): number {
    const { library, handle, hardware, software } = this;
    let error = library.hardwareInstall(handle, hardware);
    if (error >= 0) error = library.softwareCurrent(handle, software);
    if (error >= 0) error = library.setStartThreshold(handle, software, neverStart);
    if (error >= 0) error = library.setAvailMin(handle, software, wakeFrames);
    if (error < 0) return error;
    library.setTimeMode(handle, software, timeModeEnabled);
    library.setTimeType(handle, software, timeTypeMonotonic);
    return library.softwareInstall(handle, software);
  }
}

/** The address of memory that the collector does not move: an ArrayBuffer's own. */
function addressOf(memory: ArrayBuffer): number {
  return Number(koffi.address(memory));
}

function openHandle(library: AlsaLibrary, name: string, direction: PcmDirection): number {
  const memory = new BigUint64Array(8);
  const error = library.pcmOpen(
    addressOf(memory.buffer),
    name,
    directions[direction],
    modeNonblock,
  );
  if (error < 0) return error;
  return Number(memory[0]) || -errno.ENODEV;
}

/**
 * Opens a PCM without waiting for it to be free. It may hang where the sound server does.
 *
 * @param transferBytes - room for what `write` gives or `read` takes at a time
 * @returns the PCM, or a negative errno
 * @throws TenutoError `TENUTO_DEVICE_NO_ALSA`
 */
export function openPcm(
  name: string,
  direction: PcmDirection,
  transferBytes: number,
): Pcm | number {
  const library = alsa();
  const handle = openHandle(library, name, direction);
  return handle < 0 ? handle : pcmOf(library, handle, transferBytes);
}

/** An open PCM. */
export type Pcm = ReturnType<typeof pcmOf>;

function pcmOf(library: AlsaLibrary, handle: number, transferBytes: number) {
  const { write, read, status, statusState, statusAvail, statusDelay, statusTime } = library;
  // Each address is a constant of this closure: passed from anywhere else it would be boxed.
  const statusBuffer = new ArrayBuffer(Math.max(1024, library.statusBytes()));
  const statusAddress = addressOf(statusBuffer);
  const timeBuffer = new ArrayBuffer(64);
  const timeAddress = addressOf(timeBuffer);
  const timeWords = new Int32Array(timeBuffer, 0, 4);
  const transfer = new ArrayBuffer(transferBytes);
  const transferAddress = addressOf(transfer);
  const closed = -pcmErrno.EBADFD;
  let isOpen = true;
  return {
    handle,
    /** What `write` gives and `read` takes, from its first byte. */
    transfer,
    /** Keeps the memory that libasound writes to as long as the PCM. */
    memory: [statusBuffer, timeBuffer],

    /** The configurations that it can take. */
    parameters: () => new PcmParameters(library, handle),
    prepare: () => (isOpen ? library.prepare(handle) : closed),
    start: () => (isOpen ? library.start(handle) : closed),
    drop: () => (isOpen ? library.drop(handle) : closed),
    /** Wakes it from the machine's sleep. -EAGAIN: not yet; -ENOSYS: it must be prepared. */
    resume: () => (isOpen ? library.resume(handle) : closed),
    /** Lets this one and another one start and stop together. Fails but for hardware. */
    link: (other: { handle: number }) => (isOpen ? library.link(handle, other.handle) : closed),
    unlink: () => (isOpen ? library.unlink(handle) : closed),

    /** Gives frames from `transfer`: how many were taken, or a negative errno. Audio thread. */
    write(frames: number): number {
      return isOpen ? write(handle, transferAddress, frames) : closed;
    },
    /** Takes frames into `transfer`: how many, or a negative errno. Audio thread. */
    read(frames: number): number {
      return isOpen ? read(handle, transferAddress, frames) : closed;
    },
    /** Asks the device where it is. 0, or a negative errno. Audio thread. */
    observe(report: PcmReport): number {
      if (!isOpen) return closed;
      const error = status(handle, statusAddress);
      if (error < 0) return error;
      report.words[pcmReport.state] = statusState(statusAddress);
      report.words[pcmReport.availFrames] = statusAvail(statusAddress);
      report.words[pcmReport.delayFrames] = statusDelay(statusAddress);
      statusTime(statusAddress, timeAddress);
      report.timeNs[0] = (timeWords[0] as number) * 1e9 + (timeWords[2] as number);
      return 0;
    },
    /** Idempotent; may wait for the sound server. Not for the audio thread. */
    close(): void {
      if (!isOpen) return;
      isOpen = false;
      library.pcmClose(handle);
    },
  };
}
