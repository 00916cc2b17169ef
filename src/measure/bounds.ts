/** How well a time of arrival can be known at all, and how likely it is to be quite wrong. */

/** What of a signal decides how well its arrival can be told. */
export interface SignalShape {
  /** Sum of the squared samples. */
  energy: number;
  /** Centre of the spectrum's power, in Hz. */
  meanHz: number;
  /** Root of the mean squared frequency: decides what is possible when the phase is known. */
  rmsHz: number;
  /** The same about the centre: decides what is possible when the phase is not known. */
  rmsEnvelopeHz: number;
}

/** The shape of a signal by its spectrum, as `Fourier.forward` gives it. */
export function shapeOf(spectrum: Float32Array, rateHz: number): SignalShape {
  const length = spectrum.length;
  let power = 0;
  let first = 0;
  let second = 0;
  for (let bin = 1; bin < length / 2; bin++) {
    const p = spectrum[2 * bin]! ** 2 + spectrum[2 * bin + 1]! ** 2;
    const hz = (bin * rateHz) / length;
    power += p;
    first += p * hz;
    second += p * hz * hz;
  }
  const meanHz = first / power;
  const meanSquare = second / power;
  return {
    energy: (2 * power) / length,
    meanHz,
    rmsHz: Math.sqrt(meanSquare),
    rmsEnvelopeHz: Math.sqrt(Math.max(0, meanSquare - meanHz * meanHz)),
  };
}

/**
 * Cramér-Rao bound of a time of arrival in white noise, in seconds (Kay, Estimation Theory, 1993,
 * example 3.13; the band about its centre when the phase is not known).
 *
 * @param ratio energy of what arrived by the variance of a noise sample
 */
export function arrivalBoundSec(shape: SignalShape, ratio: number, phaseKnown: boolean): number {
  const band = phaseKnown ? shape.rmsHz : shape.rmsEnvelopeHz;
  return 1 / (Math.sqrt(ratio) * 2 * Math.PI * band);
}

/**
 * The probability that noise alone has a peak of this height somewhere in `cells` independent
 * places: the envelope of noise is Rayleigh distributed.
 *
 * @param peak height by the Rayleigh scale, the standard deviation of one component
 */
export function falseAlarm(peak: number, cells: number): number {
  const one = Math.exp(-(peak * peak) / 2);
  return one >= 1 ? 1 : -Math.expm1(Math.max(1, cells) * Math.log1p(-one));
}

/** The height that noise alone reaches with this probability, in Rayleigh scales. */
export function falseAlarmPeak(probability: number, cells: number): number {
  const one = -Math.expm1(Math.log1p(-probability) / Math.max(1, cells));
  return Math.sqrt(-2 * Math.log(one));
}

/**
 * The probability that somewhere in `cells` places noise is higher than what arrived: that of the
 * wrong choice among as many orthogonal signals of unknown phase, by the union bound (Proakis,
 * Digital Communications, 4th edition, 5.4-46).
 */
export function grossError(peak: number, cells: number): number {
  return Math.min(1, (Math.max(1, cells) / 2) * Math.exp(-(peak * peak) / 4));
}

/** The probability that noise turns round which of two peaks is the higher one. */
export function swapProbability(first: number, second: number): number {
  return 0.5 * complementaryError((first - second) / 2);
}

/** erfc to 1.2e-7 (Numerical Recipes, 6.2.2), for values of 0 and more. */
function complementaryError(x: number): number {
  const t = 1 / (1 + 0.5 * x);
  const series = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398,
    1.48851587, -0.82215223, 0.17087277,
  ].reduceRight((sum, coefficient) => sum * t + coefficient, 0);
  return t * Math.exp(-x * x + series);
}
