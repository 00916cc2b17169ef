import type { Command } from 'commander';
import { Interrupt } from '../interrupt.js';
import {
  type MeasureOptions,
  measureFlags,
  openMeasureStream,
  readMeasureSettings,
  untilInterrupted,
} from '../measure-session.js';
import { latencyText } from '../measure-text.js';
import { addCommonOptions, addSettingOptions, positiveNumber, wholeNumber } from '../options.js';
import { LiveLine, say, sayJson } from '../terminal.js';

interface LatencyCommand extends MeasureOptions {
  runs: number;
  maxMs: number;
  save?: true;
}

async function run(options: LatencyCommand): Promise<void> {
  const settings = await readMeasureSettings(options);
  using interrupt = new Interrupt();
  const measure = await import('../../measure/index.js');
  await using stream = await openMeasureStream(settings, options, interrupt);
  const line = new LiveLine();
  const measuring = measure.measureLatency(stream, {
    runs: options.runs,
    maxMs: options.maxMs,
    channel: settings.measure.channel,
    onRun: ({ frames }, i) => line.show(`${i + 1} of ${options.runs}: ${frames.toFixed(3)} frames`),
  });
  const latency = await untilInterrupted(measuring, interrupt).finally(() => line.clear());
  if (latency === null) return;
  let file: string | null = null;
  if (options.save) {
    file = measure.calibrationFile(settings.measure.calibration);
    measure.saveCalibration(file, measure.calibrationOf(latency, new Date().toISOString()));
  }
  if (options.json) sayJson({ ...latency, savedTo: file });
  else {
    say(latencyText(latency));
    if (file !== null) say(`saved to ${file}, for this opening of the stream alone`);
  }
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(
      command
        .option('--runs <n>', 'measurements', wholeNumber, 10)
        .option('--max-ms <ms>', 'longest round trip that is looked for', positiveNumber, 1200)
        .option('--save', 'keep it as calibration (setting measure.calibration)'),
    ).addHelpText(
      'after',
      '\nOver the stream of a running engine of --name that listens, or of an engine of its own' +
        '\nwhen a device is named or none runs.',
    ),
    measureFlags,
  ).action(run);
}
