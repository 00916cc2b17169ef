import type { Command } from 'commander';
import type { EngineCapture, EngineConnection, RunningEngine } from '../../client/index.js';
import { TenutoError } from '../../errors.js';
import type { Spectrum } from '../../measure/index.js';
import { Interrupt } from '../interrupt.js';
import { type MeasureOptions, measureFlags, readMeasureSettings } from '../measure-session.js';
import { addCommonOptions, addSettingOptions, positiveNumber } from '../options.js';
import { barPlot, linePlot } from '../plot.js';
import { connectIfRunning, openPlayingEngine } from '../running-engine.js';
import { Screen } from '../screen.js';
import { paint, say, sayJson } from '../terminal.js';

interface ScopeCommand extends MeasureOptions {
  fps: number;
  ms: number;
  seconds?: number;
  level: string;
}

const spectrumFrames = 8192;
const spectrumScale = { low: -100, high: 0 };
/** The lowest frequency that is drawn: ten octaves fit up to 20 kHz. */
const lowestHz = 20;

/** One picture: a stretch of the wave that begins at the trigger, its level, and its spectrum. */
interface Picture {
  wave: Float32Array;
  peak: number;
  rms: number;
  spectrum: Spectrum;
}

/** Levels at frequencies that are evenly spaced by octaves, each the highest of its part. */
function byOctaves({ levelsDb, binHz }: Spectrum, points: number): Float32Array {
  const octaves = Math.log2((levelsDb.length * binHz) / lowestHz);
  const binAt = (point: number) => (lowestHz * 2 ** ((octaves * point) / points)) / binHz;
  return Float32Array.from({ length: points }, (_, point) => {
    const from = Math.floor(binAt(point));
    const to = Math.max(from + 1, Math.floor(binAt(point + 1)));
    let most = spectrumScale.low;
    for (let bin = from; bin < to; bin++) most = Math.max(most, levelsDb[bin] ?? -200);
    return most;
  });
}

const decibels = (level: number) => (level > 0 ? 20 * Math.log10(level) : -200);
const dbText = (db: number) => (db <= -200 ? 'silent' : `${db.toFixed(1)} dB`);

function numbers({ peak, rms, spectrum }: Picture): string {
  const clipped = peak >= 0.9988 ? `  ${paint('red', 'overdriven', process.stdout)}` : '';
  return (
    `peak ${dbText(decibels(peak))}  rms ${dbText(decibels(rms))}  ` +
    `strongest ${spectrum.peakHz.toFixed(1)} Hz at ${dbText(spectrum.peakDb)}${clipped}`
  );
}

function draw(screen: Screen, picture: Picture, ms: number): void {
  const width = Math.min(screen.columns - 2, 160);
  const height = Math.max(3, Math.floor((Math.min(screen.rows, 40) - 6) / 2));
  const high = Math.max(1e-4, picture.peak);
  screen.draw([
    numbers(picture),
    ...linePlot(picture.wave, { width, height }, { low: -high, high }),
    paint('dim', `${ms} ms, ${dbText(decibels(high))} at the edge`, process.stdout),
    ...barPlot(byOctaves(picture.spectrum, 2 * width), { width, height }, spectrumScale),
    paint(
      'dim',
      `20 Hz to half the rate by octaves, ${spectrumScale.low} to 0 dB; q ends`,
      process.stdout,
    ),
  ]);
}

/** The last frames of one channel of what is captured. */
async function* pictures(
  capture: EngineCapture,
  {
    channel,
    ms,
    level,
    isOver,
  }: { channel: number; ms: number; level: number; isOver: () => boolean },
): AsyncGenerator<Picture> {
  const { Fourier, spectrumOf, triggerAt } = await import('../../measure/index.js');
  const fourier = await Fourier.load();
  const { channels, rate } = capture.format;
  const waveFrames = Math.round((ms * rate) / 1000);
  const wanted = new Float32Array((spectrumFrames + 2 * waveFrames) * channels);
  const mono = new Float32Array(wanted.length / channels);
  while (!isOver()) {
    // What waited meanwhile is old: the newest is shown.
    while (capture.readNow(wanted) === mono.length);
    const frames = await capture.read(wanted);
    if (frames < mono.length) return;
    for (let i = 0; i < frames; i++) mono[i] = wanted[i * channels + channel]!;
    const at = triggerAt(mono, level, waveFrames);
    const last = mono.subarray(mono.length - spectrumFrames);
    const squares = last.reduce((sum, x) => sum + x * x, 0);
    yield {
      wave: mono.slice(at, at + waveFrames),
      peak: last.reduce((most, x) => Math.max(most, Math.abs(x)), 0),
      rms: Math.sqrt(squares / last.length),
      spectrum: spectrumOf(fourier, last.slice(), rate),
    };
  }
}

async function run(options: ScopeCommand): Promise<void> {
  const settings = await readMeasureSettings(options);
  using interrupt = new Interrupt();
  const own = options.device !== undefined || options.capture !== undefined;
  const running = own ? null : await connectIfRunning(settings.engine.name);
  await using engine: RunningEngine | EngineConnection =
    running ?? (await openPlayingEngine(settings, true));
  using capture = await engine.capture({ format: 'f32' });
  void interrupt.asked.then(() => capture.close());
  const { channel } = settings.measure;
  if (channel >= capture.format.channels) {
    const text = `there is no channel ${channel}: ${capture.format.channels} are captured, from 0`;
    throw new TenutoError('TENUTO_MEASURE_PARAMETERS', text);
  }
  const isLive = process.stdout.isTTY === true && !options.json;
  using screen = isLive
    ? new Screen((key) => {
        if (key === 'q' || key === '\u0003') capture.close();
      })
    : null;
  const endMs = performance.now() + (options.seconds ?? Number.POSITIVE_INFINITY) * 1000;
  const isOver = () => performance.now() >= endMs || capture.state === 'closed';
  const shown = { channel, ms: options.ms, level: Number(options.level), isOver };
  for await (const picture of pictures(capture, shown)) {
    if (screen !== null) draw(screen, picture, options.ms);
    else if (options.json) {
      const { peak, rms, spectrum } = picture;
      const levels = { peakDb: decibels(peak), rmsDb: decibels(rms) };
      sayJson({ ...levels, strongestHz: spectrum.peakHz, strongestDb: spectrum.peakDb });
    } else say(numbers(picture));
    await new Promise((resolve) => setTimeout(resolve, 1000 / options.fps));
  }
  process.exitCode = interrupt.exitStatus ?? 0;
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(
      command
        .option('--fps <n>', 'pictures a second', positiveNumber, 10)
        .option('--ms <n>', 'milliseconds of the wave that are shown', positiveNumber, 10)
        .option('--level <n>', 'the wave begins where it rises through this', '0')
        .option('--seconds <n>', 'end after so many seconds (default: Ctrl-C)', positiveNumber),
    ).addHelpText(
      'after',
      '\nOver a running engine of --name that listens, else over one of its own.',
    ),
    measureFlags,
  ).action(run);
}
