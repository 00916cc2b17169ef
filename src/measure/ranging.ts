import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { type Arrival, type Arrivals, chanceOfError, findArrivals } from './arrivals.js';
import { arrivalBoundSec } from './bounds.js';
import { type ChirpParameters, makeChirp } from './chirp.js';
import type { Fourier } from './fourier.js';
import { MatchedFilter } from './matched-filter.js';
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

/** What was recorded without a target, to be taken away. */
export interface Clutter {
  samples: Float32Array;
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

/** Finds echoes in recordings of one length: what of it can be prepared is prepared once. */
export class Ranger {
  readonly signal: Float32Array;
  readonly sound: SoundSpeed;
  /** Frames of the recording. */
  readonly frames: number;
  private readonly filter: MatchedFilter;

  /** @throws TenutoError `TENUTO_MEASURE_PARAMETERS` */
  constructor(
    fourier: Fourier,
    readonly parameters: RangingParameters,
    readonly way: Way,
  ) {
    checkRange(parameters);
    const { chirp, medium, maxM } = parameters;
    this.signal = makeChirp(chirp);
    this.sound = soundSpeed(medium);
    const last = way.directFrames + way.withinFrames + this.framesTo(maxM, chirp.rateHz);
    this.frames = this.signal.length + Math.ceil(last) + flankFrames;
    if (this.frames > limits.recordedSecMax * chirp.rateHz) refuse(`maxM ${maxM} is too far`);
    this.filter = new MatchedFilter(fourier, this.signal, this.frames, chirp.rateHz);
  }

  /** How long to record after the signal. */
  get extraRecordSec(): number {
    return (this.frames - this.signal.length) / this.parameters.chirp.rateHz;
  }

  /** Frames from the direct arrival to that of an echo. */
  private framesTo(distanceM: number, rateHz: number): number {
    const { spacingM } = this.parameters;
    const lengthM = 2 * Math.hypot(distanceM, spacingM / 2) - spacingM;
    return (lengthM / this.sound.speedMps) * rateHz;
  }

  /**
   * Ranges by a recording.
   *
   * @param rateErrorPpm how much faster than nominal the device's clock runs
   * @throws TenutoError `TENUTO_MEASURE_NOTHING` when the direct sound is not where it has to be
   */
  range(
    samples: Float32Array,
    { rateErrorPpm = 0, clutter = null as Clutter | null } = {},
  ): Ranging {
    const { filter, parameters, sound } = this;
    const rateHz = parameters.chirp.rateHz * (1 + rateErrorPpm * 1e-6);
    const spectrum = filter.spectrumOf(samples);
    const direct = this.findDirect(spectrum);
    const directFrames = direct?.frame ?? this.way.directFrames;
    if (clutter !== null) this.removeClutter(spectrum, direct, clutter);
    const fromFrame = directFrames + this.framesTo(parameters.minM, rateHz);
    const toFrame = directFrames + this.framesTo(parameters.maxM, rateHz);
    // Without a recording of what is always there, all of it is told apart, so that it hides nothing.
    const begin = clutter !== null || direct === null ? fromFrame : directFrames - flankFrames;
    const arrivals = findArrivals(filter, spectrum, {
      fromFrame: Math.max(0, Math.floor(begin)),
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

  /**
   * Takes away what was recorded without a target: moved in time until its direct sound falls on this
   * one's, a fraction of a frame included, and as loud.
   */
  private removeClutter(
    spectrum: Float32Array,
    direct: Arrival | null,
    { samples }: Clutter,
  ): void {
    const { filter } = this;
    const clutter = filter.spectrumOf(samples);
    const own = direct === null ? null : this.findDirect(clutter);
    const shift = own === null ? 0 : direct!.frame - own.frame;
    const gain = own === null ? 1 : direct!.level / own.level;
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
      const own = Float32Array.from(rest);
      filter.add(own, arrival.frame, arrival.re, arrival.im);
      frame = refineCarrier(filter, own, arrival, at.phase);
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

  /** The envelope of what was heard by distance, `points` of it from 0 to `maxM`: each the highest of its part. */
  profile(samples: Float32Array, { directFrames }: Ranging, points: number): Float32Array {
    const { filter, parameters } = this;
    const { rateHz } = parameters.chirp;
    const toFrame = directFrames + this.framesTo(parameters.maxM, rateHz);
    const envelope = filter.envelope(filter.spectrumOf(samples), directFrames, toFrame);
    const profile = new Float32Array(points);
    for (let i = 0; i < envelope.length; i++) {
      const at = Math.min(points - 1, Math.floor((i / envelope.length) * points));
      profile[at] = Math.max(profile[at]!, envelope[i]!);
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
