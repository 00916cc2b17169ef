import { compilePatch, parsePatch } from '../../src/dsp/compiler.js';
import { Renderer } from '../../src/dsp/renderer.js';

/** The rate of everything that is listened to, in Hz. */
export const rate = 48_000;
/** Frames in a quantum. */
export const quantum = 128;

export interface Stereo {
  readonly left: Float64Array;
  readonly right: Float64Array;
}

/**
 * Renders `nodes` (the body of a patch, without `out`) and answers what node `last` gives out.
 * The node `in`, when there is `input`, plays it: one number for each frame, on both sides, or a
 * pair of numbers. No more than +-16 comes out, as `out` has it.
 */
export function listen(
  nodes: string,
  options: {
    frames: number;
    last: string;
    input?: (frame: number) => number | readonly [number, number];
    frameQuantum?: number;
  },
): Stereo {
  const step = options.frameQuantum ?? quantum;
  const source = options.input ? '  in: { type: stream, stream: 0 }\n' : '';
  const text = `nodes:\n${source}${nodes.trimEnd()}\n  out: { type: out, in: ${options.last} }\n`;
  const { program } = compilePatch(parsePatch(text, 'test'), { rate, quantum: step, channels: 2 });
  const capacity = 2 ** Math.ceil(Math.log2(options.frames + step));
  const samples = new Float32Array(2 * capacity);
  for (let i = 0; options.input && i < options.frames; i++) {
    const value = options.input(i);
    samples.set(typeof value === 'number' ? [value, value] : value, 2 * i);
  }
  const renderer = new Renderer(program, {
    streams: [{ samples, channels: 2, frames: capacity }],
    assets: [],
  });
  renderer.setStreamEnd(0, options.frames);
  const left = new Float64Array(options.frames);
  const right = new Float64Array(options.frames);
  for (let at = 0; at < options.frames; at += step) {
    renderer.render();
    for (let i = 0; i < step && at + i < options.frames; i++) {
      left[at + i] = renderer.output[2 * i]!;
      right[at + i] = renderer.output[2 * i + 1]!;
    }
  }
  return { left, right };
}

/** A 1 and then silence. */
export function impulse(frame: number): number {
  return frame === 0 ? 1 : 0;
}

/** Decibels of an amplitude. */
export function db(amplitude: number): number {
  return 20 * Math.log10(Math.max(amplitude, 1e-12));
}

/** The sum of x[i] e^(-2 pi j f i), f in turns a frame: one bin of a Fourier transform. */
export function fourier(x: Float64Array, turns: number): { re: number; im: number } {
  let re = 0;
  let im = 0;
  for (let i = 0; i < x.length; i++) {
    const angle = 2 * Math.PI * ((turns * i) % 1);
    re += x[i]! * Math.cos(angle);
    im -= x[i]! * Math.sin(angle);
  }
  return { re, im };
}

/** The modulus of `fourier`. */
export function magnitude(x: Float64Array, turns: number): number {
  const { re, im } = fourier(x, turns);
  return Math.hypot(re, im);
}

/**
 * Amplitudes of bins 0 to N / 2 of a signal of N = 2^k frames (Cooley and Tukey's transform);
 * a sine of amplitude 1 on a bin gives 1.
 */
export function spectrum(x: Float64Array): Float64Array {
  const n = x.length;
  const re = Float64Array.from(x);
  const im = new Float64Array(n);
  for (let i = 0, j = 0; i < n; i++) {
    if (i < j) [re[i], re[j]] = [re[j]!, re[i]!];
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j |= bit;
  }
  for (let size = 2; size <= n; size *= 2) {
    for (let i = 0; i < size / 2; i++) {
      const angle = (-2 * Math.PI * i) / size;
      const c = Math.cos(angle);
      const s = Math.sin(angle);
      for (let a = i; a < n; a += size) {
        const b = a + size / 2;
        const r = re[b]! * c - im[b]! * s;
        const m = re[b]! * s + im[b]! * c;
        re[b] = re[a]! - r;
        im[b] = im[a]! - m;
        re[a] = re[a]! + r;
        im[a] = im[a]! + m;
      }
    }
  }
  return Float64Array.from({ length: n / 2 + 1 }, (_, i) => (2 / n) * Math.hypot(re[i]!, im[i]!));
}

/** Root of the mean square. */
export function rms(x: Float64Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length);
}

/** The largest magnitude. */
export function peak(x: Float64Array): number {
  return x.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
}
