import type { Command } from 'commander';
import { exitCodes } from '../../errors.js';
import type { Calibration, PersistentStream } from '../../measure/index.js';
import type { Settings } from '../../settings/index.js';
import { Interrupt } from '../interrupt.js';
import {
  addRangingOptions,
  type MeasureOptions,
  measureFlags,
  openMeasureStream,
  readMeasureSettings,
  untilInterrupted,
} from '../measure-session.js';
import { distanceText } from '../measure-text.js';
import { addCommonOptions, addSettingOptions, wholeNumber } from '../options.js';
import { say, sayJson } from '../terminal.js';

interface DistanceCommand extends MeasureOptions {
  runs: number;
  calibrate?: true;
  calibrated?: true;
}

async function saveClutter(
  stream: PersistentStream,
  settings: Settings,
  { json }: DistanceCommand,
): Promise<void> {
  const { calibrate, calibrationFile, saveCalibration } = await import('../../measure/index.js');
  const calibration = await calibrate(stream, settings.measure);
  const file = calibrationFile(settings.measure.calibration);
  saveCalibration(file, calibration);
  const { latency, clutter } = calibration;
  if (json) sayJson({ savedTo: file, stream: calibration.stream, latency, takes: clutter?.takes });
  else say(`what is there without a target: ${clutter?.takes} recordings, saved to ${file}`);
}

async function run(options: DistanceCommand): Promise<void> {
  const settings = await readMeasureSettings(options);
  using interrupt = new Interrupt();
  const { calibrationFile, loadCalibration, measureDistance } = await import(
    '../../measure/index.js'
  );
  let calibration: Calibration | null = null;
  if (options.calibrated)
    calibration = loadCalibration(calibrationFile(settings.measure.calibration));
  await using stream = await openMeasureStream(settings, options, interrupt);
  if (options.calibrate) {
    await untilInterrupted(
      saveClutter(stream, settings, options).then(() => true),
      interrupt,
    );
    return;
  }
  const measuring = measureDistance(stream, settings.measure, { runs: options.runs, calibration });
  const distance = await untilInterrupted(measuring, interrupt);
  if (distance === null) return;
  if (options.json) {
    const { take: _, runs, ...told } = distance;
    const distances = runs.map(({ echo }) => echo?.distanceM ?? null);
    sayJson({ distanceM: distance.echo?.distanceM ?? null, ...told, runs: distances });
  } else say(distanceText(distance));
  // There is no number: a program that only looks at the status must not take one.
  if (distance.echo === null) process.exitCode = exitCodes.degraded;
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(
      addRangingOptions(
        command
          .option('--runs <n>', 'rangings, of which the median is told', wholeNumber, 1)
          .option('--calibrate', 'record what is there without a target, and keep it')
          .option('--calibrated', 'take away what was recorded with --calibrate'),
      ),
    ).addHelpText(
      'after',
      '\nA calibration holds for one opening of a stream: run an engine (`tenuto run`), and both' +
        '\n--calibrate and --calibrated use it. Exit status 6 when there is no echo.',
    ),
    measureFlags,
  ).action(run);
}
