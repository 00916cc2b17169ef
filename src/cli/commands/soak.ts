import { randomInt } from 'node:crypto';
import { type Command, Option } from 'commander';
import { exitCodes } from '../../errors.js';
import {
  type Durations,
  type FaultTarget,
  faultTargets,
  runSoak,
  type SoakProgress,
  type SoakReport,
} from '../../soak/index.js';
import { Interrupt } from '../interrupt.js';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  listOf,
  positiveNumber,
  readSettings,
  wholeNumber,
} from '../options.js';
import { demoPatchFile, loadPatch } from '../patch-file.js';
import { runStormScenario } from '../storm-scenario.js';
import { barText, clockText, columns, countText, LiveLine, paint, say } from '../terminal.js';

interface SoakCommandOptions extends CommonOptions {
  seconds: number;
  /** Faults per second; the rate in frames is a setting, `--set engine.rateHz=...`. */
  rate: number;
  kill?: FaultTarget[];
  hang?: FaultTarget[];
  seed?: number;
  patch?: string;
  scenario?: 'storm';
}

function faultsText(faults: SoakReport['faults']): string {
  const parts = Object.entries(faults).map(([kind, count]) => `${count} ${kind}`);
  return parts.length === 0 ? 'no faults yet' : parts.join(', ');
}

function progressText({ elapsedSec, faults, underruns, lostFrames }: SoakProgress, all: number) {
  const bar = `${barText(elapsedSec / all, 20)} ${clockText(elapsedSec)} of ${clockText(all)}`;
  const trouble = `${countText(underruns, 'underrun')}, ${countText(lostFrames, 'lost frame')}`;
  return `${bar}  ${faultsText(faults)}  ${trouble}`;
}

function durationRow(title: string, { count, median, max }: Durations): string[][] {
  if (count === 0 || median === null || max === null) return [];
  return [[title, `${median} ms median, ${max} ms max, of ${count}`]];
}

function reportText(report: SoakReport): string {
  const verdict = report.ok
    ? paint('green', 'not one sample was lost or changed', process.stdout)
    : paint('red', 'the sound was not what it should have been', process.stdout);
  const rows = [
    ['stream', `${report.seconds.toFixed(2)} s, seed ${report.seed}`],
    ['faults', faultsText(report.faults)],
    ['lost frames', String(report.lostFrames)],
    ['underruns', `${report.underruns} (${report.concealedQuanta} quanta of filler)`],
    ['bit-exact', report.bitExact ? 'yes' : `no, first at frame ${report.firstDifference}`],
    ['order', report.order],
    ...durationRow('takeover', report.takeoverMs),
    ...durationRow('rejoin', report.rejoinMs),
    ...durationRow('rejoin, hung', report.rejoinHungMs),
    ...durationRow('control back', report.controlBackMs),
    ...durationRow('recorder back', report.recorderBackMs),
    ...(report.ended === 'stop-tick' ? [] : [['ended', report.ended ?? 'the keeper died']]),
  ];
  return `${verdict}\n\n${columns(rows)}`;
}

async function soak(options: SoakCommandOptions): Promise<void> {
  const { seconds, rate, json } = options;
  const settings = readSettings({ ...options, rate: undefined });
  const seed = options.seed ?? randomInt(2 ** 32);
  if (options.scenario === 'storm') {
    using interrupt = new Interrupt();
    await runStormScenario({ settings, seconds, seed, json: json ?? false, interrupt });
    return;
  }
  const noneGiven = options.kill === undefined && options.hang === undefined;
  const kill = options.kill ?? (noneGiven ? ['replica', 'driver', 'control'] : []);
  const { compiled, assets } = await loadPatch(options.patch ?? demoPatchFile, settings.engine);
  using interrupt = new Interrupt();
  const abort = new AbortController();
  void interrupt.asked.then(() => abort.abort());
  const line = new LiveLine();
  // The seed comes first: a storm that ends badly has to be replayed by it.
  if (!json) say(`${rate} faults a second for ${clockText(seconds)}, seed ${seed}`);
  const report = await runSoak({
    settings,
    patch: compiled,
    assets,
    seconds,
    kill,
    hang: options.hang ?? [],
    rate,
    seed,
    signal: abort.signal,
    onProgress: (progress) => line.show(progressText(progress, seconds)),
  }).finally(() => line.clear());
  say(json ? JSON.stringify(report) : reportText(report));
  process.exitCode = report.ok ? (interrupt.exitStatus ?? exitCodes.ok) : exitCodes.degraded;
}

export function define(command: Command): void {
  const targets = listOf<FaultTarget>(faultTargets);
  addSettingOptions(
    addCommonOptions(
      command
        .option('--seconds <n>', 'length of the stream', positiveNumber, 20)
        .option('--kill <roles>', `whom to kill, of ${faultTargets.join(',')}`, targets)
        .option('--hang <roles>', 'whom to stop for good, of the same', targets)
        .option('--rate <n>', 'faults per second', positiveNumber, 3)
        .option('--seed <n>', 'chooses the same faults again', wholeNumber)
        .option('--patch <file>', 'patch to run (default: the demo)')
        .addOption(
          new Option(
            '--scenario <name>',
            'instead of faults: `storm`, 100 producers of streams at once',
          ).choices(['storm']),
        ),
    ).addHelpText(
      'after',
      '\nWithout --kill and --hang it kills replicas, drivers and control.\n' +
        'Exit status 6 when a sample was lost or changed.',
    ),
    ['name', 'quantum', 'lead', 'channels', 'replicas', 'device', 'log-level', 'log-format'],
  ).action(soak);
}
