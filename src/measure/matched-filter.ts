import { type SignalShape, shapeOf } from './bounds.js';
import { Fourier } from './fourier.js';

/** Bins with less than this part of the strongest one say nothing about the time. */
const bandFloor = 1e-5;
/** Grid points in a frame: beside one of them the envelope of a full band is 2 % lower, 0.2 dB. */
export const gridPerFrame = 2;

/** The correlation with the signal at one place, and its first two derivatives by frames. */
export interface CorrelationPoint {
  re: number;
  im: number;
  re1: number;
  im1: number;
  re2: number;
  im2: number;
}

/**
 * Finds one signal in recordings of one length: the correlation of both, by spectra. It is normed so
 * that the signal itself gives 1, and analytic: its absolute value is the Hilbert envelope, its
 * real part the plain correlation. Lag 0 means that the recording begins with the signal.
 */
export class MatchedFilter {
  readonly length: number;
  readonly shape: SignalShape;
  /** The signal's spectrum. */
  readonly reference: Float32Array;
  /** Bins in which the signal is. */
  private readonly fromBin: number;
  private readonly toBin: number;
  /** Sum of the squared absolute values of the reference, over its bins. */
  private readonly power: number;
  /** For a copy of a spectrum, of whoever uses the filter: what would be garbage ten times a second. */
  readonly scratch: Float32Array;
  private envelopes: Float32Array = new Float32Array(0);

  constructor(
    private readonly fourier: Fourier,
    readonly signal: Float32Array,
    readonly recordedFrames: number,
    readonly rateHz: number,
  ) {
    this.length = Fourier.lengthFor(recordedFrames + signal.length);
    this.reference = fourier.forward(signal, this.length);
    this.scratch = new Float32Array(this.length);
    this.shape = shapeOf(this.reference, rateHz);
    const { reference } = this;
    const half = this.length / 2;
    const powerAt = (bin: number) => reference[2 * bin]! ** 2 + reference[2 * bin + 1]! ** 2;
    let most = 0;
    for (let bin = 1; bin < half; bin++) most = Math.max(most, powerAt(bin));
    let from = 1;
    while (powerAt(from) < bandFloor * most) from++;
    let to = half;
    while (powerAt(to - 1) < bandFloor * most) to--;
    this.fromBin = from;
    this.toBin = to;
    let power = 0;
    for (let bin = from; bin < to; bin++) power += powerAt(bin);
    this.power = power;
  }

  /** Independent places in so many frames: of noise that went through the filter. */
  cellsIn(frames: number): number {
    const bandHz = ((this.toBin - this.fromBin) * this.rateHz) / this.length;
    return Math.max(1, (frames * bandHz) / this.rateHz);
  }

  /** The spectrum of a recording, at the filter's length. */
  spectrumOf(recording: Float32Array): Float32Array {
    return this.fourier.forward(recording.subarray(0, this.recordedFrames), this.length);
  }

  /**
   * The envelope of the correlation from one frame to another, `gridPerFrame` values for each. Lags
   * before 0 may be asked for. What is returned is valid until the next call.
   */
  envelope(spectrum: Float32Array, fromFrame: number, toFrame: number): Float32Array {
    const { length, reference, fromBin, toBin, power } = this;
    const grid = length * gridPerFrame;
    const values = this.fourier.backwardComplex(grid, (bins) => {
      for (let bin = fromBin; bin < toBin; bin++) {
        const xr = reference[2 * bin]!;
        const xi = reference[2 * bin + 1]!;
        const yr = spectrum[2 * bin]!;
        const yi = spectrum[2 * bin + 1]!;
        bins[2 * bin] = (yr * xr + yi * xi) / power;
        bins[2 * bin + 1] = (yi * xr - yr * xi) / power;
      }
    });
    const from = Math.round(fromFrame * gridPerFrame);
    const count = Math.round((toFrame - fromFrame) * gridPerFrame);
    if (this.envelopes.length < count) this.envelopes = new Float32Array(count);
    const envelope = this.envelopes.subarray(0, count);
    let at = ((from % grid) + grid) % grid;
    for (let i = 0; i < count; i++) {
      const re = values[2 * at]!;
      const im = values[2 * at + 1]!;
      envelope[i] = Math.sqrt(re * re + im * im);
      at = at + 1 === grid ? 0 : at + 1;
    }
    return envelope;
  }

  /**
   * The correlation at any place between frames, exactly: it is a sum of finitely many waves. So
   * its maximum is found without the bias of a parabola through samples of it.
   */
  at(spectrum: Float32Array, frame: number, into: CorrelationPoint): CorrelationPoint {
    const { length, reference, fromBin, toBin, power } = this;
    const step = (2 * Math.PI * frame) / length;
    const turnRe = Math.cos(step);
    const turnIm = Math.sin(step);
    let wr = Math.cos(step * fromBin);
    let wi = Math.sin(step * fromBin);
    let re = 0;
    let im = 0;
    let re1 = 0;
    let im1 = 0;
    let re2 = 0;
    let im2 = 0;
    for (let bin = fromBin; bin < toBin; bin++) {
      const xr = reference[2 * bin]!;
      const xi = reference[2 * bin + 1]!;
      const yr = spectrum[2 * bin]!;
      const yi = spectrum[2 * bin + 1]!;
      const zr = yr * xr + yi * xi;
      const zi = yi * xr - yr * xi;
      const pr = zr * wr - zi * wi;
      const pi = zr * wi + zi * wr;
      re += pr;
      im += pi;
      re1 -= bin * pi;
      im1 += bin * pr;
      re2 -= bin * bin * pr;
      im2 -= bin * bin * pi;
      const next = wr * turnRe - wi * turnIm;
      wi = wr * turnIm + wi * turnRe;
      wr = next;
    }
    const omega = (2 * Math.PI) / length;
    into.re = re / power;
    into.im = im / power;
    into.re1 = (re1 * omega) / power;
    into.im1 = (im1 * omega) / power;
    into.re2 = (re2 * omega * omega) / power;
    into.im2 = (im2 * omega * omega) / power;
    return into;
  }

  /**
   * Adds the signal, `re` + i `im` times as strong and `frame` frames late, to a spectrum. With a
   * minus in front it takes it away.
   */
  add(spectrum: Float32Array, frame: number, re: number, im: number): void {
    const { length, reference, fromBin, toBin } = this;
    const step = (-2 * Math.PI * frame) / length;
    const turnRe = Math.cos(step);
    const turnIm = Math.sin(step);
    const startRe = Math.cos(step * fromBin);
    const startIm = Math.sin(step * fromBin);
    let wr = re * startRe - im * startIm;
    let wi = re * startIm + im * startRe;
    for (let bin = fromBin; bin < toBin; bin++) {
      const xr = reference[2 * bin]!;
      const xi = reference[2 * bin + 1]!;
      spectrum[2 * bin]! += wr * xr - wi * xi;
      spectrum[2 * bin + 1]! += wr * xi + wi * xr;
      const next = wr * turnRe - wi * turnIm;
      wi = wr * turnIm + wi * turnRe;
      wr = next;
    }
  }
}
