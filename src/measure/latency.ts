import { TenutoError } from '../errors.js';
import { type Arrival, chanceOfError, findArrivals } from './arrivals.js';
import { type ChirpParameters, makeChirp } from './chirp.js';
import { Fourier } from './fourier.js';
import { demandInput } from './input-check.js';
import { MatchedFilter } from './matched-filter.js';
import type { PersistentStream, StreamIdentity, Take } from './persistent-stream.js';
import { refineCarrier } from './refinement.js';

/** How a round trip is measured. */
export interface LatencyOptions {
  /** Measurements; of an even number the median is the mean of the middle two. Default 10. */
  runs?: number;
  /** The longest round trip that is looked for, in milliseconds. Default 1200. */
  maxMs?: number;
  /** Captured channel, from 0. Default 0. */
  channel?: number;
  /** Default: 50 ms from 2 kHz to 20 kHz, or to 0.42 of the rate. */
  chirp?: Partial<Omit<ChirpParameters, 'rateHz'>>;
  /** The probability at which noise may be taken for the signal. Default 1e-6. */
  falseAlarm?: number;
  /** Told after each run. */
  onRun?: (run: LatencyRun, index: number) => void;
}

/** One round trip. */
export interface LatencyRun {
  /** From giving a frame to capturing it, with the fraction of a frame. */
  frames: number;
  /** Amplitude that came back, by that which was played. */
  level: number;
  /** Energy by the noise, in dB. */
  snrDb: number;
  /** Frames in the device's buffers at the time; null when the device does not say. */
  loopFrames: number | null;
}

/** A round-trip latency and what it is good for. */
export interface Latency {
  frames: number;
  ms: number;
  /** Median of the absolute differences from the median, in frames. */
  madFrames: number;
  /** From the least to the largest, in frames. */
  spreadFrames: number;
  /** 1 minus the probability that it is quite wrong. */
  confidence: number;
  runs: LatencyRun[];
  /** Runs that were played again because something came between. */
  repeats: number;
  /** Runs over another way through the device than most: they are left out. */
  otherWays: number;
  /** `frames` less those in the device's buffers: what stays the same when these change. */
  beyondBuffersFrames: number | null;
  /** The stream that it holds for. */
  stream: StreamIdentity;
  /** Null while nobody knows it. */
  rateErrorPpm: number | null;
}

/** Frames around the known latency in which the runs after the first look. */
const marginFrames = 4096;
const runsMax = 100_000;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function refuse(what: string): never {
  throw new TenutoError('TENUTO_MEASURE_PARAMETERS', what);
}

/** Finds one signal in takes of two lengths: long until the latency is known, then short. */
class LatencyMeter {
  private filter: MatchedFilter | null = null;

  constructor(
    private readonly fourier: Fourier,
    private readonly signal: Float32Array,
    private readonly falseAlarm: number,
  ) {}

  /** @throws TenutoError `TENUTO_MEASURE_NOTHING`, `_SILENT`, `_CLIPPED` */
  measure(take: Take, maxFrames: number): LatencyRun & { chance: number } {
    demandInput(take.input, take.peak);
    const { samples, rateHz } = take;
    if (this.filter?.recordedFrames !== samples.length) {
      this.filter = new MatchedFilter(this.fourier, this.signal, samples.length, rateHz);
    }
    const { filter } = this;
    const spectrum = filter.spectrumOf(samples);
    const search = {
      fromFrame: 0,
      toFrame: maxFrames,
      most: 3,
      falseAlarm: this.falseAlarm,
      rangeDb: 30,
    };
    const { found, cells } = findArrivals(filter, spectrum, search);
    // What is reflected comes later; the way itself is the first that is nearly as strong as any.
    const strong = found.filter(({ level }) => level > found[0]!.level / 2);
    const first: Arrival | undefined = strong.sort((a, b) => a.frame - b.frame)[0];
    if (first === undefined) {
      const text = `the signal did not come back within ${((maxFrames * 1000) / rateHz).toFixed(0)} ms`;
      throw new TenutoError('TENUTO_MEASURE_NOTHING', text);
    }
    return {
      frames: refineCarrier(filter, spectrum, first, 0),
      level: first.level,
      snrDb: first.snrDb,
      loopFrames: take.loopFrames,
      chance: chanceOfError(first, undefined, cells),
    };
  }
}

/** The default signal at a rate. */
export function latencyChirp(
  rateHz: number,
  chosen: LatencyOptions['chirp'] = {},
): ChirpParameters {
  const endHz = Math.min(20_000, rateHz * 0.42);
  return {
    kind: 'linear',
    startHz: Math.min(2000, endHz / 4),
    endHz,
    durationMs: 50,
    amplitude: 0.5,
    ...chosen,
    rateHz,
  };
}

/**
 * Measures how long it takes from giving a frame to the device until it is captured: over a cable,
 * a monitor, or through the air. Every run over the same open stream.
 *
 * @throws TenutoError `TENUTO_MEASURE_NOTHING` when nothing came back, `TENUTO_MEASURE_SILENT`,
 *   `TENUTO_MEASURE_CLIPPED`, `TENUTO_MEASURE_PARAMETERS`, `TENUTO_CALIBRATION_STALE` when the stream
 *   became another one in between, and what `PersistentStream.playAndRecord` throws
 */
export async function measureLatency(
  stream: PersistentStream,
  options: LatencyOptions = {},
): Promise<Latency> {
  const { runs = 10, maxMs = 1200, channel = 0, falseAlarm = 1e-6 } = options;
  if (!Number.isInteger(runs) || runs < 1 || runs > runsMax) refuse(`runs must be 1 to ${runsMax}`);
  if (!(maxMs > 0 && maxMs <= 10_000)) refuse('maxMs must be above 0 and at most 10000');
  const { rateHz } = stream;
  const signal = makeChirp(latencyChirp(rateHz, options.chirp));
  const meter = new LatencyMeter(await Fourier.load(), signal, falseAlarm);
  let maxFrames = Math.round((maxMs * rateHz) / 1000);
  const measured: (LatencyRun & { chance: number })[] = [];
  let identity: StreamIdentity | null = null;
  let repeats = 0;
  let rateErrorPpm: number | null = null;
  while (measured.length < runs) {
    const take = await stream.playAndRecord(signal, {
      extraRecordSec: maxFrames / rateHz,
      channel,
    });
    repeats += take.repeats;
    rateErrorPpm = take.rateErrorPpm;
    identity ??= take.stream;
    if (take.stream.generation !== identity.generation) {
      const text = `generation ${take.stream.generation} has followed ${identity.generation} between two runs`;
      throw new TenutoError('TENUTO_CALIBRATION_STALE', text);
    }
    const run = meter.measure(take, maxFrames);
    measured.push(run);
    options.onRun?.(run, measured.length - 1);
    // Now it is known about how long it takes: the rest need not wait for longer.
    const enough = Math.ceil(run.frames) + marginFrames;
    if (measured.length === 1) maxFrames = Math.min(maxFrames, enough);
  }
  return sumUp(measured, { stream: identity!, repeats, rateErrorPpm, rateHz });
}

function sumUp(
  measured: (LatencyRun & { chance: number })[],
  more: { stream: StreamIdentity; repeats: number; rateErrorPpm: number | null; rateHz: number },
): Latency {
  const { rateHz, ...told } = more;
  const middle = median(measured.map(({ frames }) => frames));
  // A way that a sound server has changed by a period is another way, not a spread of this one.
  const same = measured.filter(({ frames }) => Math.abs(frames - middle) < 8);
  const values = same.map(({ frames }) => frames);
  const frames = median(values);
  const loops = same.flatMap(({ loopFrames }) => (loopFrames === null ? [] : [loopFrames]));
  return {
    frames,
    ms: (frames * 1000) / rateHz,
    madFrames: median(values.map((value) => Math.abs(value - frames))),
    spreadFrames: Math.max(...values) - Math.min(...values),
    confidence: 1 - Math.max(...same.map(({ chance }) => chance)),
    runs: measured.map(({ chance: _, ...run }) => run),
    otherWays: measured.length - same.length,
    beyondBuffersFrames: loops.length === 0 ? null : frames - median(loops),
    ...told,
  };
}
