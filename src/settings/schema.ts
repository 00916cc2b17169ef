import { z } from 'zod';
import { limits } from '../limits.js';
import { measureSchema } from './measure.js';
import { roomSchema } from './room.js';
import { type TripwireKey, tripwires } from './tripwires.js';

/** What a setting's entry says beside its type; the flag, the reference page and reload use it. */
export interface SettingMeta {
  /** One sentence for `--help` and the reference page, with the unit and what 0 means. */
  description: string;
  /** The command line flag without dashes, for the settings that people change often. */
  flag?: string;
  /** True when an engine that plays takes a change over, once it is told to read its settings. */
  live?: boolean;
  /** Another name that a settings file may use, at the top or in the setting's own group. */
  alias?: string;
}

function describe<T extends z.ZodType>(schema: T, description: string, more?: object): T {
  return schema.meta({ description, ...more } satisfies SettingMeta);
}

const whole = (min: number, max: number) => z.number().int().min(min).max(max);

/** One thing that the virtual device does at a set time, to rehearse what real devices do. */
export const faultSchema = z.strictObject({
  kind: z.enum(['vanish', 'hang', 'shortWrite']),
  atMs: z.number().min(0),
  forMs: z.number().min(0).default(0),
});

const engine = z.strictObject({
  name: describe(
    z.string().regex(/^[a-z0-9-]{1,32}$/, 'must be 1 to 32 of a-z, 0-9 and -'),
    'Name of the engine; one engine of a name runs at a time.',
    { flag: 'name' },
  ).default('default'),
  rateHz: describe(whole(limits.rateHzMin, limits.rateHzMax), 'Frames per second.', {
    flag: 'rate',
  }).default(48_000),
  quantumFrames: describe(
    whole(limits.quantumFramesMin, limits.quantumFramesMax).multipleOf(32),
    'Frames in one quantum, a multiple of 32.',
    { flag: 'quantum' },
  ).default(128),
  leadQuanta: describe(
    whole(limits.leadQuantaMin, limits.leadQuantaMax),
    'Quanta between sealing a tick and playing it: latency bought for safety.',
    { flag: 'lead' },
  ).default(4),
  channels: describe(whole(1, limits.channelsMax), 'Channels that are played.', {
    flag: 'channels',
  }).default(2),
  replicas: describe(
    whole(1, limits.replicasMax),
    'Processes that render the same sound; 1 gives up protection.',
    { flag: 'replicas' },
  ).default(2),
  spares: describe(
    whole(0, 1),
    'Replica processes that wait, warm, so that a death costs no start of a process; 0 saves memory.',
  ).default(1),
  realtime: describe(
    z.enum(['auto', 'off']),
    'auto: driver and replicas ask for real-time scheduling and fall back without; off: never ask.',
  ).default('auto'),
  realtimePriority: describe(
    whole(2, 98),
    'SCHED_FIFO priority of the driver; replicas run one below.',
  ).default(70),
});

const device = z.strictObject({
  name: describe(
    z.string().min(1),
    'Device to play on, as `tenuto devices` lists it; `default` takes the first that works.',
    { flag: 'device' },
  ).default('default'),
  fallbacks: describe(
    z.array(z.string().min(1)).max(limits.deviceFallbacksMax),
    'Devices to play on, in this order, while the first is not there; it is taken back when it returns.',
  ).default([]),
  capture: describe(
    z.string().min(1),
    'Device to listen to, as `tenuto devices` lists it; none opens no input.',
    { flag: 'capture' },
  ).default('none'),
  captureChannels: describe(
    whole(1, limits.channelsMax),
    'Channels that are captured, where a capture device is named.',
  ).default(2),
  onLoss: describe(
    z.enum(['hold', 'continue']),
    'While there is no device, hold: what plays waits; continue: it goes on unheard, for recordings and networks.',
    { alias: 'on_device_loss' },
  ).default('hold'),
  preferStreamRate: describe(
    z.enum(['content', 'device']),
    "Rate a device is asked for first, content: the engine's, so that the server converts; device: its own, so that Tenuto does.",
    { alias: 'prefer_stream_rate' },
  ).default('content'),
  resampleMode: describe(
    z.enum(['callback', 'producer', 'off']),
    'Where rates are converted, callback: at the device; producer: before the ring, so that a player runs at the rate of the device; off: a rate that differs is refused.',
    { alias: 'resample_mode' },
  ).default('callback'),
  resampleQuality: describe(
    z.enum(['draft', 'voice', 'music', 'mastering']),
    'How well rates are converted; more costs processor time and latency.',
  ).default('music'),
  queryCooldownSec: describe(
    z.number().min(0.1).max(3600),
    'Between two looks for a device that was not found, in seconds; an event of the server comes first.',
    { alias: 'device_query_cooldown_sec' },
  ).default(2),
  maxRecreatePerMinute: describe(
    whole(1, 600),
    'Openings of a device in any minute; more have to wait, since drivers panic when opened often.',
    { alias: 'max_recreate_per_minute' },
  ).default(10),
  graceSec: describe(
    z.number().min(0).max(3600),
    'How long a preferred device has to be back, in seconds, before it is taken again; 0 takes it at once.',
  ).default(3),
  debounceMs: describe(
    whole(0, 60_000),
    'How long a new default device has to stay the same before it is followed; 0 follows at once.',
  ).default(250),
  stallMs: describe(
    whole(20, 60_000),
    'A device that takes sound while its own clock stands still for so long has stalled and is replaced.',
  ).default(120),
  bufferQuanta: describe(
    whole(2, 64),
    'Quanta that the device holds to play from: latency bought for safety.',
  ).default(4),
  virtual: z
    .strictObject({
      rateErrorPpm: describe(
        z.number().min(-10_000).max(10_000),
        'How much faster than true the virtual device runs, in parts per million.',
      ).default(0),
      jitterUs: describe(
        whole(0, 1_000_000),
        'Largest random lateness of a virtual period, in microseconds; 0 is none.',
      ).default(0),
      loopbackFrames: describe(
        whole(0, limits.loopbackFramesMax),
        'Frames after which the virtual device, as capture device, hears what it plays: a quantum or more; 0 hears nothing.',
      ).default(0),
      room: describe(
        roomSchema.nullable(),
        'Acoustic room that the virtual device, as capture device, hears what it plays in; docs/measuring.md has its keys. null is none.',
      ).default(null),
      faults: describe(
        z.array(faultSchema).max(64),
        'Faults of the virtual device by time since its opening: {kind: vanish|hang|shortWrite, atMs, forMs}.',
      ).default([]),
    })
    .prefault({}),
});

const restart = z
  .strictObject({
    backoffMs: describe(
      whole(1, 60_000),
      'Wait before the second restart in a row of one process; it doubles each time.',
      { live: true },
    ).default(10),
    backoffMaxMs: describe(whole(1, 600_000), 'Longest wait before a restart.', {
      live: true,
    }).default(5000),
    perMinute: describe(
      whole(1, 10_000),
      'Restarts of one process in a minute before the keeper gives up on it and says so.',
      { live: true },
    ).default(600),
  })
  .refine((value) => value.backoffMs <= value.backoffMaxMs, {
    message: 'must not be longer than restart.backoffMaxMs',
    path: ['backoffMs'],
  });

const watchdog = z.strictObject({
  replicaMs: describe(
    whole(5, 60_000),
    'A replica that publishes nothing for so long while it has work is replaced.',
    { live: true },
  ).default(150),
  driverQuanta: describe(
    whole(1, 1000),
    'A driver without progress for so many quanta is fenced, and the standby takes over.',
  ).default(3),
  serviceMs: describe(
    whole(100, 60_000),
    'Control or a service that stands still for so long is replaced.',
    { live: true },
  ).default(1000),
});

const deadline = { live: true };

const shutdown = z.strictObject({
  fadeMs: describe(whole(0, 10_000), 'For the sound to fade out.', deadline).default(100),
  servicesMs: describe(whole(1, 60_000), 'For services to finish their files.', deadline).default(
    2000,
  ),
  replicasMs: describe(whole(1, 60_000), 'For replicas to stop.', deadline).default(200),
  driverMs: describe(
    whole(1, 60_000),
    'For the driver to drain and close its device, and then for the control process to end.',
    deadline,
  ).default(1000),
  abandonMs: describe(
    whole(1, 60_000),
    'What was killed and is still there after so long is left behind, by name.',
    deadline,
  ).default(1000),
});

/** `HOST:PORT` as two, or null when it is off. */
export function hostAndPort(address: string): { host: string; port: number } | null {
  const split = address.lastIndexOf(':');
  if (address === 'off' || split < 0) return null;
  const host = address.slice(0, split).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(address.slice(split + 1)) };
}

/** Whether only this machine reaches what is bound to the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

const listenAddress = z
  .string()
  .regex(/^(off|(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9.-]+):\d{1,5})$/, 'must be HOST:PORT or off')
  .refine((address) => (hostAndPort(address)?.port ?? 0) <= 65_535, 'must have a port up to 65535');

const control = z
  .strictObject({
    http: describe(
      listenAddress,
      'Address and port of the HTTP interface and the dashboard; port 0 takes any free one; off opens none.',
    ).default('127.0.0.1:8765'),
    osc: describe(
      listenAddress,
      'Address and port of OSC, by UDP and TCP; port 0 takes any free one; off opens none.',
    ).default('127.0.0.1:5005'),
    remote: describe(
      listenAddress,
      'Address and port of the datagram remote, by UDP; port 0 takes any free one; off opens none.',
    ).default('off'),
    stateFile: describe(
      z.string().min(1),
      'File in which the last commanded state is kept, for `run --restore`; auto: tenuto/NAME.json in the folder for the state of programs ($XDG_STATE_HOME); off keeps none.',
    ).default('auto'),
    token: describe(
      z.string().regex(/^([\x21-\x7e]{16,256})?$/, 'must be 16 to 256 characters without spaces'),
      'Who knows this secret may use the interfaces; empty: everybody on this machine, and nobody from elsewhere.',
    ).default(''),
    hosts: describe(
      z.array(z.string().regex(/^[a-zA-Z0-9.-]{1,253}(:\d{1,5})?$/)).max(limits.controlHostsMax),
      'Other names by which browsers may call the HTTP interface, such as that of a proxy before it.',
    ).default([]),
    demo: describe(
      z.enum(['off', 'on']),
      'on: the dashboard may kill and stop processes of the engine, for everybody to see that nothing is heard.',
    ).default('off'),
  })
  .refine(({ http, token }) => token !== '' || isLoopback(hostAndPort(http)?.host ?? '::1'), {
    message: 'must be given when control.http is not a loopback address',
    path: ['token'],
  });

const flight = z.strictObject({
  minutes: describe(
    z.number().min(0).max(10_080),
    'How much of the past the flight recorder holds on the disk, in minutes; 0 records nothing.',
  ).default(10),
  folder: describe(
    z.string(),
    'Where it holds it; empty: tenuto/flight in the folder of this user for states (XDG_STATE_HOME).',
  ).default(''),
  diskMb: describe(
    whole(16, 1_000_000),
    'What the past may take of the disk, in megabytes; what is older goes first.',
  ).default(256),
  segmentSec: describe(
    z.number().min(1).max(3600),
    'Seconds in one file: as much goes at once when it is too old.',
  ).default(30),
  keepBeforeSec: describe(
    z.number().min(0).max(86_400),
    'Seconds before an incident (a death, a tripwire) that are kept for good.',
  ).default(60),
  keepAfterSec: describe(z.number().min(0).max(600), 'Seconds after it.').default(10),
  kept: describe(whole(0, 10_000), 'Incidents that are kept; the oldest goes first.').default(20),
  syncMs: describe(
    whole(10, 600_000),
    'Between two updates on the disk: what a power cut can cost.',
  ).default(1000),
});

const patch = z.strictObject({
  fadeMs: describe(
    whole(1, limits.patchFadeMsMax),
    'How long a patch that is changed while it plays fades into the next.',
  ).default(20),
  probationMs: describe(
    whole(0, 600_000),
    'A changed patch that fails within so long is withdrawn: the one before plays on.',
  ).default(5000),
  stateBytesMax: describe(
    whole(65_536, limits.arenaBytesMax),
    'The most state that a patch may have to which the running one is changed, in bytes.',
  ).default(16 << 20),
});

type Thresholds = Record<TripwireKey, z.ZodDefault<z.ZodNumber>>;

/** One threshold for each row of the table. */
const thresholds = Object.fromEntries(
  tripwires.map(({ key, name, timer, threshold }) => [
    key,
    timer === undefined
      ? describe(whole(0, 1_000_000_000), `So many in the window trip \`${name}\`; 0 is off.`, {
          live: true,
        }).default(threshold)
      : describe(
          z.number().min(0).max(600_000),
          `So many milliseconds trip \`${name}\`; 0 is off.`,
          { live: true },
        ).default(threshold),
  ]),
) as Thresholds;

const tripwireSection = z.strictObject({
  windowSec: describe(
    whole(1, 86_400),
    'How far back tripwires look; docs/tripwires.md says what each of them watches.',
    { live: true },
  ).default(60),
  cooldownSec: describe(
    whole(1, 86_400),
    'A tripwire that was told is not told again for so long.',
    { live: true },
  ).default(60),
  ...thresholds,
});

/**
 * Everything that can be set. This one schema gives validation, defaults, `TENUTO_*` names, flags
 * and `docs/settings.md`.
 */
export const settingsSchema = z.strictObject({
  engine: engine.prefault({}),
  device: device.prefault({}),
  restart: restart.prefault({}),
  watchdog: watchdog.prefault({}),
  snapshot: z
    .strictObject({
      everyTicks: describe(
        whole(limits.leadQuantaMax + 1, 1024),
        'Ticks between two snapshots: how far a new replica has to replay at most.',
      ).default(64),
    })
    .prefault({}),
  shutdown: shutdown.prefault({}),
  record: z
    .strictObject({
      syncMs: describe(
        whole(10, 600_000),
        'Between two updates of a recording on the disk: what a power cut can cost.',
      ).default(500),
    })
    .prefault({}),
  flight: flight.prefault({}),
  log: z
    .strictObject({
      level: describe(
        z.enum(['silent', 'error', 'warn', 'info', 'debug']),
        'Least weight of what is logged to standard error.',
        { flag: 'log-level' },
      ).default('warn'),
      format: describe(
        z.enum(['text', 'json']),
        'text: one readable line each; json: one object a line.',
        { flag: 'log-format' },
      ).default('text'),
    })
    .prefault({}),
  control: control.prefault({}),
  patch: patch.prefault({}),
  measure: measureSchema.prefault({}),
  tripwires: tripwireSection.prefault({}),
});

/** All settings, validated and complete. */
export type Settings = z.output<typeof settingsSchema>;
/** One scripted fault of the virtual device. */
export type DeviceFault = z.output<typeof faultSchema>;
