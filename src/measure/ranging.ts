import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { type Arrival, type Arrivals, chanceOfError, findArrivals } from './arrivals.js';
import { arrivalBoundSec } from './bounds.js';
import { type ChirpParameters, makeChirp } from './chirp.js';
import type { Fourier } from './fourier.js';
import { gridPerFrame, MatchedFilter } from './matched-filter.js';
import { type Medium, type SoundSpeed, soundSpeed } from './medium.js';
import { refineCarrier } from './refinement.js';

/** What is looked for, and how. */
export interface RangingParameters {
  chirp: ChirpParameters;
  medium: Medium;
  /** Distances in metres between which an echo counts. */
  minM: number;
  maxM: number;
  /** From the loudspeaker to the microphone, in metres. */
  spacingM: number;
  echo: 'strongest' | 'first';
  estimator: 'auto' | 'carrier' | 'envelope';
  /** Probability at which noise may be taken for an echo. */
  falseAlarm: number;
}

/** What is known of the way through the device. */
export interface Way {
  /** Frames from giving to the direct arrival, about. */
  directFrames: number;
  /** How far the direct arrival may be from there; 0: there is none, the time itself is exact. */
  withinFrames: number;
}

/** What was recorded without a target, with silence before and behind it, to be taken away. */
export interface Clutter {
  samples: Float32Array;
}

/** What is known of one recording. */
export interface RangeOptions {
  /** How much faster than nominal the device's clock runs; null, as long as nobody knows, for not at all. */
  rateErrorPpm?: number | null;
  clutter?: Clutter | null;
  /** Whether there was silence before it, although signals come again and again. */
  isFirst?: boolean;
}

/** Clutter as it is in a recording: its spectrum, and its own direct sound. */
interface KnownClutter {
  spectrum: Float32Array;
  direct: Arrival | null;
}

/** One reflection. */
export interface Echo {
  distanceM: number;
  /** From the loudspeaker to the target and back. */
  flightSec: number;
  /** Amplitude by that of the signal; below 0: turned over. */
  level: number;
  /** Energy by the noise, in dB. */
  snrDb: number;
  /** Standard deviation that no estimator can be better than (Cramér-Rao), in metres. */
  boundM: number;
  /** By which part of the signal the time was told. */
  by: 'carrier' | 'envelope';
}

/** One ranging. */
export interface Ranging {
  /** Null when there is no echo: none is guessed. */
  echo: Echo | null;
  /** In the order of distance. */
  echoes: Echo[];
  /** 1 minus the probability that the echo is not the right one; that there is none when there is none. */
  confidence: number;
  /** First to second echo, in dB; null without a second. */
  firstToSecondDb: number | null;
  sound: SoundSpeed;
  /** Where the direct sound arrived, in frames; the given time where there is none. */
  directFrames: number;
  directLevel: number | null;
  /** What was removed beforehand: the recording without a target, or the direct sound alone. */
  removed: 'clutter' | 'direct';
  /** Noise after the filter, by the amplitude of the signal. */
  noise: number;
}

/** Weaker echoes than this by the direct sound drown in what is not known of the transducers. */
const rangeDb = 90;
/** Before the direct sound there is nothing: its flank alone. */
const flankFrames = 64;
/** Phases within this of the direct sound's, in radians, are the same for the carrier's time. */
const phaseTolerance = 0.35;

function refuse(what: string): never {
  throw new TenutoError('TENUTO_MEASURE_PARAMETERS', what);
}

/** @throws TenutoError `TENUTO_MEASURE_PARAMETERS` */
export function checkRange({ minM, maxM, spacingM }: RangingParameters): void {
  if (!(minM >= 0) || !(maxM > minM))
    refuse(`the range must be 0 <= minM < maxM, not ${minM} to ${maxM}`);
  if (!(spacingM >= 0 && spacingM <= 100)) refuse('spacingM must be 0 to 100');
}

/** Frames from the direct arrival to that of an echo. */
function framesBetween(distanceM: number, spacingM: number, speedMps: number, rateHz: number) {
  const lengthM = 2 * Math.sqrt(distanceM ** 2 + (spacingM / 2) ** 2) - spacingM;
  return (lengthM / speedMps) * rateHz;
}

/**
 * The highest rate at which rangings can follow each other, in Hz: the last echo has to begin before the
 * next direct sound does, else nobody could say whose echo it is; and one signal has to be over.
 *
 * @throws TenutoError `TENUTO_MEASURE_PARAMETERS`
 */
export function rateMaxHz({ chirp, medium, maxM, spacingM }: RangingParameters): number {
  const { rateHz } = chirp;
  const { speedMps } = soundSpeed(medium);
  const echoes = framesBetween(maxM, spacingM, speedMps, rateHz) + 2 * flankFrames;
  return rateHz / Math.max(Math.ceil(echoes), makeChirp(chirp).length);
}

/** Finds echoes in recordings of one length: what of it can be prepared is prepared once. */
export class Ranger {
  readonly signal: Float32Array;
  readonly sound: SoundSpeed;
  /** Frames of the recording, and those of them in which the last echo is over. */
  readonly frames: number;
  readonly echoFrames: number;
  private readonly filter: MatchedFilter;
  private readonly known = new WeakMap<Clutter, { first?: KnownClutter; later?: KnownClutter }>();
  private heard: { envelope: Float32Array; beforeFrames: number; rateHz: number } | null = null;
  /** The next signal's direct sound begins before the last echo of this one is over. */
  private readonly overlaps: boolean;

  /**
   * @param periodFrames where the signal is played again and again: from one to the next
   * @throws TenutoError `TENUTO_MEASURE_PARAMETERS`
   */
  constructor(
    fourier: Fourier,
    readonly parameters: RangingParameters,
    readonly way: Way,
    readonly periodFrames: number | null = null,
  ) {
    checkRange(parameters);
    const { chirp, medium, maxM } = parameters;
    this.signal = makeChirp(chirp);
    this.sound = soundSpeed(medium);
    const direct = Math.ceil(way.directFrames + way.withinFrames) + flankFrames;
    const echoes = direct + Math.ceil(this.framesTo(maxM, chirp.rateHz)) + this.signal.length;
    this.echoFrames = echoes;
    const next = periodFrames === null ? Number.POSITIVE_INFINITY : direct + periodFrames;
    this.overlaps = next - 2 * way.withinFrames - 2 * flankFrames < echoes;
    // What is to be taken away has to be there whole: half a signal is none that a filter knows.
    this.frames = this.overlaps ? Math.max(echoes, next + this.signal.length) : echoes;
    if (this.frames > limits.recordedSecMax * chirp.rateHz) refuse(`maxM ${maxM} is too far`);
    this.filter = new MatchedFilter(fourier, this.signal, this.frames, chirp.rateHz);
  }

  /** How long to record after the signal. */
  get extraRecordSec(): number {
    return (this.frames - this.signal.length) / this.parameters.chirp.rateHz;
  }

  /** Frames from the direct arrival to that of an echo. */
  private framesTo(distanceM: number, rateHz: number): number {
    return framesBetween(distanceM, this.parameters.spacingM, this.sound.speedMps, rateHz);
  }

  /**
   * Ranges by a recording.
   *
   * @throws TenutoError `TENUTO_MEASURE_NOTHING` when the direct sound is not where it has to be
   */
  range(
    samples: Float32Array,
    { rateErrorPpm, clutter = null, isFirst = true }: RangeOptions = {},
  ): Ranging {
    const { filter, parameters, sound } = this;
    const rateHz = parameters.chirp.rateHz * (1 + (rateErrorPpm ?? 0) * 1e-6);
    const spectrum = filter.spectrumOf(samples);
    const direct = this.findDirect(spectrum);
    const directFrames = direct?.frame ?? this.way.directFrames;
    if (clutter !== null) this.removeClutter(spectrum, direct, this.know(clutter, isFirst));
    else if (direct !== null && this.overlaps) {
      // The next signal's direct sound is this one's, a period later to the frame.
      filter.add(spectrum, directFrames + this.periodFrames!, -direct.re, -direct.im);
    }
    const fromFrame = directFrames + this.framesTo(parameters.minM, rateHz);
    const toFrame = directFrames + this.framesTo(parameters.maxM, rateHz);
    // Without a recording of what is always there, all of it is told apart, so that it hides nothing.
    const begin = clutter !== null || direct === null ? fromFrame : directFrames - flankFrames;
    const searchedFrom = Math.max(0, Math.floor(begin));
    const arrivals = findArrivals(filter, spectrum, {
      fromFrame: searchedFrom,
      toFrame: Math.ceil(toFrame) + 1,
      most: limits.measureEchoesMax,
      falseAlarm: parameters.falseAlarm,
      rangeDb,
    });
    const isWithin = ({ frame }: Arrival) => frame >= fromFrame && frame <= toFrame;
    const found = arrivals.found.filter((one) => isWithin(one) && one.frame > directFrames + 1);
    const phase = direct === null ? 0 : Math.atan2(direct.im, direct.re);
    const echoes = found.map((one) =>
      this.describe(one, arrivals, { directFrames, phase, rateHz }),
    );
    const chosen = parameters.echo === 'strongest' ? 0 : earliest(found);
    const beforeFrames = directFrames - searchedFrom;
    this.heard = { envelope: arrivals.envelope, beforeFrames, rateHz };
    return {
      echo: echoes[chosen] ?? null,
      echoes: [...echoes].sort((a, b) => a.distanceM - b.distanceM),
      ...this.certainty(found, chosen, arrivals.cells),
      sound,
      directFrames,
      directLevel: direct?.level ?? null,
      removed: clutter === null ? 'direct' : 'clutter',
      noise: arrivals.noise,
    };
  }

  private certainty(found: Arrival[], chosen: number, cells: number) {
    const one = found[chosen];
    const { falseAlarm } = this.parameters;
    if (one === undefined) return { confidence: 1 - falseAlarm, firstToSecondDb: null };
    const second = this.parameters.echo === 'strongest' ? found[1] : undefined;
    const other = found.find((arrival) => arrival !== one);
    const firstToSecondDb = other === undefined ? null : 20 * Math.log10(one.level / other.level);
    return { confidence: 1 - chanceOfError(one, second, cells), firstToSecondDb };
  }

  private findDirect(spectrum: Float32Array): Arrival | null {
    const { filter, way } = this;
    if (way.withinFrames === 0) return null;
    const search = {
      fromFrame: Math.max(0, Math.floor(way.directFrames - way.withinFrames)),
      toFrame: Math.ceil(way.directFrames + way.withinFrames),
      most: 8,
      falseAlarm: 1e-6,
      rangeDb: 40,
    };
    const { found } = findArrivals(filter, spectrum, search);
    const strong = found.filter(({ level }) => level > found[0]!.level / 2);
    const direct = strong.sort((a, b) => a.frame - b.frame)[0];
    if (direct !== undefined) return direct;
    const { rateHz } = this.parameters.chirp;
    const place = ((way.directFrames * 1000) / rateHz).toFixed(2);
    const text = `the direct sound did not arrive where it did before, at ${place} ms`;
    throw new TenutoError('TENUTO_MEASURE_NOTHING', text);
  }

  /** Clutter as it is where the signal comes again and again: with that of its neighbours. */
  private know(clutter: Clutter, isFirst: boolean): KnownClutter {
    const kept = this.known.get(clutter) ?? {};
    this.known.set(clutter, kept);
    const key = isFirst ? 'first' : 'later';
    const found = kept[key];
    if (found !== undefined) return found;
    const { frames, periodFrames } = this;
    const samples = new Float32Array(frames);
    const shifts = periodFrames === null ? [0] : isFirst ? [0, 1] : [0, 1, -1];
    for (const shift of shifts) {
      const by = shift * (periodFrames ?? 0);
      const from = Math.max(0, by);
      const to = Math.min(frames, clutter.samples.length + by);
      for (let i = from; i < to; i++) samples[i]! += clutter.samples[i - by]!;
    }
    const spectrum = this.filter.spectrumOf(samples);
    const made = { spectrum, direct: this.findDirect(spectrum) };
    kept[key] = made;
    return made;
  }

  /**
   * Takes away what was recorded without a target: moved in time until its direct sound falls on this
   * one's, a fraction of a frame included, and as loud.
   */
  private removeClutter(
    spectrum: Float32Array,
    direct: Arrival | null,
    { spectrum: clutter, direct: own }: KnownClutter,
  ): void {
    const { filter } = this;
    const shift = own === null || direct === null ? 0 : direct.frame - own.frame;
    const gain = own === null || direct === null ? 1 : direct.level / own.level;
    const step = (-2 * Math.PI * shift) / filter.length;
    for (let bin = 1; bin < filter.length / 2; bin++) {
      const cos = gain * Math.cos(step * bin);
      const sin = gain * Math.sin(step * bin);
      const re = clutter[2 * bin]!;
      const im = clutter[2 * bin + 1]!;
      spectrum[2 * bin]! -= re * cos - im * sin;
      spectrum[2 * bin + 1]! -= re * sin + im * cos;
    }
  }

  private describe(
    arrival: Arrival,
    { rest }: Arrivals,
    at: { directFrames: number; phase: number; rateHz: number },
  ): Echo {
    const { filter, parameters, sound } = this;
    const ratio = arrival.peak ** 2;
    const outlineSec = arrivalBoundSec(filter.shape, ratio, false);
    const turned = phaseDifference(Math.atan2(arrival.im, arrival.re), at.phase);
    const by = this.choose(turned, outlineSec, arrival.peak);
    let { frame } = arrival;
    if (by === 'carrier') {
      // Alone, without the others, as it was found.
      filter.add(rest, arrival.frame, arrival.re, arrival.im);
      frame = refineCarrier(filter, rest, arrival, at.phase);
      filter.add(rest, arrival.frame, -arrival.re, -arrival.im);
    }
    const pastDirectSec = (frame - at.directFrames) / at.rateHz;
    const flightSec = pastDirectSec + parameters.spacingM / sound.speedMps;
    const lengthM = flightSec * sound.speedMps;
    const distanceM = Math.sqrt(Math.max(0, (lengthM / 2) ** 2 - (parameters.spacingM / 2) ** 2));
    const boundSec = arrivalBoundSec(filter.shape, ratio, by === 'carrier');
    return {
      distanceM,
      flightSec,
      level: arrival.level * (Math.abs(turned) > Math.PI / 2 ? -1 : 1),
      snrDb: arrival.snrDb,
      boundM: (sound.speedMps * boundSec) / 2,
      by,
    };
  }

  /** The carrier where its next wave cannot be taken for it, and the phase is that of the direct sound. */
  private choose(turned: number, outlineSec: number, peak: number): 'carrier' | 'envelope' {
    const { estimator } = this.parameters;
    if (estimator !== 'auto') return estimator;
    const { meanHz } = this.filter.shape;
    if (outlineSec > 1 / (16 * meanHz)) return 'envelope';
    const off = Math.min(Math.abs(turned), Math.PI - Math.abs(turned));
    const spread = Math.hypot(2 * Math.PI * meanHz * outlineSec, 1 / peak);
    return off <= Math.max(phaseTolerance, 4 * spread) ? 'carrier' : 'envelope';
  }

  /**
   * The envelope of what was ranged last by distance, without the clutter that was removed: `points` of
   * it from 0 to `maxM`, each the highest of its part; null before the first.
   */
  profile(points: number): Float32Array | null {
    if (this.heard === null) return null;
    const { envelope, beforeFrames, rateHz } = this.heard;
    const { maxM } = this.parameters;
    const profile = new Float32Array(points);
    const placeOf = (point: number) =>
      Math.round((beforeFrames + this.framesTo((point / points) * maxM, rateHz)) * gridPerFrame);
    let from = placeOf(0);
    for (let point = 0; point < points; point++) {
      const to = placeOf(point + 1);
      for (let i = Math.max(0, from); i < Math.min(Math.max(from + 1, to), envelope.length); i++) {
        profile[point] = Math.max(profile[point]!, envelope[i]!);
      }
      from = to;
    }
    return profile;
  }
}

/** From one phase to another, -π to π. */
function phaseDifference(a: number, b: number): number {
  return Math.atan2(Math.sin(a - b), Math.cos(a - b));
}

function earliest(found: readonly Arrival[]): number {
  let first = 0;
  for (const [i, { frame }] of found.entries()) if (frame < found[first]!.frame) first = i;
  return first;
}
