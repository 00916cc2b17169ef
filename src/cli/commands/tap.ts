import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { EngineTap, TapPoint } from '../../client/index.js';
import { TenutoError } from '../../errors.js';
import { usageError } from '../failure.js';
import { Interrupt } from '../interrupt.js';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  positiveNumber,
  readSettings,
} from '../options.js';
import { decibels, decibelText, drawWave, findTrigger, levelShare } from '../scope.js';
import { Screen } from '../screen.js';
import { barText, clockText, LiveLine, say, sayJson } from '../terminal.js';

interface TapOptions extends CommonOptions {
  node?: string;
  output?: string;
  seconds?: number;
}

const lookMs = 10;
const drawMs = 50;
const aliveMs = 500;
const wavChannelsMax = 8;
/** Seconds that a scope shows across. */
const scopeSec = 0.02;
const levelRows = 6;
/** What waits for a slow reader of a pipe; then the engine's journal waits, for 11 seconds. */
const pipeBytesMax = 1 << 20;

/** What was tapped so far. */
interface Heard {
  frames: number;
  lostTicks: number;
  firstTick: number | null;
  peak: number[];
  squares: number[];
}

/** Takes what is tapped: a file, standard output, the screen, or nobody. */
interface Ear {
  /** It cannot take more just now. */
  readonly isFull?: boolean;
  take(samples: Float32Array, lanes: number): void;
  /** Time for what is not to be done for each quantum. */
  rest?(heard: Heard): void;
  close(): void;
}

class FileEar implements Ear {
  private readonly line = new LiveLine();

  constructor(
    private readonly writer: { append(samples: Float32Array): void; close(): void },
    private readonly rate: number,
  ) {}

  take(samples: Float32Array): void {
    this.writer.append(samples);
  }

  rest({ frames }: Heard): void {
    this.line.show(`tapped ${clockText(frames / this.rate)}`);
  }

  close(): void {
    this.line.clear();
    this.writer.close();
  }
}

/** Raw float32, little-endian, interleaved. */
class PipeEar implements Ear {
  get isFull(): boolean {
    return process.stdout.writableLength > pipeBytesMax;
  }

  take(samples: Float32Array): void {
    const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    process.stdout.write(Buffer.from(bytes));
  }

  close(): void {}
}

/** A level and a wave of each lane, or of the first of many. */
class ScreenEar implements Ear {
  private readonly screen: Screen;
  private wave = new Float32Array(0);
  private filled = 0;
  private drawnMs = 0;
  private peaks: number[] = [];

  constructor(
    private readonly point: TapPoint,
    private readonly rate: number,
    onQuit: () => void,
  ) {
    this.wave = new Float32Array(Math.ceil(2 * scopeSec * rate));
    this.screen = new Screen((key) => {
      if (key === 'q' || key === '\u0003') onQuit();
    });
  }

  take(samples: Float32Array, lanes: number): void {
    for (let lane = 0; lane < lanes; lane++) this.peaks[lane] = (this.peaks[lane] ?? 0) * 0.97;
    for (let i = 0; i < samples.length; i += lanes) {
      for (let lane = 0; lane < lanes; lane++) {
        const level = Math.abs(samples[i + lane]!);
        if (level > this.peaks[lane]!) this.peaks[lane] = level;
      }
      if (this.filled < this.wave.length) this.wave[this.filled++] = samples[i]!;
    }
    if (this.filled < this.wave.length || performance.now() - this.drawnMs < drawMs) return;
    this.drawnMs = performance.now();
    this.draw();
    this.filled = 0;
  }

  private draw(): void {
    const { columns, rows } = this.screen;
    const shown = this.peaks.slice(0, levelRows);
    const bar = Math.max(4, columns - 14);
    const levels = shown.map((peak) => `${decibelText(peak)} ${barText(levelShare(peak), bar)}`);
    const half = this.wave.length >> 1;
    const from = findTrigger(this.wave, half);
    const wave = this.wave.subarray(from, from + half);
    const peak = Math.max(1e-6, ...wave.map(Math.abs));
    const height = Math.max(2, rows - levels.length - 3);
    this.screen.draw([
      `${this.point.address}  ${this.point.lanes} lanes  ${this.rate} Hz`.slice(0, columns - 1),
      ...levels,
      ...drawWave(wave, { columns: columns - 1, rows: height, peak }),
      `${scopeSec * 1000} ms across, ${peak.toPrecision(3)} up; q quits`.slice(0, columns - 1),
    ]);
  }

  close(): void {
    this.screen.close();
  }
}

const nobody: Ear = { take() {}, close() {} };

async function earFor(options: TapOptions, tap: EngineTap, onQuit: () => void): Promise<Ear> {
  const [point] = tap.points;
  const { output } = options;
  if (output === '-') return new PipeEar();
  if (output !== undefined) {
    const { WavWriter } = await import('../../media/wav-writer.js');
    const channels = point!.lanes;
    if (channels > wavChannelsMax) {
      throw usageError(`${point!.address} has ${channels} lanes; a WAV file has ${wavChannelsMax}`);
    }
    return new FileEar(WavWriter.create(output, { rate: tap.rate, channels }), tap.rate);
  }
  const draws = process.stdout.isTTY === true && !options.json;
  return draws ? new ScreenEar(point!, tap.rate, onQuit) : nobody;
}

function note(heard: Heard, samples: Float32Array, lanes: number): void {
  for (let lane = 0; lane < lanes; lane++) {
    let peak = heard.peak[lane] ?? 0;
    let squares = heard.squares[lane] ?? 0;
    for (let i = lane; i < samples.length; i += lanes) {
      peak = Math.max(peak, Math.abs(samples[i]!));
      squares += samples[i]! * samples[i]!;
    }
    heard.peak[lane] = peak;
    heard.squares[lane] = squares;
  }
  heard.frames += samples.length / lanes;
}

/** Follows the tap until it is over. What it lost is silence, so that time stays right. */
async function follow(
  tap: EngineTap,
  ear: Ear,
  { seconds, isOver }: { seconds: number | undefined; isOver: () => boolean },
): Promise<Heard> {
  const point = tap.points[0]!;
  const { lanes } = point;
  const heard: Heard = { frames: 0, lostTicks: 0, firstTick: null, peak: [], squares: [] };
  const wanted = seconds === undefined ? Number.POSITIVE_INFINITY : Math.round(seconds * tap.rate);
  const silence = new Float32Array(tap.quantum * lanes);
  const give = (samples: Float32Array) => {
    const left = Math.min(samples.length, (wanted - heard.frames) * lanes);
    const part = samples.subarray(0, left);
    note(heard, part, lanes);
    ear.take(part, lanes);
  };
  let askedMs = performance.now();
  while (!isOver() && heard.frames < wanted) {
    const turnMs = performance.now();
    const hasTime = () => performance.now() - turnMs < drawMs && !ear.isFull;
    while (heard.frames < wanted && hasTime() && tap.next()) {
      heard.firstTick ??= tap.tick >>> 0;
      for (; heard.lostTicks < tap.lostTicks; heard.lostTicks++) {
        if (heard.frames < wanted) give(silence);
      }
      // The patch may be changed into one that has no such point.
      give(point.lanes === lanes ? point.samples : silence);
    }
    ear.rest?.(heard);
    await delay(lookMs);
    if (performance.now() - askedMs < aliveMs) continue;
    askedMs = performance.now();
    if (tap.isEnded) break;
  }
  return heard;
}

function rms({ squares, frames }: Heard): number[] {
  return squares.map((sum) => Math.sqrt(sum / Math.max(1, frames)));
}

async function tap(options: TapOptions): Promise<void> {
  const { name } = readSettings(options).engine;
  const { connectEngine } = await import('../../client/index.js');
  await using engine = await connectEngine(name);
  const address = options.node ?? 'master';
  using tapped = await engine.tap([address]);
  using interrupt = new Interrupt();
  let hasQuit = false;
  const ear = await earFor(options, tapped, () => {
    hasQuit = true;
  });
  let heard: Heard;
  try {
    const isOver = () => hasQuit || interrupt.signal !== null;
    heard = await follow(tapped, ear, { seconds: options.seconds, isOver });
  } finally {
    ear.close();
  }
  const { lanes } = tapped.points[0]!;
  const levels = { peakDb: heard.peak.map(decibels), rmsDb: rms(heard).map(decibels) };
  if (options.json) {
    const { frames, lostTicks, firstTick } = heard;
    sayJson({
      node: address,
      output: options.output,
      lanes,
      frames,
      firstTick,
      lostTicks,
      ...levels,
    });
  } else if (options.output !== '-') {
    const lost = heard.lostTicks > 0 ? `, ${heard.lostTicks} ticks lost: silence` : '';
    say(
      `${address}: ${(heard.frames / tapped.rate).toFixed(2)} s, peak${heard.peak.map(decibelText).join('')},` +
        ` rms${rms(heard).map(decibelText).join('')}${lost}`,
    );
  }
  if (options.seconds !== undefined && heard.frames === 0 && interrupt.signal === null) {
    throw new TenutoError('TENUTO_ENGINE_UNREACHABLE', `engine "${name}" ended`);
  }
  if (interrupt.signal !== null) process.exitCode = interrupt.exitStatus ?? 0;
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(
      command
        .addOption(
          new Option(
            '--node <point>',
            'a node, one of its outputs or ports as in osc1, seq1.freq, filter1.cutoff; ' +
              'or master, all that is played',
          ).default('master'),
        )
        .option('-o, --output <file>', 'float32 WAV file to write; - gives raw float32 to a pipe')
        .option('--seconds <n>', 'end after so many seconds', positiveNumber),
    ),
    ['name'],
  ).action(tap);
}
