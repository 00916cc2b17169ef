import { randomInt } from 'node:crypto';
import { type Command, Option } from 'commander';
import { exitCodes, TenutoError } from '../../errors.js';
import {
  type Check,
  canRunPrivateServer,
  type Durations,
  type FaultTarget,
  faultTargets,
  runSoak,
  type ScenarioName,
  type ScenarioReport,
  type ServerKind,
  type SoakProgress,
  type SoakReport,
  scenarioNames,
  scenarios,
  serverKinds,
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
  seconds?: number;
  /** Faults per second; the rate in frames is a setting, `--set engine.rateHz=...`. */
  rate: number;
  kill?: FaultTarget[];
  hang?: FaultTarget[];
  seed?: number;
  patch?: string;
  scenario?: ScenarioName;
  server?: ServerKind;
  times?: number;
}

/** Of a storm, when nothing else is said. */
const stormSec = 20;

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

function scenarioText({ checks, figures, ok }: ScenarioReport): string {
  const verdict = ok
    ? paint('green', 'all as it should be', process.stdout)
    : paint('red', 'not all as it should be', process.stdout);
  const rows = checks.map((check: Check) => [
    check.ok ? '+' : '-',
    check.what,
    check.expected,
    check.found,
  ]);
  const numbers = Object.entries(figures).map(([name, value]) => [
    name,
    value === null ? '-' : String(Math.round(value * 1000) / 1000),
  ]);
  return `${verdict}\n\n${columns([['', 'WHAT', 'EXPECTED', 'FOUND'], ...rows])}\n\n${columns(numbers)}`;
}

/** The server that was asked for, or the best that there is. */
function serverOf({ server }: SoakCommandOptions, needsServer: boolean): ServerKind {
  const found = server ?? (canRunPrivateServer() ? 'private' : 'none');
  if (found === 'none' && needsServer) {
    throw new TenutoError(
      'TENUTO_USAGE',
      'this scenario needs a sound server: install pipewire, wireplumber and pipewire-pulse, or give --server own',
    );
  }
  return found;
}

async function runScenario(name: ScenarioName, options: SoakCommandOptions): Promise<void> {
  const entry = scenarios[name];
  const settings = readSettings({ ...options, rate: undefined });
  using interrupt = new Interrupt();
  const abort = new AbortController();
  void interrupt.asked.then(() => abort.abort());
  const seconds = options.seconds ?? entry.seconds;
  const seed = options.seed ?? randomInt(2 ** 32);
  if (entry.load === null) {
    await runStormScenario({ settings, seconds, seed, json: options.json ?? false, interrupt });
    return;
  }
  const line = new LiveLine();
  const scenario = await entry.load();
  try {
    const report = await scenario({
      settings,
      server: serverOf(options, entry.needsServer),
      seconds,
      times: options.times ?? entry.times,
      seed,
      signal: abort.signal,
      onProgress: (text) => line.show(text),
    }).finally(() => line.clear());
    say(options.json ? JSON.stringify(report) : scenarioText(report));
    process.exitCode = report.ok ? (interrupt.exitStatus ?? exitCodes.ok) : exitCodes.degraded;
  } catch (error) {
    if (interrupt.exitStatus === null) throw error;
    process.exitCode = interrupt.exitStatus;
  }
}

async function soak(options: SoakCommandOptions): Promise<void> {
  if (options.scenario !== undefined) return runScenario(options.scenario, options);
  const { seconds = stormSec, rate, json } = options;
  const settings = readSettings({ ...options, rate: undefined });
  const seed = options.seed ?? randomInt(2 ** 32);
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
        .addOption(
          new Option('--scenario <name>', 'one of the launch checklist instead').choices(
            scenarioNames,
          ),
        )
        .addOption(
          new Option(
            '--server <kind>',
            'for a scenario: a private sound server, your own with sinks that are removed again, or none (default: private where PipeWire is installed)',
          ).choices(serverKinds),
        )
        .option('--times <n>', 'for a scenario: how often it does what it does', positiveNumber)
        .option(
          '--seconds <n>',
          `length of the stream (default: ${stormSec}, or that of the scenario)`,
          positiveNumber,
        )
        .option('--kill <roles>', `whom to kill, of ${faultTargets.join(',')}`, targets)
        .option('--hang <roles>', 'whom to stop for good, of the same', targets)
        .option('--rate <n>', 'faults per second', positiveNumber, 3)
        .option('--seed <n>', 'chooses the same faults again', wholeNumber)
        .option('--patch <file>', 'patch to run (default: the demo)'),
    ).addHelpText(
      'after',
      '\nWithout --kill and --hang it kills replicas, drivers and control.\n' +
        'Exit status 6 when a sample was lost or changed.\n\nScenarios:\n' +
        Object.entries(scenarios)
          .map(([name, { summary }]) => `  ${name.padEnd(16)}${summary}`)
          .join('\n'),
    ),
    ['name', 'quantum', 'lead', 'channels', 'replicas', 'device', 'log-level', 'log-format'],
  ).action(soak);
}
