import type { Command } from 'commander';
import type { PersistentStream } from '../measure/index.js';
import type { SettingDefaults, Settings } from '../settings/index.js';
import type { Interrupt } from './interrupt.js';
import { type CommonOptions, readSettings } from './options.js';
import { connectIfRunning, makePrivate } from './running-engine.js';
import { say } from './terminal.js';

/** What commands that measure have in common. */
export interface MeasureOptions extends CommonOptions {
  device?: string;
  capture?: string;
  echopi?: string;
  medium?: string;
  temperature?: string;
  min?: string;
  max?: string;
}

/** Their settings' flags. */
export const measureFlags = [
  'name',
  'device',
  'capture',
  'rate',
  'quantum',
  'log-level',
  'log-format',
];

/** Short names of the settings that are changed most. */
const shortNames = {
  medium: 'measure.medium',
  temperature: 'measure.temperatureC',
  min: 'measure.minM',
  max: 'measure.maxM',
} as const;

/** `--medium` and its like, and EchoPi's file. */
export function addRangingOptions(command: Command): Command {
  return command
    .option('--medium <medium>', 'air or water (setting measure.medium)')
    .option('--temperature <celsius>', 'of the medium (setting measure.temperatureC)')
    .option('--min <metres>', 'nearest distance (setting measure.minM)')
    .option('--max <metres>', 'farthest distance (setting measure.maxM)')
    .option('--echopi <file>', "EchoPi's init.json, whose settings are taken over");
}

/**
 * The settings of a measurement: flags before EchoPi's file before the rest.
 *
 * @param defaults the command's own
 * @throws TenutoError `TENUTO_SETTINGS_INVALID`, `TENUTO_USAGE`
 */
export async function readMeasureSettings(
  options: MeasureOptions,
  defaults: SettingDefaults = {},
): Promise<Settings> {
  const short = Object.entries(shortNames).flatMap(([name, path]) => {
    const value = options[name];
    return value === undefined ? [] : [`${path}=${String(value)}`];
  });
  const imported: string[] = [];
  if (options.echopi !== undefined) {
    const { importEchoPi } = await import('../measure/index.js');
    const { measure, rateHz, ignored } = importEchoPi(options.echopi);
    imported.push(...Object.entries(measure).map(([key, value]) => `measure.${key}=${value}`));
    if (rateHz !== null && options.rate === undefined) imported.push(`engine.rateHz=${rateHz}`);
    if (ignored.length > 0 && !options.json) {
      say(`not taken over from ${options.echopi}: ${ignored.join(', ')}`);
    }
  }
  const settings = readSettings(
    { ...options, set: [...imported, ...(options.set ?? []), ...short] },
    defaults,
  );
  if (settings.device.capture === 'none') {
    // Who measures listens: where nothing is said, to the counterpart of what it plays on.
    settings.device.capture = settings.device.name === 'virtual' ? 'virtual' : 'default';
  }
  return settings;
}

/**
 * The stream to measure over: that of a running engine of the name, unless a device is named; else of
 * an engine of its own.
 */
export async function openMeasureStream(
  settings: Settings,
  options: MeasureOptions,
  interrupt: Interrupt,
): Promise<PersistentStream> {
  const { PersistentStream } = await import('../measure/index.js');
  const tell = (message: string) => {
    if (!options.json) say(message);
  };
  const isNamed = options.device !== undefined || options.capture !== undefined;
  const running = isNamed ? null : await connectIfRunning(settings.engine.name);
  if (running !== null) {
    const stream = await PersistentStream.open({ engine: running }, tell);
    return stream;
  }
  makePrivate(settings, 'measure');
  const stream = await PersistentStream.open({ settings }, tell);
  // The engine hears the terminal's Ctrl-C no more than any other program's: it is ended here.
  void interrupt.forced.then(() => process.exit(130));
  return stream;
}

/** Ends with the status of the signal that ended it, if one did. */
export async function untilInterrupted<T>(
  work: Promise<T>,
  interrupt: Interrupt,
): Promise<T | null> {
  const ended = interrupt.asked.then(() => null);
  const result = await Promise.race([work.catch((error) => Promise.reject(error)), ended]);
  if (result === null) {
    work.catch(() => {});
    process.exitCode = interrupt.exitStatus ?? 0;
  }
  return result;
}
