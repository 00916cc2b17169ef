/** What `Device.wait` and `Device.write` found. */
export const DeviceSignal = {
  /** The device wants the next quantum. */
  due: 0,
  /** It wants the next quantum, and has run dry before it came. */
  xrun: 1,
  /** It is gone or refuses: it must be opened again. `health` tells why. */
  lost: 2,
  /** It is not due yet: show that you live, then wait again. */
  early: 3,
} as const;
export type DeviceSignal = (typeof DeviceSignal)[keyof typeof DeviceSignal];

/** Places in `Device.health`. */
export const deviceHealth = {
  /** How much faster than this machine's clock the device runs; NaN until that is known. */
  rateErrorPpm: 0,
  /** How far the device's own account of its position strays from even, on average. */
  jitterUs: 1,
  /** Frames in the device's buffer. */
  fillFrames: 2,
  /** Frames between `write` and the loudspeaker, as measured. */
  latencyFrames: 3,
  captureFillFrames: 4,
  /** Captured frames that were missing or thrown away, so that the others stay in time. */
  captureDropFrames: 5,
  /** What a rate conversion takes a quantum. */
  conversionUs: 6,
  deviceRateHz: 7,
  /** A `LostReason`. */
  lostReason: 8,
  /** 1 when the capture side is gone: it gives silence, and what is played goes on. */
  captureLost: 9,
  /** Frames that the device takes at a time, as seen. */
  stepFrames: 10,
  /**
   * Frames that both sides hold before a turn: the way from giving to capturing, but for what is
   * always the same. It changes when a server leaves out a period of one side. 0: not known.
   */
  loopFrames: 11,
  places: 16,
} as const;

/** Why a device was lost. */
export const LostReason = {
  none: 0,
  /** Unplugged, or closed by its driver. */
  gone: 1,
  /** It took what it was given and did not play it: its own clock stood still. */
  stalled: 2,
  /** The sound server is gone, or has thrown the stream out. */
  serverGone: 3,
  /** Any other error of the device, again and again. */
  failed: 4,
  /** It takes less than its rate says, since its server's period has changed: to be opened anew. */
  changed: 5,
} as const;
export type LostReason = (typeof LostReason)[keyof typeof LostReason];

/**
 * What the driver plays on and listens to. Full duplex: one `wait`, then `read`, then `write`, a
 * quantum each. All but `open`, `drain` and `close` run on the audio thread and allocate nothing.
 */
export interface Device {
  readonly name: string;
  /** Rate of what is written and read. */
  readonly rateHz: number;
  readonly channels: number;
  /** Channels that `read` fills; 0 for a device that only plays. */
  readonly captureChannels: number;
  /** Frames between `write` and the loudspeaker, as the device states it. */
  readonly latencyFrames: number;
  /** Frames that `write` accepted and that were not heard yet, by the device's own account. */
  readonly unplayedFrames: number;
  /** What the device tells of itself, by the places of `deviceHealth`. */
  readonly health: Float64Array;
  /** Opens and starts the device. @throws TenutoError with a `TENUTO_DEVICE_` code. */
  open(): void;
  /** Blocks until the device is due, but for little more than the time of a quantum. */
  wait(): DeviceSignal;
  /** Takes the captured quantum (interleaved). */
  read(into: Float32Array): void;
  /** Gives a quantum or less (interleaved). When it answers `lost`, nothing of it was taken. */
  write(samples: Float32Array): DeviceSignal;
  /** Lets what was given be played, for at most so long; then nothing may be written any more. */
  drain(timeoutMs: number): void;
  /** Idempotent. */
  close(): void;
}
