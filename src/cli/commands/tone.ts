import type { Command } from 'commander';
import type { EngineStream } from '../../client/index.js';
import { usageError } from '../failure.js';
import { Interrupt } from '../interrupt.js';
import { type MeasureOptions, readMeasureSettings } from '../measure-session.js';
import { addCommonOptions, addSettingOptions, positiveNumber, wholeNumber } from '../options.js';
import { openPlayingEngine } from '../running-engine.js';
import { clockText, LiveLine, say, sayJson } from '../terminal.js';

interface ToneCommand extends MeasureOptions {
  freq: number;
  db: string;
  seconds?: number;
  channel?: number;
}

const blockFrames = 1024;
const fadeSec = 0.01;

/** Writes a sine until it is told to end; both ends are faded, so that nothing clicks. */
async function write(
  stream: EngineStream,
  {
    hz,
    level,
    channel,
    frames,
  }: { hz: number; level: number; channel: number | null; frames: number },
  interrupt: Interrupt,
): Promise<number> {
  const { rate, channels } = stream.format;
  const fadeFrames = Math.round(fadeSec * rate);
  const block = new Float32Array(blockFrames * channels);
  let endAt = frames;
  let at = 0;
  while (at < endAt) {
    if (interrupt.signal !== null) endAt = Math.min(endAt, at + fadeFrames);
    const count = Math.min(blockFrames, endAt - at);
    for (let i = 0; i < count; i++) {
      const turns = ((at + i) * hz) / rate;
      const fade = Math.min(1, (at + i) / fadeFrames, (endAt - at - i) / fadeFrames);
      const value = level * fade * Math.sin(2 * Math.PI * (turns - Math.floor(turns)));
      for (let c = 0; c < channels; c++) {
        block[i * channels + c] = channel === null || channel === c ? value : 0;
      }
    }
    await stream.write(block.subarray(0, count * channels));
    at += count;
  }
  await stream.close();
  return at;
}

async function run(options: ToneCommand): Promise<void> {
  const settings = await readMeasureSettings(options);
  if (options.capture === undefined) settings.device.capture = 'none';
  const { rateHz: rate, channels } = settings.engine;
  const db = Number(options.db);
  if (!(db <= 0 && db >= -140)) throw usageError('--db must be -140 to 0');
  if (options.freq >= rate / 2) throw usageError(`--freq must be below ${rate / 2}`);
  const channel = options.channel ?? null;
  if (channel !== null && channel >= channels)
    throw usageError(`there are ${channels} channels, from 0`);
  using interrupt = new Interrupt();
  await using engine = await openPlayingEngine(settings, options.device !== undefined);
  const format = { rate, channels, format: 'f32', bufferMs: 50, name: 'tone' } as const;
  const stream = await engine.openStream(format);
  const frames = Math.round((options.seconds ?? Number.MAX_SAFE_INTEGER / rate) * rate);
  const line = new LiveLine();
  line.show(`${options.freq} Hz at ${db} dB; Ctrl-C ends it`);
  const level = 10 ** (db / 20);
  const played = await write(stream, { hz: options.freq, level, channel, frames }, interrupt);
  line.clear();
  const seconds = played / rate;
  if (options.json) sayJson({ freq: options.freq, db, seconds });
  else say(`${options.freq} Hz at ${db} dB for ${clockText(seconds)}`);
  process.exitCode = interrupt.exitStatus ?? 0;
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(
      command
        .option('--freq <hz>', 'frequency', positiveNumber, 1000)
        .option('--db <db>', 'level by full scale, -140 to 0', '-20')
        .option('--seconds <n>', 'end after so many seconds (default: Ctrl-C)', positiveNumber)
        .option('--channel <n>', 'play on this channel alone, from 0', wholeNumber),
    ),
    ['name', 'device', 'rate', 'quantum', 'log-level', 'log-format'],
  ).action(run);
}
