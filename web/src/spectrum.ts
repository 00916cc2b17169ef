/** Frames of one transform. */
export const spectrumFrames = 4096;

const bits = Math.log2(spectrumFrames);
const half = spectrumFrames / 2;
const window = Float32Array.from(
  { length: spectrumFrames },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / spectrumFrames),
);
const cosines = Float32Array.from({ length: half }, (_, i) => Math.cos((Math.PI * i) / half));
const sines = Float32Array.from({ length: half }, (_, i) => Math.sin((Math.PI * i) / half));
const reversed = Uint16Array.from({ length: spectrumFrames }, (_, i) => {
  let from = i;
  let to = 0;
  for (let bit = 0; bit < bits; bit++, from >>= 1) to = (to << 1) | (from & 1);
  return to;
});
const real = new Float32Array(spectrumFrames);
const imaginary = new Float32Array(spectrumFrames);

/**
 * The amplitudes of a stretch under a Hann window, so that a full-scale sine gives 1; by the
 * iterative transform of Cooley and Tukey, in place.
 */
export function amplitudes(samples: Float32Array, into: Float32Array): void {
  for (let i = 0; i < spectrumFrames; i++) {
    real[reversed[i]!] = samples[i]! * window[i]!;
    imaginary[i] = 0;
  }
  for (let size = 2; size <= spectrumFrames; size *= 2) {
    const step = spectrumFrames / size;
    const reach = size / 2;
    for (let from = 0; from < spectrumFrames; from += size) {
      for (let k = 0; k < reach; k++) {
        const a = from + k;
        const b = a + reach;
        const cosine = cosines[k * step]!;
        const sine = sines[k * step]!;
        const re = real[b]! * cosine + imaginary[b]! * sine;
        const im = imaginary[b]! * cosine - real[b]! * sine;
        real[b] = real[a]! - re;
        imaginary[b] = imaginary[a]! - im;
        real[a] = real[a]! + re;
        imaginary[a] = imaginary[a]! + im;
      }
    }
  }
  for (let i = 0; i < half; i++)
    into[i] = (4 * Math.hypot(real[i]!, imaginary[i]!)) / spectrumFrames;
}
