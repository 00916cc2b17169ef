import type { Command } from 'commander';
import type { PreparedKeeper, Restored, RunningEngine, Status } from '../../client/index.js';
import { TenutoError } from '../../errors.js';
import type { Settings } from '../../settings/index.js';
import { Interrupt } from '../interrupt.js';
import { tellOutcome, type Watch, watchEngine } from '../live-engine.js';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  positiveNumber,
  readSettings,
} from '../options.js';
import { formatText } from '../status-text.js';
import { clockText, say } from '../terminal.js';

interface RunOptions extends CommonOptions {
  watch?: boolean;
  seconds?: number;
  record?: string;
  journal?: string;
  restore?: true;
}

/** The device as the announcement names it; throws when there is none. */
async function chooseDevice({ device }: Settings): Promise<string> {
  const { checkDevices, listDevices } = await import('../../device/catalogue/index.js');
  await checkDevices(device);
  if (device.name !== 'default') return device.name;
  const chosen = (await listDevices()).find((one) => one.isDefault);
  return chosen?.name ?? device.name;
}

async function run(
  file: string,
  options: RunOptions,
  keeper: PreparedKeeper | null,
): Promise<void> {
  const settings = readSettings(options);
  using interrupt = new Interrupt();
  const { loadPatch } = await import('../patch-file.js');
  const [device, { patch, compiled, assets }] = await Promise.all([
    chooseDevice(settings),
    loadPatch(file, settings.engine),
  ]);
  const { startEngine } = await import('../../client/index.js');
  await using engine = await startEngine({
    settings,
    patch: compiled,
    assets,
    ...(keeper && { keeper }),
    ...(options.record === undefined ? {} : { recordPath: options.record }),
    ...(options.journal === undefined ? {} : { journalPath: options.journal }),
    ...(options.restore && { restore: true }),
    ...(options.seconds === undefined ? {} : { seconds: options.seconds }),
  });
  const watch: Watch = {
    engine,
    interrupt,
    json: options.json ?? false,
    verbose: options.verbose ?? false,
    reload: () => reload(engine, options),
    announcePage: (address) => {
      if (!options.json) say(`dashboard: ${address}`);
    },
    announce: (status) => {
      if (options.json) return;
      const name = engine.restored?.patch ?? patch.name;
      say(announcement(name, device, status, options));
      if (options.restore) say(restoredText(engine.restored));
    },
  };
  using _watching = options.watch
    ? new (await import('../watch-file.js')).PatchWatch(engine, file)
    : null;
  const { record, journal } = options;
  const more = { patch: file, ...(record && { record }), ...(journal && { journal }) };
  tellOutcome(await watchEngine(watch), watch, more);
}

/** Reads the settings again; a mistake in them changes nothing. */
function reload(engine: RunningEngine, options: RunOptions): string {
  try {
    const { taken, later } = engine.reload(readSettings(options));
    const waits = later.length === 0 ? '' : `; for the next start: ${later.join(', ')}`;
    return `settings were read again: ${taken.join(', ') || 'nothing is taken over'}${waits}`;
  } catch (error) {
    if (!(error instanceof TenutoError)) throw error;
    return `${error.message}\nthe settings stay as they were`;
  }
}

function announcement(
  patch: string,
  device: string,
  status: Status,
  { record, journal, seconds }: RunOptions,
): string {
  const until = seconds === undefined ? 'until Ctrl-C' : `for ${clockText(seconds)}`;
  return [
    `playing "${patch}" on device ${device}, ${until}`,
    `engine ${status.name}: ${formatText(status)}`,
    ...(record === undefined ? [] : [`recording to ${record}`]),
    ...(journal === undefined ? [] : [`taking it down in ${journal}`]),
  ].join('\n');
}

function restoredText(restored: Restored | null): string {
  if (restored === null) return 'nothing was saved to restore';
  const { savedAt, skipped, patch, patchFailure } = restored;
  const loaded = patch === null ? '' : `, with the patch "${patch}" that had been loaded`;
  const without = skipped.length === 0 ? '' : `, without ${skipped.join(', ')}`;
  const failed =
    patchFailure === undefined ? '' : `\nnot with the patch that had been loaded: ${patchFailure}`;
  return `restored the state of ${savedAt}${loaded}${without}${failed}`;
}

export function define(command: Command, keeper: PreparedKeeper | null): void {
  addSettingOptions(
    addCommonOptions(
      command
        .argument('<patch>', 'patch file (YAML or JSON)')
        .option('--seconds <n>', 'end after so many seconds of the stream', positiveNumber)
        .option('--watch', 'load the patch again whenever its file is saved')
        .option('--restore', 'begin with what was last commanded, at a safe level')
        .option('--record <file>', 'record what is played to this float32 WAV file')
        .option('--journal <file>', 'take all that goes in down in this file, for `tenuto replay`'),
    ),
  ).action((file: string, options: RunOptions) => run(file, options, keeper));
}
