/** What `Device.wait` found. */
export const DeviceSignal = {
  /** The device wants the next quantum. */
  due: 0,
  /** It wants the next quantum, and has run dry before it came. */
  xrun: 1,
  /** It is gone or refuses: it must be opened again. */
  lost: 2,
} as const;
export type DeviceSignal = (typeof DeviceSignal)[keyof typeof DeviceSignal];

/**
 * What the driver plays on and listens to. Full duplex: one `wait`, then `read`, then `write`, a
 * quantum each. All but `open` and `close` run on the audio thread and allocate nothing.
 */
export interface Device {
  readonly name: string;
  readonly rateHz: number;
  readonly channels: number;
  /** Channels that `read` fills; 0 for a device that only plays. */
  readonly captureChannels: number;
  /** Frames between `write` and the loudspeaker. */
  readonly latencyFrames: number;
  /** Opens and starts the device. @throws TenutoError with a `TENUTO_DEVICE_` code. */
  open(): void;
  /** Blocks until the device is due, but never longer than the watchdog allows. */
  wait(): DeviceSignal;
  /** Takes the captured quantum (interleaved). */
  read(into: Float32Array): void;
  /** Gives one quantum (interleaved). */
  write(samples: Float32Array): DeviceSignal;
  /** Idempotent. */
  close(): void;
}
