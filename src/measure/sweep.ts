import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { makeChirp } from './chirp.js';
import { Fourier } from './fourier.js';
import { demandInput } from './input-check.js';
import type { PersistentStream, StreamIdentity } from './persistent-stream.js';

/** An exponential sweep, and what is taken from its answer. */
export interface SweepOptions {
  /** Default 20 Hz, or 4 periods of it in the duration. */
  startHz?: number;
  /** Default 20 kHz, or 0.45 of the rate. */
  endHz?: number;
  /** 0.1 to 60 s. Default 3. */
  durationSec?: number;
  /** Peak, of full scale 1. Default 0.5. */
  amplitude?: number;
  /** How long after the sweep is recorded: latency and reverberation, 0.05 to 30 s. Default 1. */
  tailSec?: number;
  /** Length of the impulse response, in seconds. Default: the tail. */
  responseSec?: number;
  /** Harmonics whose distortion is told, 2 to this. Default 5. */
  harmonics?: number;
  /** Frequency of the fundamental at which they are told, in Hz. Default 1000. */
  atHz?: number;
  channel?: number;
}

/** The part of a harmonic in what comes back. */
export interface HarmonicLevel {
  order: number;
  /** Level by that of the fundamental, in dB; null when it lies beyond the sweep. */
  db: number | null;
}

/** What a system answers to a click, and how it distorts. */
export interface ImpulseResponse {
  /** By what was played: 1 is a wire. Begins a little before the first arrival. */
  samples: Float32Array;
  rateHz: number;
  /** Frames from giving to the largest sample of the response. */
  delayFrames: number;
  /** Which sample of `samples` that is. */
  peakAt: number;
  /** At `atHz`, by what was played. */
  gainDb: number;
  atHz: number;
  harmonics: HarmonicLevel[];
  /** All of these harmonics together by the fundamental, in percent. */
  distortionPercent: number;
  /** Time in which the sound falls by 60 dB, from its fall between -5 and -25 dB; null without one. */
  reverberationSec: number | null;
}

/** Frames of the response before its peak. */
const leadFrames = 256;

function refuse(what: string): never {
  throw new TenutoError('TENUTO_MEASURE_PARAMETERS', what);
}

/** Checked, complete options. */
function complete(options: SweepOptions, rateHz: number): Required<Omit<SweepOptions, 'channel'>> {
  const { durationSec = 3, amplitude = 0.5, tailSec = 1, harmonics = 5, atHz = 1000 } = options;
  if (!(durationSec >= 0.1 && durationSec <= 60)) refuse('durationSec must be 0.1 to 60');
  if (!(tailSec >= 0.05 && tailSec <= 30)) refuse('tailSec must be 0.05 to 30');
  if (!Number.isInteger(harmonics) || harmonics < 2 || harmonics > 20)
    refuse('harmonics must be 2 to 20');
  const startHz = options.startHz ?? Math.max(20, 4 / durationSec);
  const endHz = options.endHz ?? Math.min(20_000, rateHz * 0.45);
  const responseSec = Math.min(tailSec, options.responseSec ?? tailSec);
  if (!(endHz > 2 * startHz)) refuse('endHz must be more than an octave above startHz');
  if (!(atHz > startHz && atHz < endHz)) refuse(`atHz must be between ${startHz} and ${endHz}`);
  return { startHz, endHz, durationSec, amplitude, tailSec, responseSec, harmonics, atHz };
}

/** The exponential sweep of Farina: the signal that `measureSweep` plays. */
function sweepSignal(o: Required<Omit<SweepOptions, 'channel'>>, rateHz: number): Float32Array {
  const { startHz, endHz, amplitude } = o;
  const durationMs = o.durationSec * 1000;
  return makeChirp({
    kind: 'exponential',
    startHz,
    endHz,
    durationMs,
    amplitude,
    rateHz,
    taper: 0.02,
  });
}

/**
 * Takes an answer to a sweep apart (Farina, 108th AES Convention, 2000): convolved with the sweep
 * reversed and weighted by its pink spectrum, the linear response stands at the latency, and that of
 * the k-th harmonic L ln k earlier.
 */
export function deconvolve(
  fourier: Fourier,
  answer: Float32Array,
  rateHz: number,
  options: SweepOptions = {},
): ImpulseResponse {
  const o = complete(options, rateHz);
  const signal = sweepSignal(o, rateHz);
  const frames = signal.length;
  const decay = frames / Math.log(o.endHz / o.startHz);
  const inverse = Float32Array.from(
    signal,
    (_, i) => signal[frames - 1 - i]! * Math.exp(-i / decay),
  );
  const length = Fourier.lengthFor(answer.length + frames);
  const spectrum = fourier.forward(answer, length);
  const weights = fourier.forward(inverse, length);
  const own = fourier.forward(signal, length);
  // The sweep itself has to give 1 at the frequency at which levels are told.
  const bin = Math.round((o.atHz * length) / rateHz);
  const scale = 1 / Math.hypot(...product(own, weights, bin));
  for (let i = 1; i < length / 2; i++) {
    const [re, im] = product(spectrum, weights, i);
    spectrum[2 * i] = re * scale;
    spectrum[2 * i + 1] = im * scale;
  }
  spectrum[0] = 0;
  spectrum[1] = 0;
  const response = fourier.backward(spectrum);
  const from = frames - 1;
  const to = Math.min(answer.length, from + Math.round(o.tailSec * rateHz));
  let peak = from;
  for (let i = from; i < to; i++) if (Math.abs(response[i]!) > Math.abs(response[peak]!)) peak = i;
  return describe(response, { peak, delayFrames: peak - from, decay, rateHz, o });
}

function product(a: Float32Array, b: Float32Array, bin: number): [number, number] {
  const ar = a[2 * bin]!;
  const ai = a[2 * bin + 1]!;
  const br = b[2 * bin]!;
  const bi = b[2 * bin + 1]!;
  return [ar * br - ai * bi, ar * bi + ai * br];
}

function describe(
  response: Float32Array,
  at: {
    peak: number;
    delayFrames: number;
    decay: number;
    rateHz: number;
    o: Required<Omit<SweepOptions, 'channel'>>;
  },
): ImpulseResponse {
  const { peak, decay, rateHz, o, delayFrames } = at;
  const begin = Math.max(0, peak - leadFrames);
  const samples = response.slice(begin, begin + leadFrames + Math.round(o.responseSec * rateHz));
  const fundamental = levelAt(
    response,
    { from: begin, to: begin + samples.length },
    o.atHz / rateHz,
  );
  const harmonics = Array.from(
    { length: o.harmonics - 1 },
    (_, i): HarmonicLevel & { level: number } => {
      const order = i + 2;
      const hz = o.atHz * order;
      if (hz > o.endHz) return { order, db: null, level: 0 };
      const centre = peak - decay * Math.log(order);
      // As wide as there is room to the next harmonic on either side.
      const room = (decay * Math.log((order + 1) / order)) / 2;
      const from = Math.max(0, Math.round(centre - Math.min(leadFrames, room)));
      const to = Math.round(centre + (decay * Math.log(order / (order - 1))) / 2);
      const level = levelAt(response, { from, to }, hz / rateHz) / fundamental;
      return { order, db: 20 * Math.log10(level), level };
    },
  );
  const all = Math.hypot(...harmonics.map(({ level }) => level));
  return {
    samples,
    rateHz,
    delayFrames,
    peakAt: peak - begin,
    gainDb: 20 * Math.log10(fundamental),
    atHz: o.atHz,
    harmonics: harmonics.map(({ order, db }) => ({ order, db })),
    distortionPercent: 100 * all,
    reverberationSec: reverberation(samples.subarray(peak - begin), rateHz),
  };
}

/** The magnitude of a part at one frequency, in turns per frame. */
function levelAt(
  samples: Float32Array,
  { from, to }: { from: number; to: number },
  turns: number,
): number {
  let re = 0;
  let im = 0;
  for (let i = from; i < to; i++) {
    const angle = 2 * Math.PI * ((i * turns) % 1);
    re += (samples[i] ?? 0) * Math.cos(angle);
    im -= (samples[i] ?? 0) * Math.sin(angle);
  }
  return Math.hypot(re, im);
}

/** T20 by Schroeder's backward integration (ISO 3382). */
function reverberation(samples: Float32Array, rateHz: number): number | null {
  const energy = new Float64Array(samples.length);
  let sum = 0;
  for (let i = samples.length - 1; i >= 0; i--) {
    sum += samples[i]! ** 2;
    energy[i] = sum;
  }
  const whenBelow = (db: number) => energy.findIndex((value) => value <= sum * 10 ** (db / 10));
  const from = whenBelow(-5);
  const to = whenBelow(-25);
  // Of what is over within a hundredth of a second one does not speak as reverberation.
  return from < 0 || to - from < rateHz / 100 ? null : (3 * (to - from)) / rateHz;
}

/**
 * Plays an exponential sweep and gives the impulse response of all between output and input, with the
 * distortion by harmonic.
 *
 * @throws TenutoError `TENUTO_MEASURE_PARAMETERS`, `TENUTO_MEASURE_SILENT`, `TENUTO_MEASURE_CLIPPED`, and what
 *   `PersistentStream.playAndRecord` throws
 */
export async function measureSweep(
  stream: PersistentStream,
  options: SweepOptions = {},
): Promise<ImpulseResponse & { stream: StreamIdentity; repeats: number }> {
  const { rateHz } = stream;
  const o = complete(options, rateHz);
  if (o.durationSec + o.tailSec > limits.recordedSecMax) refuse('sweep and tail are too long');
  const { channel = 0 } = options;
  const take = await stream.playAndRecord(sweepSignal(o, rateHz), {
    extraRecordSec: o.tailSec,
    channel,
  });
  demandInput(take.input, take.peak);
  const response = deconvolve(await Fourier.load(), take.samples, rateHz, options);
  return { ...response, stream: take.stream, repeats: take.repeats };
}
