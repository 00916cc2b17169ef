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
  /** How much faster than its nominal rate the device runs, by the monotonic clock. */
  rateErrorPpm: 0,
  /** Mean deviation of its time stamps from an even pace. */
  jitterUs: 1,
  /** Frames that it holds for playing. */
  fillFrames: 2,
  /** Frames between `write` and the loudspeaker, measured. */
  latencyFrames: 3,
  /** Captured frames that wait to be read. */
  captureFillFrames: 4,
  /** Captured frames that were thrown away because nobody read them in time. */
  captureDropFrames: 5,
  /** Time that the last conversion of the rate took. */
  conversionUs: 6,
  /** The rate at which the device itself runs. */
  deviceRateHz: 7,
  /** A `LostReason`. */
  lostReason: 8,
  places: 16,
} as const;

/** Why a device was lost. */
export const LostReason = {
  none: 0,
  /** It was unplugged or removed. */
  gone: 1,
  /** It took what it was given and did not play it: its own clock stood still. */
  stalled: 2,
  /** The sound server that it belongs to is gone. */
  server: 3,
  /** It failed otherwise. */
  failed: 4,
} as const;

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
