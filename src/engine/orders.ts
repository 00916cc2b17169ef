import type { Geometry } from '../memory/layout.js';
import type { KeeperPolicy } from './seats.js';

/** One scripted fault of the virtual device, by time since the engine's start. */
export interface VirtualFault {
  kind: 'vanish' | 'hang' | 'shortWrite';
  atMs: number;
  forMs: number;
}

/** Which device a driver opens, and how. */
export interface DeviceOrder {
  name: string;
  rateErrorPpm: number;
  jitterUs: number;
  faults: VirtualFault[];
  /** While it cannot be opened, try again after so long. */
  retryMs: number;
  /** When it could not be opened for so long, give up. */
  giveUpMs: number;
}

/** A service that the keeper starts. */
export interface RecorderOrder {
  kind: 'recorder';
  path: string;
  /** Frames after which the file is complete; null for until the end. */
  stopFrames: number | null;
  syncMs: number;
}

/**
 * What the launching program gives the keeper: plain, complete and validated. The keeper believes
 * it, since it comes from the same installation and the same user.
 */
export interface LaunchOrder {
  name: string;
  geometry: Geometry;
  replicas: number;
  spares: number;
  standby: boolean;
  /** Client streams to prepare. */
  streams: number;
  assets: { channels: number; frames: number; rate: number }[];
  realtime: boolean;
  realtimePriority: number;
  /** Beats of so many quanta missing make the driver count as hung. */
  driverQuanta: number;
  device: DeviceOrder;
  /** Frames of the stream after which the engine ends; null for until told. */
  stopFrames: number | null;
  services: RecorderOrder[];
  policy: KeeperPolicy;
  /** Lets commands kill and hang a replica: for proofs only. */
  faults: boolean;
  /** Folder for the garbage collector's traces of each process; null for none. */
  traceGc: string | null;
  log: { level: string; format: string };
}

/**
 * The first line on the keeper's standard input: the descriptors of its parent, the launching
 * program, under which it finds the order and what that needs, as memory.
 */
export interface OrderPlace {
  order: number;
  program: number;
  assets: number[];
}

/** Fixed descriptors of the keeper's children. */
export const childFds = { segment: 3, firstStream: 4 } as const;

/** What the keeper tells each child on its command line. */
export interface ChildOrder {
  engine: string;
  keeperPid: number;
  row: number;
  place: number;
  streams: number;
  assets: LaunchOrder['assets'];
  realtime: boolean;
  realtimePriority: number;
  driverQuanta: number;
  device: DeviceOrder;
  /** Monotonic nanoseconds at which the engine started: the time base of scripted faults. */
  epochNs: number;
  faults: boolean;
  service: RecorderOrder | null;
  log: { level: string; format: string };
}

/** What the launcher may write to the keeper's standard input after the order. */
export const launcherWish = { stop: 'stop\n', force: 'force\n' } as const;

/** What the keeper tells its launcher, one JSON object a line. */
export type KeeperMessage =
  | { event: 'started'; pid: number; segmentFd: number; streamFds: number[] }
  | { event: 'playing' }
  | { event: 'refused'; code: 'TENUTO_ENGINE_EXISTS' | 'TENUTO_SYSTEM'; message: string }
  | { event: 'ended'; report: import('./shutdown.js').ShutdownReport };
