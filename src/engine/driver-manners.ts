import type { Device } from '../device/device.js';
import type { Waiting } from '../memory/segment.js';

/** What the driver needs of the world. */
export interface DriverWorld extends Waiting {
  /** Monotonic microseconds, 32 bits. */
  nowUs(): number;
}

/** Why a driver ended. */
export type DriverEnd = 'fenced' | 'handed-over' | 'closed';

/** How a driver begins, and what it does when its device is lost. */
export interface DriverManners {
  /** Paces the stream while the device is away; null: the content waits. */
  standIn: Device | null;
  /** Frames that the last device was given and did not play; they are given to this one first. */
  replayFrames: number;
  /** The device has just been opened: the sound rises to its first frame, so that nothing clicks. */
  gently: boolean;
  /** When control asked for the device, microseconds of the monotonic clock; null: it did not. */
  askedUs: number | null;
}

/** Content waits, nothing is replayed, nothing rises. */
export const plainManners: DriverManners = {
  standIn: null,
  replayFrames: 0,
  gently: false,
  askedUs: null,
};
