import type { Command } from 'commander';
import { Option } from 'commander';
import { WavWriter } from '../../media/index.js';
import { addRangingOptions, type MeasureOptions, readMeasureSettings } from '../measure-session.js';
import { addCommonOptions, addSettingOptions } from '../options.js';
import { countText, say, sayJson } from '../terminal.js';

interface ChirpCommand extends MeasureOptions {
  output: string;
  format: 'f32' | 's16';
}

async function run(options: ChirpCommand): Promise<void> {
  const { engine, measure } = await readMeasureSettings(options);
  const { chirpOf, makeChirp } = await import('../../measure/index.js');
  const chirp = chirpOf(measure, engine.rateHz);
  const samples = makeChirp(chirp);
  using writer = WavWriter.create(options.output, {
    rate: chirp.rateHz,
    channels: 1,
    samples: options.format,
  });
  writer.append(
    options.format === 'f32'
      ? samples
      : Int16Array.from(samples, (sample) => Math.round(sample * 32_767)),
  );
  writer.sync();
  const { output, format } = options;
  if (options.json) sayJson({ file: output, frames: samples.length, format, ...chirp });
  else {
    say(
      `${output}: ${chirp.startHz} to ${chirp.endHz} Hz in ${chirp.durationMs} ms, ` +
        `${countText(samples.length, 'frame')} at ${chirp.rateHz} Hz, peak ${chirp.amplitude}`,
    );
  }
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(
      addRangingOptions(
        command
          .requiredOption('-o, --output <file>', 'WAV file to write')
          .addOption(
            new Option('--format <format>', 'samples of the file')
              .choices(['f32', 's16'])
              .default('f32'),
          ),
      ),
    ),
    ['rate'],
  ).action(run);
}
