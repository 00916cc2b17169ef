import type { Command } from 'commander';
import type { ImpulseResponse } from '../../measure/index.js';
import { WavWriter } from '../../media/index.js';
import { Interrupt } from '../interrupt.js';
import {
  type MeasureOptions,
  measureFlags,
  openMeasureStream,
  readMeasureSettings,
  untilInterrupted,
} from '../measure-session.js';
import { addCommonOptions, addSettingOptions, positiveNumber, wholeNumber } from '../options.js';
import { columns, say, sayJson } from '../terminal.js';

interface SweepCommand extends MeasureOptions {
  output: string;
  start?: number;
  end?: number;
  seconds: number;
  tail: number;
  at: number;
  harmonics: number;
  amplitude: number;
}

function text(response: ImpulseResponse, file: string): string {
  const { delayFrames, rateHz, gainDb, atHz, harmonics, distortionPercent } = response;
  const { reverberationSec } = response;
  return columns([
    ['impulse response', `${file}, ${(response.samples.length / rateHz).toFixed(2)} s`],
    ['delay', `${delayFrames} frames, ${((delayFrames * 1000) / rateHz).toFixed(3)} ms`],
    ['gain', `${gainDb.toFixed(2)} dB at ${atHz} Hz`],
    ['distortion', `${distortionPercent.toPrecision(3)} %`],
    ...harmonics.map(({ order, db }) => [
      `harmonic ${order}`,
      db === null ? 'beyond the sweep' : `${db.toFixed(1)} dB`,
    ]),
    ['reverberation', reverberationSec === null ? 'none' : `${reverberationSec.toFixed(2)} s`],
  ]);
}

async function run(options: SweepCommand): Promise<void> {
  const settings = await readMeasureSettings(options);
  using interrupt = new Interrupt();
  const { measureSweep } = await import('../../measure/index.js');
  await using stream = await openMeasureStream(settings, options, interrupt);
  const measuring = measureSweep(stream, {
    ...(options.start === undefined ? {} : { startHz: options.start }),
    ...(options.end === undefined ? {} : { endHz: options.end }),
    durationSec: options.seconds,
    tailSec: options.tail,
    atHz: options.at,
    harmonics: options.harmonics,
    amplitude: options.amplitude,
    channel: settings.measure.channel,
  });
  const response = await untilInterrupted(measuring, interrupt);
  if (response === null) return;
  const { samples, rateHz: rate } = response;
  using writer = WavWriter.create(options.output, { rate, channels: 1, samples: 'f32' });
  writer.append(samples);
  writer.sync();
  const { samples: _, ...told } = response;
  if (options.json) sayJson({ file: options.output, frames: samples.length, ...told });
  else say(text(response, options.output));
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(
      command
        .requiredOption('-o, --output <file>', 'WAV file for the impulse response')
        .option('--start <hz>', 'begin of the sweep (default: 20)', positiveNumber)
        .option('--end <hz>', 'end of the sweep (default: 20000)', positiveNumber)
        .option('--seconds <n>', 'length of the sweep', positiveNumber, 3)
        .option('--tail <n>', 'seconds that are recorded after it', positiveNumber, 1)
        .option('--amplitude <n>', 'peak, of full scale 1', positiveNumber, 0.5)
        .option('--at <hz>', 'frequency at which levels are told', positiveNumber, 1000)
        .option('--harmonics <n>', 'the last harmonic that is told', wholeNumber, 5),
    ),
    measureFlags,
  ).action(run);
}
