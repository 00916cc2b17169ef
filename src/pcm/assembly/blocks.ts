/**
 * Conversion by blocks: two real signals as one complex one, transformed, weighted by the response
 * of the filter (real: its middle is at 0) where both rates have frequencies, and transformed back
 * with as many more or fewer points as the rates differ. The plan, in words:
 *
 *   0 real part, float32    1 imaginary part       2 points of the input   3 of the output
 *   4 stages of the input   5 their number         6 stages of the output  7 their number
 *   8 first pair of arrays  9 second pair          10 bytes from real to imaginary part
 *   11 response at 0 to below K, 12 K              13 first output point wanted, 14 how many
 *   15 where the real ones go, 16 the imaginary ones
 */
import { transform } from './spectrum';
import { split } from './split';

/** Converts one block in float32. */
export function block32(plan: usize): void {
  convert<f32>(plan, load<usize>(plan), load<usize>(plan, 4));
}

/** Converts one block in float64. */
export function block64(plan: usize): void {
  const re = load<usize>(plan, 36);
  const im = re + load<usize>(plan, 40);
  const points = load<i32>(plan, 8);
  promote(load<usize>(plan), re, points);
  promote(load<usize>(plan, 4), im, points);
  convert<f64>(plan, re, im);
}

function promote(from: usize, to: usize, count: i32): void {
  const end = to + (<usize>count << 3);
  while (to < end) {
    v128.store(to, f64x2.promote_low_f32x4(v128.load64_zero(from)));
    from += 8;
    to += 16;
  }
}

function convert<T>(plan: usize, re: usize, im: usize): void {
  const part = load<usize>(plan, 40);
  const a = load<usize>(plan, 32);
  const b = load<usize>(plan, 36);
  const inputStages = load<i32>(plan, 20);
  transform<T>(load<usize>(plan, 16), inputStages, re, im, a, a + part, b, b + part);
  const odd = (inputStages & 1) != 0;
  const spectrum = odd ? a : b;
  const weighted = odd ? b : a;
  const points = load<i32>(plan, 12);
  weigh<T>(plan, spectrum, weighted, points);
  weigh<T>(plan, spectrum + part, weighted + part, points);
  // Real and imaginary part in each other's place: the transform back.
  const outputStages = load<i32>(plan, 28);
  transform<T>(
    load<usize>(plan, 24),
    outputStages,
    weighted + part,
    weighted,
    spectrum + part,
    spectrum,
    weighted + part,
    weighted,
  );
  const made = (outputStages & 1) != 0 ? spectrum : weighted;
  const first = <usize>load<i32>(plan, 52) * sizeof<T>();
  const count = load<i32>(plan, 56);
  give<T>(made + first, load<usize>(plan, 60), count);
  give<T>(made + part + first, load<usize>(plan, 64), count);
}

/** One part of the spectrum by the response; the same one for frequencies below 0. */
function weigh<T>(plan: usize, from: usize, to: usize, points: i32): void {
  const response = load<usize>(plan, 44);
  const bins = <usize>load<i32>(plan, 48) * sizeof<T>();
  const upper = from + <usize>load<i32>(plan, 8) * sizeof<T>();
  const end = to + <usize>points * sizeof<T>();
  for (let i: usize = 0; i < bins; i += 16) {
    v128.store(to + i, v128.mul<T>(v128.load(from + i), v128.load(response + i)));
  }
  memory.fill(to + bins, 0, end - to - 2 * bins);
  // Point -i is i before the end; the vectors run the other way round there.
  for (let i: usize = sizeof<T>(); i < bins; i += sizeof<T>()) {
    store<T>(end - i, load<T>(upper - i) * load<T>(response + i));
  }
  store<T>(end - bins, 0);
}

function give<T>(from: usize, to: usize, count: i32): void {
  if (sizeof<T>() == 4) {
    memory.copy(to, from, <usize>count << 2);
    return;
  }
  const end = to + (<usize>count << 2);
  while (to < end) {
    store<f32>(to, <f32>load<f64>(from));
    from += 8;
    to += 4;
  }
}

/** Moves the history on by `frames` interleaved frames: it is `held` frames long, each channel. */
export function slide(
  history: usize,
  stride: usize,
  held: i32,
  from: usize,
  channels: i32,
  frames: i32,
): void {
  const kept = <usize>(held - frames) << 2;
  let plane = history;
  for (let channel = 0; channel < channels; channel++) {
    memory.copy(plane, plane + (<usize>frames << 2), kept);
    plane += stride;
  }
  split(from, history + kept, stride, channels, frames);
}

/** Interleaves planes of `frames` samples. */
export function merge(from: usize, stride: usize, to: usize, channels: i32, frames: i32): void {
  if (channels == 1) {
    memory.copy(to, from, <usize>frames << 2);
    return;
  }
  if (channels == 2) {
    const end = from + (<usize>(frames & ~3) << 2);
    while (from < end) {
      const a = v128.load(from);
      const b = v128.load(from + stride);
      v128.store(to, v128.shuffle<f32>(a, b, 0, 4, 1, 5));
      v128.store(to, v128.shuffle<f32>(a, b, 2, 6, 3, 7), 16);
      from += 16;
      to += 32;
    }
    frames &= 3;
  }
  const frameBytes = <usize>channels << 2;
  for (let channel = 0; channel < channels; channel++) {
    let at = to;
    for (let i: usize = 0; i < <usize>frames << 2; i += 4) {
      store<f32>(at, load<f32>(from + i));
      at += frameBytes;
    }
    from += stride;
    to += 4;
  }
}
