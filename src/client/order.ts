import { checkDeviceName } from '../device/names.js';
import { layoutProgram } from '../dsp/arena.js';
import { decodeProgram } from '../dsp/program.js';
import type { LaunchOrder } from '../engine/orders.js';
import { snapshotTicksMax } from '../engine/replica-core.js';
import { TenutoError } from '../errors.js';
import type { Settings } from '../settings/index.js';
import type { StartOptions } from './types.js';

/** How long a device may be away before a driver gives up, and how often it is tried. */
const deviceRetryMs = 100;
const deviceGiveUpMs = 10_000;
const bootMs = 10_000;

function policyOf({ restart, watchdog, shutdown, engine }: Settings): LaunchOrder['policy'] {
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
    phases: {
      fadeMs: shutdown.fadeMs,
      servicesMs: shutdown.servicesMs,
      replicasMs: shutdown.replicasMs,
      driverMs: shutdown.driverMs,
    },
  };
}

function arenaBytesOf(program: Uint8Array): number {
  const { base, persistentEnd } = layoutProgram(decodeProgram(program), 0);
  return persistentEnd - base;
}

/** The complete, validated order for a keeper. @throws TenutoError when something cannot be. */
export function orderOf(options: StartOptions): LaunchOrder {
  const { settings, patch, seconds } = options;
  const { engine, device } = settings;
  checkDeviceName(device.name);
  if (settings.snapshot.everyTicks > snapshotTicksMax) {
    throw new TenutoError(
      'TENUTO_SETTINGS_INVALID',
      `snapshot.everyTicks must be at most ${snapshotTicksMax}, a quarter of the journal`,
    );
  }
  const stopFrames = seconds === undefined ? null : Math.round(seconds * engine.rateHz);
  return {
    name: engine.name,
    geometry: {
      quantum: engine.quantumFrames,
      rateHz: engine.rateHz,
      channels: engine.channels,
      lead: engine.leadQuanta,
      snapshotTicks: settings.snapshot.everyTicks,
      arenaBytes: arenaBytesOf(patch.program),
      programBytes: patch.program.length,
      firstTick: options.firstTick ?? 0,
    },
    replicas: engine.replicas,
    spares: engine.spares,
    standby: true,
    streams: options.streams ?? 0,
    assets: (options.assets ?? []).map(({ channels, frames, rate }) => ({
      channels,
      frames,
      rate,
    })),
    realtime: engine.realtime === 'auto',
    realtimePriority: engine.realtimePriority,
    driverQuanta: settings.watchdog.driverQuanta,
    device: {
      name: device.name,
      rateErrorPpm: device.virtual.rateErrorPpm,
      jitterUs: device.virtual.jitterUs,
      faults: device.virtual.faults,
      retryMs: deviceRetryMs,
      giveUpMs: deviceGiveUpMs,
    },
    stopFrames,
    services:
      options.recordPath === undefined
        ? []
        : [
            {
              kind: 'recorder',
              path: options.recordPath,
              stopFrames,
              syncMs: settings.record.syncMs,
            },
          ],
    policy: policyOf(settings),
    faults: options.faults ?? false,
    traceGc: options.traceGc ?? null,
    log: { level: settings.log.level, format: settings.log.format },
  };
}
