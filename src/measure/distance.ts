import { TenutoError } from '../errors.js';
import type { MeasureSettings } from '../settings/index.js';
import { type Calibration, calibrationOf, demandCalibration } from './calibration.js';
import { type ChirpParameters, checkChirp, makeChirp } from './chirp.js';
import { Fourier } from './fourier.js';
import { demandInput } from './input-check.js';
import { measureLatency, median } from './latency.js';
import { soundSpeed } from './medium.js';
import type { PersistentStream, StreamIdentity, Take } from './persistent-stream.js';
import { checkRange, Ranger, type Ranging, type RangingParameters, type Way } from './ranging.js';

/** How a distance is measured. */
export interface DistanceOptions {
  /** Rangings; the result is that of their median. Default 1. */
  runs?: number;
  /** Made on this very stream; without one the direct sound is found in each recording. */
  calibration?: Calibration | null;
}

/** A distance, and what it is good for. */
export interface Distance extends Ranging {
  /** Median of the absolute differences from the median, in metres; null without an echo. */
  madM: number | null;
  runs: Ranging[];
  /** Takes that were played again because something came between. */
  repeats: number;
  stream: StreamIdentity;
  /** Null while nobody knows it. */
  rateErrorPpm: number | null;
  /** The last recording. */
  take: Take;
}

/** Around the known place of the direct sound: more than a clock runs away in a second. */
const withinFrames = 192;
const clutterTakes = 8;

/** The chirp that the settings ask for, at a rate. @throws TenutoError `TENUTO_MEASURE_PARAMETERS` */
export function chirpOf(settings: MeasureSettings, rateHz: number): ChirpParameters {
  const { kind, startHz, endHz, durationMs, amplitude, lowHz, highHz } = settings;
  const chirp = { kind, startHz, endHz, durationMs, amplitude, rateHz };
  checkChirp(chirp, { lowHz, highHz: highHz === 0 ? rateHz : highHz });
  return chirp;
}

/** What the settings ask for. @throws TenutoError `TENUTO_MEASURE_PARAMETERS` */
export function rangingParameters(settings: MeasureSettings, rateHz: number): RangingParameters {
  const { medium: kind, temperatureC, humidityPercent, salinityPpt, depthM } = settings;
  const { minM, maxM, spacingM, echo, estimator, falseAlarm } = settings;
  const medium = { kind, temperatureC, humidityPercent, salinityPpt, depthM };
  const chirp = chirpOf(settings, rateHz);
  const parameters = { chirp, medium, minM, maxM, spacingM, echo, estimator, falseAlarm };
  checkRange(parameters);
  return parameters;
}

/**
 * Where the direct sound arrives: by the calibration, by the latency in the settings, or as it is
 * found when it is looked for once.
 *
 * @throws TenutoError `TENUTO_MEASURE_NOTHING` when no sound arrives at all, and what a take throws
 */
export async function findWay(
  stream: PersistentStream,
  settings: MeasureSettings,
  calibration: Calibration | null,
): Promise<Way> {
  const parameters = rangingParameters(settings, stream.rateHz);
  if (calibration !== null) return { directFrames: calibration.latency.frames, withinFrames };
  if (settings.latencyMs > 0) {
    const acousticSec = settings.spacingM / soundSpeed(parameters.medium).speedMps;
    const directFrames = (settings.latencyMs / 1000 + acousticSec) * stream.rateHz;
    return { directFrames, withinFrames: 0 };
  }
  const { chirp } = parameters;
  const latency = await measureLatency(stream, { runs: 1, chirp, channel: settings.channel });
  return { directFrames: latency.frames, withinFrames };
}

/**
 * Measures one distance. When there is no echo it says so (`echo` is null) and does not guess.
 *
 * @throws TenutoError `TENUTO_MEASURE_PARAMETERS`, `TENUTO_CALIBRATION_STALE` when the calibration is of
 *   another stream, `TENUTO_MEASURE_NOTHING` when not even the direct sound arrives,
 *   `TENUTO_MEASURE_SILENT`, `TENUTO_MEASURE_CLIPPED`, and what `PersistentStream.playAndRecord` throws
 */
export async function measureDistance(
  stream: PersistentStream,
  settings: MeasureSettings,
  options: DistanceOptions = {},
): Promise<Distance> {
  const { runs = 1, calibration = null } = options;
  if (!Number.isInteger(runs) || runs < 1 || runs > 1000) {
    throw new TenutoError('TENUTO_MEASURE_PARAMETERS', 'runs must be 1 to 1000');
  }
  const way = await findWay(stream, settings, calibration);
  const fourier = await Fourier.load();
  const ranger = new Ranger(fourier, rangingParameters(settings, stream.rateHz), way);
  const rangings: Ranging[] = [];
  let repeats = 0;
  let first: StreamIdentity | null = null;
  for (;;) {
    const { extraRecordSec, signal } = ranger;
    const take = await stream.playAndRecord(signal, { extraRecordSec, channel: settings.channel });
    repeats += take.repeats;
    first ??= take.stream;
    const ranging = rangeTake(ranger, take, { calibration, generation: first.generation });
    rangings.push(ranging);
    if (rangings.length < runs) continue;
    const { stream: identity, rateErrorPpm } = take;
    return { ...middleOf(rangings), runs: rangings, repeats, stream: identity, rateErrorPpm, take };
  }
}

/**
 * Ranges by a take, if it is of the stream that was calibrated.
 *
 * @throws TenutoError `TENUTO_CALIBRATION_STALE`, `TENUTO_MEASURE_SILENT`, `TENUTO_MEASURE_CLIPPED`,
 *   `TENUTO_MEASURE_NOTHING`
 */
export function rangeTake(
  ranger: Ranger,
  take: Take,
  known: { calibration: Calibration | null; generation: number; isFirst?: boolean },
): Ranging {
  const { calibration, generation, isFirst = true } = known;
  if (calibration !== null) demandCalibration(calibration, take);
  if (take.stream.generation !== generation) {
    const text = `generation ${take.stream.generation} of the stream has followed ${generation} meanwhile`;
    throw new TenutoError('TENUTO_CALIBRATION_STALE', text);
  }
  demandInput(take.input, take.peak);
  const clutter = clutterFor(calibration, ranger);
  const { samples, rateErrorPpm } = take;
  return ranger.range(samples, { rateErrorPpm, clutter, isFirst });
}

/** The recording without a target, if it was made with this very signal. */
function clutterFor(calibration: Calibration | null, { parameters, echoFrames }: Ranger) {
  const clutter = calibration?.clutter ?? null;
  if (clutter === null) return null;
  const same = makeChirp(clutter.chirp) === makeChirp(parameters.chirp);
  if (same && clutter.samples.length >= echoFrames) return clutter;
  const what = same ? 'a shorter range' : 'another signal';
  throw new TenutoError(
    'TENUTO_CALIBRATION_STALE',
    `the calibration is refused: it was made with ${what}`,
  );
}

/** The ranging in the middle of several; none where most of them found nothing. */
function middleOf(rangings: readonly Ranging[]): Ranging & { madM: number | null } {
  const found = rangings.filter(({ echo }) => echo !== null);
  if (2 * found.length <= rangings.length) {
    const nothing = rangings.find(({ echo }) => echo === null);
    return { ...(nothing ?? rangings[0]!), madM: null };
  }
  const distances = found.map(({ echo }) => echo!.distanceM);
  const middle = median(distances);
  const madM = median(distances.map((distance) => Math.abs(distance - middle)));
  const nearest = found.reduce((best, one) =>
    Math.abs(one.echo!.distanceM - middle) < Math.abs(best.echo!.distanceM - middle) ? one : best,
  );
  return { ...nearest, echo: { ...nearest.echo!, distanceM: middle }, madM };
}

/**
 * Records what is there without a target, several times, so that rangings over the same stream can
 * take it away. What sounds on after `maxM` is recorded for `moreSec` longer, for those that follow
 * each other so quickly that it is still to be heard.
 *
 * @throws TenutoError as `measureDistance`
 */
export async function calibrate(
  stream: PersistentStream,
  settings: MeasureSettings,
  { takes = clutterTakes, savedAt = new Date().toISOString(), moreSec = 0 } = {},
): Promise<Calibration> {
  const parameters = rangingParameters(settings, stream.rateHz);
  const { chirp } = parameters;
  const latency = await measureLatency(stream, { runs: 3, chirp, channel: settings.channel });
  const calibration = calibrationOf(latency, savedAt);
  const way = { directFrames: latency.frames, withinFrames };
  const ranger = new Ranger(await Fourier.load(), parameters, way);
  // A little more, so that it also covers recordings whose way is found anew.
  const { signal } = ranger;
  const extraRecordSec = ranger.extraRecordSec + withinFrames / stream.rateHz + moreSec;
  const sums: Float64Array[] = [];
  let loopFrames: number | null = null;
  for (let i = 0; i < takes; i++) {
    const take = await stream.playAndRecord(signal, { extraRecordSec, channel: settings.channel });
    demandInput(take.input, take.peak);
    demandCalibration(calibration, take);
    loopFrames ??= take.loopFrames;
    // Over a way that a server changed by a period it would fall beside the others.
    if (take.loopFrames === loopFrames) sums.push(Float64Array.from(take.samples));
  }
  const samples = new Float32Array(sums[0]!.length);
  for (let i = 0; i < samples.length; i++) {
    samples[i] = sums.reduce((sum, one) => sum + one[i]!, 0) / sums.length;
  }
  return { ...calibration, clutter: { chirp, takes: sums.length, samples } };
}
