import type { PolicySettings } from '../device/policy.js';
import type { RoomOptions } from '../device/room/paths.js';
import type { NamedDevice } from '../memory/device-desk.js';
import type { Geometry } from '../memory/layout.js';
import type { TripwirePolicy } from '../memory/tripwires.js';
import type { KeeperPolicy } from './seats.js';

/** One scripted fault of the virtual device, by time since the engine's start. */
export interface VirtualFault {
  kind: 'vanish' | 'hang' | 'shortWrite';
  atMs: number;
  forMs: number;
}

/** Which devices a driver opens, and how. */
export interface DeviceOrder {
  /** The first one that opens is the engine's first device. */
  first: NamedDevice[];
  /** What is preferred from then on, and how often it may change. */
  policy: PolicySettings;
  /** Device to listen to; null for none. */
  captureName: string | null;
  onLoss: 'hold' | 'continue';
  preferStreamRate: 'content' | 'device';
  resampleMode: 'callback' | 'producer' | 'off';
  resampleQuality: 'draft' | 'voice' | 'music' | 'mastering';
  /** A device whose clock stands still for so long has stalled. */
  stallMs: number;
  /** Quanta in the device's buffer. */
  bufferQuanta: number;
  virtual: {
    rateErrorPpm: number;
    jitterUs: number;
    faults: VirtualFault[];
    /** Frames from what it plays to what it captures; 0: it captures silence. */
    loopbackFrames: number;
    /** The room in which it hears what it plays. */
    room: RoomOptions | null;
  };
  /** While the first device is busy or away, try again after so long. */
  retryMs: number;
  /** When there was no device to begin with for so long, give up. */
  firstPatienceMs: number;
}

/** The doors of the control process. */
export interface ControlOrder {
  /** Null for none. */
  http: { host: string; port: number } | null;
  osc: { host: string; port: number } | null;
  remote: { host: string; port: number } | null;
  /** Where the state is kept; null for nowhere. */
  stateFile: string | null;
  /** Null when the doors ask for none. */
  token: string | null;
  /** Other names for the HTTP interface. */
  hosts: string[];
  /** Whether processes may be killed and stopped from there. */
  demo: boolean;
  /** What is looked for in the kernel's log. */
  kernelLog: { file: string; patterns: string[] };
}

/** How a patch is changed while it plays. */
export interface PatchPolicy {
  fadeMs: number;
  probationMs: number;
}

/** The service that records what is played. */
export interface RecorderOrder {
  kind: 'recorder';
  path: string;
  /** Frames after which the file is complete; null for until the end. */
  stopFrames: number | null;
  syncMs: number;
}

/** The service that takes the run down, for replaying it. */
export interface FlightOrder {
  kind: 'flight';
  /** The file for the whole run; null when a folder holds the recent past. */
  file: string | null;
  folder: string | null;
  /** How much of the past the folder holds: so many minutes, in files of so many seconds. */
  minutes: number;
  segmentSec: number;
  diskBytes: number;
  /** Around an incident so much is kept for good, of so many incidents. */
  keepBeforeSec: number;
  keepAfterSec: number;
  kept: number;
  syncMs: number;
}

/** A service that the keeper starts. */
export type ServiceOrder = RecorderOrder | FlightOrder;

/**
 * What the launching program gives the keeper: plain, complete and validated. The keeper believes
 * it, since it comes from the same installation and the same user.
 */
export interface LaunchOrder {
  name: string;
  geometry: Geometry;
  replicas: number;
  spares: number;
  assets: { channels: number; frames: number; rate: number }[];
  /** The patch holds nodes of the user's, whose code is in its description. */
  hasOwnNodes: boolean;
  /** How the patch is changed while it plays. */
  patch: PatchPolicy;
  realtime: boolean;
  realtimePriority: number;
  /** Beats of so many quanta missing make the driver count as hung. */
  driverQuanta: number;
  device: DeviceOrder;
  control: ControlOrder;
  /** Records of commands that come before all others. */
  commands: number[];
  /** Frames of the stream after which the engine ends; null for until told. */
  stopFrames: number | null;
  services: ServiceOrder[];
  policy: KeeperPolicy;
  tripwires: TripwirePolicy;
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
  /** What people know of the program: a `PatchInfo` as JSON. */
  patch: number;
  assets: number[];
}

/** The keeper's descriptors of the engine's segment and of each client stream. */
export interface MemoryFds {
  segment: number;
  streams: readonly number[];
}

/** What the keeper tells each child on its standard input, which then ends. */
export interface ChildOrder {
  engine: string;
  keeperPid: number;
  row: number;
  place: number;
  /** Descriptors of the keeper's own: with them its children and clients reach the memory. */
  memory: MemoryFds;
  realtime: boolean;
  realtimePriority: number;
  /** Microseconds without a turn after which a driver counts as hung, or more by its device. */
  driverPatienceUs: number;
  patch: PatchPolicy;
  device: DeviceOrder;
  /** Monotonic nanoseconds at which the engine started: the time base of scripted faults. */
  epochNs: number;
  faults: boolean;
  service: ServiceOrder | null;
  /** Null for all but control, so that the secret is known to no other. */
  control: ControlOrder | null;
  log: { level: string; format: string };
}

/** What of an order may be changed while the engine plays. */
export type ChangedOrder = Pick<LaunchOrder, 'policy' | 'tripwires'>;

/** What the launcher may write to the keeper's standard input after the order, a line each. */
export const launcherWish = {
  stop: 'stop\n',
  force: 'force\n',
  /** Followed by a `ChangedOrder`, as JSON. */
  change: 'change ',
} as const;

/** What the keeper tells its launcher, one JSON object a line. */
export type KeeperMessage =
  | { event: 'started'; pid: number; segmentFd: number }
  | { event: 'playing' }
  | { event: 'refused'; code: 'TENUTO_ENGINE_EXISTS' | 'TENUTO_SYSTEM'; message: string }
  | { event: 'ended'; report: import('./shutdown.js').ShutdownReport };
