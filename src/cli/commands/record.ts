import type { Command } from 'commander';
import { Option } from 'commander';
import type {
  CaptureBlock,
  EngineCapture,
  EngineConnection,
  RunningEngine,
} from '../../client/index.js';
import { exitCodes, TenutoError } from '../../errors.js';
import { WavWriter } from '../../media/index.js';
import type { Settings } from '../../settings/index.js';
import { Interrupt } from '../interrupt.js';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  positiveNumber,
  readSettings,
  wholeNumber,
} from '../options.js';
import { loadPatchText } from '../patch-file.js';
import { connectIfRunning, makePrivate } from '../running-engine.js';
import { barText, clockText, countText, LiveLine, rateText, say, sayJson } from '../terminal.js';

interface RecordOptions extends CommonOptions {
  device?: string;
  rate?: number;
  channels?: number;
  seconds?: number;
  format: 'f32' | 's16';
}

/** What is played while nobody plays anything. */
const silentPatch = `
name: silence
nodes:
  source: { type: stream, stream: 0 }
  out: { type: out, in: source }
`;

const refreshMs = 100;
/** The lower end of the level meter. */
const floorDb = -60;
/** Frames of silence that are written at a time, for what was lost. */
const silenceFrames = 4096;

/** An engine that captures, and how to leave it. */
interface Source extends AsyncDisposable {
  readonly engine: EngineConnection | RunningEngine;
  /** Of whom it is known that it is being recorded. */
  readonly name: string;
}

/** The engine of that name, if it runs and captures. */
async function running(name: string): Promise<Source | null> {
  const engine = await connectIfRunning(name);
  return engine && { engine, name, [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() };
}

/** An engine that only listens: it plays nowhere, at the pace of what it hears. */
async function started(settings: Settings, input: string, interrupt: Interrupt): Promise<Source> {
  const { checkDevices, listDevices } = await import('../../device/catalogue/index.js');
  makePrivate(settings, 'record');
  settings.device = { ...settings.device, name: 'virtual', fallbacks: [], capture: input };
  await checkDevices(settings.device);
  if (input === 'default' && !(await listDevices()).some((one) => one.isDefaultInput)) {
    throw new TenutoError('TENUTO_DEVICE_UNKNOWN', 'there is no device to listen to');
  }
  const { compiled } = await loadPatchText(silentPatch, 'silence', settings.engine);
  const { startEngine } = await import('../../client/index.js');
  const engine = await startEngine({ settings, patch: compiled });
  void interrupt.forced.then(() => engine.forceStop());
  try {
    await engine.playing;
  } catch (error) {
    await engine.stop();
    throw error;
  }
  return {
    engine,
    name: input,
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

/** Writes blocks to a file as they come; what was lost is silence in it, so that time stays right. */
class Recording {
  frames = 0;
  deviceDropFrames = 0;
  awayFrames = 0;
  peak = 0;
  /** Since the last look. */
  recentPeak = 0;

  constructor(
    private readonly writer: WavWriter,
    private readonly framesMax: number,
  ) {}

  get isComplete(): boolean {
    return this.frames >= this.framesMax;
  }

  take(block: CaptureBlock): void {
    this.fill(block.dropped);
    const { data } = block;
    if (data instanceof Int32Array) throw new Error('a recording is f32 or s16');
    const frames = Math.min(block.frames, this.framesMax - this.frames);
    this.writer.append(data, frames);
    this.frames += frames;
    this.deviceDropFrames += block.deviceDropFrames;
    if (block.away) this.awayFrames += frames;
    const scale = data instanceof Int16Array ? 2 ** -15 : 1;
    let peak = 0;
    for (let i = 0; i < data.length; i++) peak = Math.max(peak, Math.abs(data[i]!));
    this.recentPeak = Math.max(this.recentPeak, peak * scale);
    this.peak = Math.max(this.peak, peak * scale);
  }

  private fill(frames: number): void {
    const { channels, samples } = this.writer;
    let left = Math.min(frames, this.framesMax - this.frames);
    while (left > 0) {
      const count = Math.min(left, silenceFrames);
      const length = count * channels;
      this.writer.append(samples === 's16' ? new Int16Array(length) : new Float32Array(length));
      this.frames += count;
      left -= count;
    }
  }
}

const decibels = (level: number) => (level > 0 ? 20 * Math.log10(level) : Number.NEGATIVE_INFINITY);

function levelText(level: number): string {
  const db = decibels(level);
  return db < floorDb ? `below ${floorDb} dB` : `${db.toFixed(1)} dB`;
}

function meterText(recording: Recording, rate: number): string {
  const { recentPeak } = recording;
  recording.recentPeak = 0;
  const share = 1 - decibels(recentPeak) / floorDb;
  const clip = recentPeak >= 1 ? '  too loud' : '';
  return `${clockText(recording.frames / rate)}  ${barText(share, 30)}  ${levelText(recentPeak)}${clip}`;
}

/** Records until it is told to end, all is there, or nothing more comes. */
async function follow(
  capture: EngineCapture,
  recording: Recording,
  interrupt: Interrupt,
): Promise<void> {
  void interrupt.asked.then(() => capture.close());
  const line = new LiveLine();
  const refresh = setInterval(
    () => line.show(meterText(recording, capture.format.rate)),
    refreshMs,
  );
  try {
    for await (const block of capture) {
      recording.take(block);
      if (recording.isComplete) return;
    }
  } finally {
    clearInterval(refresh);
    line.clear();
  }
}

async function record(file: string, options: RecordOptions): Promise<void> {
  const { device, rate, channels, seconds, format, json } = options;
  const settings = readSettings({
    ...options,
    device: undefined,
    rate: undefined,
    channels: undefined,
  });
  using interrupt = new Interrupt();
  const captured = settings.device.capture;
  const input = device ?? (captured === 'none' ? 'default' : captured);
  // A device that is named is opened; else whoever listens already is asked.
  const owner = device === undefined ? await running(settings.engine.name) : null;
  await using source = owner ?? (await started(settings, input, interrupt));
  const wanted = { format, ...(rate && { rate }), ...(channels && { channels }) };
  // A disk that is slow for a moment costs nothing.
  using capture = await source.engine.capture({
    ...wanted,
    bufferFrames: Number.POSITIVE_INFINITY,
  });
  const { format: agreed } = capture;
  using writer = WavWriter.create(file, {
    rate: agreed.rate,
    channels: agreed.channels,
    samples: format,
  });
  const framesMax =
    seconds === undefined ? Number.POSITIVE_INFINITY : Math.round(seconds * agreed.rate);
  const recording = new Recording(writer, framesMax);
  if (!json) {
    const until = seconds === undefined ? 'until Ctrl-C' : `for ${clockText(seconds)}`;
    const what = `${rateText(agreed.rate)}, ${countText(agreed.channels, 'channel')}, ${format}`;
    const from = owner === null ? source.name : `engine ${source.name}`;
    say(`recording ${from} to ${file}, ${what}, ${until}`);
  }
  let failure: unknown = null;
  await follow(capture, recording, interrupt).catch((error) => {
    failure = error;
  });
  if (failure !== null) throw failure;
  writer.sync();
  tell(file, recording, capture, options);
  const lost = capture.droppedFrames + recording.deviceDropFrames + recording.awayFrames;
  process.exitCode = lost > 0 ? exitCodes.degraded : (interrupt.exitStatus ?? exitCodes.ok);
}

function tell(
  file: string,
  { frames, deviceDropFrames, awayFrames, peak }: Recording,
  { droppedFrames, format }: EngineCapture,
  { json }: RecordOptions,
): void {
  const { rate, channels } = format;
  if (json) {
    const peakDb = peak > 0 ? decibels(peak) : null;
    const lost = { droppedFrames, deviceDropFrames, awayFrames };
    sayJson({
      file,
      frames,
      seconds: frames / rate,
      rate,
      channels,
      format: format.format,
      peakDb,
      ...lost,
    });
    return;
  }
  say(
    `${file}: ${clockText(frames / rate)}, ${countText(frames, 'frame')}, peak ${levelText(peak)}`,
  );
  const losses = [
    [droppedFrames, 'were lost because this machine was too slow'],
    [deviceDropFrames, 'were lost by the device'],
    [awayFrames, 'are silence because the device was away'],
  ] as const;
  for (const [count, what] of losses) if (count > 0) say(`${countText(count, 'frame')} ${what}`);
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(
      command
        .argument('<file>', 'WAV file to write')
        .option('--device <name>', 'what to listen to, of `tenuto devices` (default: see below)')
        .option(
          '--rate <n>',
          'frames per second of the file (default: that of the engine)',
          wholeNumber,
        )
        .option('--channels <n>', 'channels of the file (default: as captured)', wholeNumber)
        .option('--seconds <n>', 'end after so many seconds (default: Ctrl-C)', positiveNumber)
        .addOption(
          new Option('--format <format>', 'samples of the file')
            .choices(['f32', 's16'])
            .default('f32'),
        ),
    ).addHelpText(
      'after',
      '\nWithout --device it records what the engine of --name listens to, if one runs that does;' +
        '\nelse the default input. Exit status 6 when frames were lost.',
    ),
    ['name', 'quantum', 'log-level', 'log-format'],
  ).action(record);
}
