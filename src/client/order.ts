import { join, resolve } from 'node:path';
import { AcousticRoom } from '../device/room/room.js';
import type { ChangedOrder, FlightOrder, LaunchOrder, RecorderOrder } from '../engine/orders.js';
import { snapshotTicksMax } from '../engine/replica-core.js';
import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { hostAndPort, type Settings, tripwires } from '../settings/index.js';
import type { FirstDevices } from './first-devices.js';
import type { StartOptions } from './types.js';

/** How long the first device may be away or busy before the start fails, and how often it is tried. */
const firstDeviceRetryMs = 100;
const firstDevicePatienceMs = 10_000;
const bootMs = 10_000;
/** For a program and what people know of it. */
const programRoomBytes = limits.programBytesMax + 4 * limits.patchBytesMax;
/** For a device that is left to play what it holds, and for one that is opened. */
const drainMs = 1000;
const openMs = 3000;

function policyOf({ restart, watchdog, shutdown, engine, patch }: Settings): LaunchOrder['policy'] {
  const quantumMs = (engine.quantumFrames * 1000) / engine.rateHz;
  return {
    backoffMs: restart.backoffMs,
    backoffMaxMs: restart.backoffMaxMs,
    startsPerMinute: restart.perMinute,
    bootMs,
    replicaMs: watchdog.replicaMs,
    // The standby notices first; this is for when there is none.
    driverMs: Math.max(250, 4 * watchdog.driverQuanta * quantumMs),
    serviceMs: watchdog.serviceMs,
    abandonMs: shutdown.abandonMs,
    drainMs,
    probationMs: patch.probationMs,
    openMs,
    phases: {
      fadeMs: shutdown.fadeMs,
      servicesMs: shutdown.servicesMs,
      replicasMs: shutdown.replicasMs,
      driverMs: shutdown.driverMs,
    },
  };
}

function tripwiresOf({ tripwires: chosen }: Settings): LaunchOrder['tripwires'] {
  return {
    windowSec: chosen.windowSec,
    cooldownSec: chosen.cooldownSec,
    thresholds: tripwires.map(({ key, timer }) =>
      timer === undefined ? chosen[key] : Math.round(chosen[key] * 1000),
    ),
  };
}

function deviceOrderOf(device: Settings['device'], devices: FirstDevices): LaunchOrder['device'] {
  return {
    first: devices.first,
    policy: {
      preferred: [device.name, ...device.fallbacks],
      queryCooldownSec: device.queryCooldownSec,
      maxRecreatePerMinute: device.maxRecreatePerMinute,
      graceSec: device.graceSec,
      debounceMs: device.debounceMs,
      capture: devices.capture,
    },
    captureName: devices.capture,
    onLoss: device.onLoss,
    preferStreamRate: device.preferStreamRate,
    resampleMode: device.resampleMode,
    resampleQuality: device.resampleQuality,
    stallMs: device.stallMs,
    bufferQuanta: device.bufferQuanta,
    virtual: device.virtual,
    retryMs: firstDeviceRetryMs,
    firstPatienceMs: firstDevicePatienceMs,
  };
}

/** Refuses here what the driver could only fail with. @throws TenutoError `TENUTO_SETTINGS_INVALID` */
function checkRoom({ engine, device }: Settings): void {
  const { room, rateErrorPpm } = device.virtual;
  if (room === null) return;
  const { rateHz, channels, quantumFrames: quantum } = engine;
  const { captureChannels } = device;
  new AcousticRoom(room, { rateHz, rateErrorPpm, quantum, channels, captureChannels });
}

/** Where the state of an engine is kept; null for nowhere. */
export function stateFileOf(
  { control, engine }: Settings,
  env: NodeJS.ProcessEnv = process.env,
): string | null {
  if (control.stateFile === 'off') return null;
  if (control.stateFile !== 'auto') return resolve(control.stateFile);
  const folder = stateFolderOf(env);
  return folder === null ? null : join(folder, `${engine.name}.json`);
}

/** Where what outlives an engine is kept; null when this user has no such place. */
function stateFolderOf({ HOME, XDG_STATE_HOME }: NodeJS.ProcessEnv): string | null {
  const folder = XDG_STATE_HOME || (HOME ? join(HOME, '.local', 'state') : null);
  return folder === null ? null : join(folder, 'tenuto');
}

function controlOrderOf(
  { control, measure }: Settings,
  stateFile: string | null,
): LaunchOrder['control'] {
  const { http, osc, remote, token, hosts, demo } = control;
  return {
    http: hostAndPort(http),
    osc: hostAndPort(osc),
    remote: hostAndPort(remote),
    stateFile,
    token: token === '' ? null : token,
    hosts,
    demo: demo === 'on',
    kernelLog: { file: measure.kernelLog, patterns: measure.kernelPatterns },
  };
}

/** Where the flight recorder holds the past of an engine; null for nowhere. */
function flightFolderOf({ settings, env = process.env }: StartOptions): string | null {
  const { flight, engine } = settings;
  if (flight.minutes === 0) return null;
  if (flight.folder !== '') return join(resolve(flight.folder), engine.name);
  const folder = stateFolderOf(env);
  return folder === null ? null : join(folder, 'flight', engine.name);
}

function flightOrderOf(options: StartOptions): FlightOrder[] {
  const { settings, journalPath } = options;
  const { flight } = settings;
  const folder = journalPath === undefined ? flightFolderOf(options) : null;
  if (journalPath === undefined && folder === null) return [];
  return [
    {
      kind: 'flight',
      file: journalPath === undefined ? null : resolve(journalPath),
      folder,
      minutes: flight.minutes,
      segmentSec: flight.segmentSec,
      diskBytes: flight.diskMb * 1e6,
      keepBeforeSec: flight.keepBeforeSec,
      keepAfterSec: flight.keepAfterSec,
      kept: flight.kept,
      syncMs: flight.syncMs,
    },
  ];
}

function recorderOrderOf(
  { settings, recordPath: path }: StartOptions,
  stopFrames: number | null,
): RecorderOrder[] {
  if (path === undefined) return [];
  return [{ kind: 'recorder', path, stopFrames, syncMs: settings.record.syncMs }];
}

/** What of an order follows from settings that are *live*. */
export function changedOrderOf(settings: Settings): ChangedOrder {
  return { policy: policyOf(settings), tripwires: tripwiresOf(settings) };
}

/** The complete, validated order for a keeper. @throws TenutoError when something cannot be. */
export function orderOf(
  options: StartOptions,
  devices: FirstDevices,
  commands: number[] = [],
): LaunchOrder {
  const { settings, patch, seconds } = options;
  const { engine, device } = settings;
  if (settings.snapshot.everyTicks > snapshotTicksMax) {
    throw new TenutoError(
      'TENUTO_SETTINGS_INVALID',
      `snapshot.everyTicks must be at most ${snapshotTicksMax}, a quarter of the journal`,
    );
  }
  const { loopbackFrames } = device.virtual;
  if (loopbackFrames > 0 && loopbackFrames < engine.quantumFrames) {
    throw new TenutoError(
      'TENUTO_SETTINGS_INVALID',
      `device.virtual.loopbackFrames must be 0 or at least a quantum, ${engine.quantumFrames}`,
    );
  }
  checkRoom(settings);
  const stopFrames = seconds === undefined ? null : Math.round(seconds * engine.rateHz);
  return {
    name: engine.name,
    geometry: {
      quantum: engine.quantumFrames,
      rateHz: engine.rateHz,
      channels: engine.channels,
      captureChannels: device.capture === 'none' ? 0 : device.captureChannels,
      lead: engine.leadQuanta,
      snapshotTicks: settings.snapshot.everyTicks,
      // What is not used costs nothing: memory is there when it is written to.
      arenaBytes: Math.max(settings.patch.stateBytesMax, patch.stateBytes),
      programBytes: programRoomBytes,
      firstTick: options.firstTick ?? 0,
    },
    replicas: engine.replicas,
    spares: engine.spares,
    assets: (options.assets ?? []).map(({ channels, frames, rate }) => ({
      channels,
      frames,
      rate,
    })),
    patch: { fadeMs: settings.patch.fadeMs, probationMs: settings.patch.probationMs },
    hasOwnNodes: (patch.modules?.length ?? 0) > 0,
    realtime: engine.realtime === 'auto',
    realtimePriority: engine.realtimePriority,
    driverQuanta: settings.watchdog.driverQuanta,
    device: deviceOrderOf(device, devices),
    control: controlOrderOf(settings, stateFileOf(settings, options.env)),
    commands,
    stopFrames,
    services: [...recorderOrderOf(options, stopFrames), ...flightOrderOf(options)],
    policy: policyOf(settings),
    tripwires: tripwiresOf(settings),
    faults: options.faults ?? false,
    traceGc: options.traceGc ?? null,
    log: { level: settings.log.level, format: settings.log.format },
  };
}
