import { TenutoError } from '../errors.js';

/** A signal that sweeps from one frequency to another. */
export interface ChirpParameters {
  /** `linear`: Hz per second constant; `exponential`: octaves per second constant. */
  kind: 'linear' | 'exponential';
  startHz: number;
  endHz: number;
  durationMs: number;
  /** Peak, of full scale 1. */
  amplitude: number;
  /** Frames per second. */
  rateHz: number;
  /** Part of the duration that the raised-cosine ends take together. Default 0.1: 5 % at each end. */
  taper?: number;
}

/** The band that a transducer can do, in Hz. */
export interface Band {
  lowHz: number;
  highHz: number;
}

/** Signals that are kept, the last used ones. */
const keptMax = 32;
/** A signal of less than this has no shape that could be found again. */
const framesMin = 32;
const durationMsMax = 60_000;
/** Part of the rate up to which a device's filters pass all; beyond it they begin to close. */
const passband = 0.46;

const kept = new Map<string, Float32Array>();

function refuse(what: string): never {
  throw new TenutoError('TENUTO_MEASURE_PARAMETERS', what);
}

/**
 * Refuses a chirp that cannot be played or found again.
 *
 * @param band what the transducer can do; default: anything that the rate can hold
 * @throws TenutoError `TENUTO_MEASURE_PARAMETERS`
 */
export function checkChirp(chirp: ChirpParameters, band?: Band): void {
  const { startHz, endHz, durationMs, amplitude, rateHz, taper = 0.1 } = chirp;
  for (const [name, value] of Object.entries({ startHz, endHz, durationMs, amplitude, rateHz })) {
    if (typeof value !== 'number' || !Number.isFinite(value)) refuse(`${name} is no number`);
  }
  const low = Math.min(startHz, endHz);
  const high = Math.max(startHz, endHz);
  const mostHz = Math.floor(rateHz * passband);
  if (low <= 0) refuse('startHz and endHz must be above 0');
  if (high > mostHz) {
    refuse(`${high} Hz is beyond ${mostHz} Hz, which is what a rate of ${rateHz} Hz can carry`);
  }
  if (high - low < 1) refuse('startHz and endHz must differ: a tone has no place in time');
  if (band !== undefined && (low < band.lowHz || high > band.highHz)) {
    refuse(`${low} to ${high} Hz is not within the transducer's ${band.lowHz} to ${band.highHz}`);
  }
  if (amplitude <= 0 || amplitude > 1) refuse('amplitude must be above 0 and at most 1');
  if (taper < 0 || taper > 1) refuse('taper must be 0 to 1');
  const frames = Math.round((durationMs * rateHz) / 1000);
  if (frames < framesMin) refuse(`durationMs must be at least ${(framesMin * 1000) / rateHz}`);
  if (durationMs > durationMsMax) refuse(`durationMs must be at most ${durationMsMax}`);
  const product = ((high - low) * durationMs) / 1000;
  if (product < 4)
    refuse(`${durationMs} ms of ${high - low} Hz is too little to be told from noise`);
}

/** Raised-cosine ends (Tukey) at a place of 0 to 1. */
function taperAt(place: number, taper: number): number {
  const edge = taper / 2;
  const near = Math.min(place, 1 - place);
  return near >= edge ? 1 : 0.5 - 0.5 * Math.cos((Math.PI * near) / edge);
}

/** Turns since the beginning, at a time in seconds. */
function turnsAt(sec: number, { kind, startHz, endHz, durationMs }: ChirpParameters): number {
  const lengthSec = durationMs / 1000;
  if (kind === 'linear') return startHz * sec + ((endHz - startHz) * sec * sec) / (2 * lengthSec);
  const octave = lengthSec / Math.log(endHz / startHz);
  return startHz * octave * Math.expm1(sec / octave);
}

/**
 * The samples of a chirp, the same array for the same parameters: it is not to be written to. Its
 * peak is the amplitude exactly. The reference that it is found by is this same array.
 *
 * @throws TenutoError `TENUTO_MEASURE_PARAMETERS`
 */
export function makeChirp(chirp: ChirpParameters): Float32Array {
  checkChirp(chirp);
  const { kind, startHz, endHz, durationMs, amplitude, rateHz, taper = 0.1 } = chirp;
  const key = [kind, startHz, endHz, durationMs, amplitude, rateHz, taper].join(' ');
  const found = kept.get(key);
  if (found !== undefined) return found;
  const frames = Math.round((durationMs * rateHz) / 1000);
  const wave = Float64Array.from({ length: frames }, (_, i) => {
    const turns = turnsAt(i / rateHz, chirp);
    const level = taperAt((i + 0.5) / frames, taper);
    return level * Math.sin(2 * Math.PI * (turns - Math.floor(turns)));
  });
  const peak = wave.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const samples = Float32Array.from(wave, (value) => (value * amplitude) / peak);
  if (kept.size >= keptMax) kept.delete(kept.keys().next().value!);
  kept.set(key, samples);
  return samples;
}
