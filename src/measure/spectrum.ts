import type { Fourier } from './fourier.js';

/** Levels by frequency. */
export interface Spectrum {
  /** In dB by full scale: a sine of full scale has 0. From 0 Hz on, `binHz` apart. */
  levelsDb: Float32Array;
  binHz: number;
  /** The strongest tone. */
  peakHz: number;
  peakDb: number;
}

/** The spectrum of samples through a Hann window; their number has to be one that can be transformed. */
export function spectrumOf(fourier: Fourier, samples: Float32Array, rateHz: number): Spectrum {
  const { length } = samples;
  const windowed = Float32Array.from(
    samples,
    (sample, i) => sample * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length)),
  );
  const bins = fourier.forward(windowed, length);
  const levelsDb = new Float32Array(length / 2);
  let peak = 1;
  for (let bin = 0; bin < levelsDb.length; bin++) {
    const re = bins[2 * bin]!;
    const im = bin === 0 ? 0 : bins[2 * bin + 1]!;
    levelsDb[bin] = 20 * Math.log10(Math.max(1e-10, (4 * Math.hypot(re, im)) / length));
    if (bin > 0 && levelsDb[bin]! > levelsDb[peak]!) peak = bin;
  }
  const binHz = rateHz / length;
  // Through three bins of a Hann window's logarithm a parabola is exact to a hundredth of a bin.
  const [left, middle, right] = [levelsDb[peak - 1]!, levelsDb[peak]!, levelsDb[peak + 1] ?? -200];
  const bend = left - 2 * middle + right;
  const off = bend === 0 ? 0 : (0.5 * (left - right)) / bend;
  return {
    levelsDb,
    binHz,
    peakHz: (peak + off) * binHz,
    peakDb: middle - 0.25 * (left - right) * off,
  };
}

/** Where a steady picture begins: the first rising crossing of a level; 0 without one. */
export function triggerAt(samples: Float32Array, level: number, before: number): number {
  let armed = false;
  for (let i = 0; i < before; i++) {
    if (samples[i]! < level) armed = true;
    else if (armed) return i;
  }
  return 0;
}
