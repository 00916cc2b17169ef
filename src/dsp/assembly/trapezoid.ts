import { quantum, rate, settle } from './abi';
import { sinPi } from './approximation';
import { bounded, quietBias, sound } from './signal';

/**
 * The two-pole filter that `svf` and `biquad` share, integrated by the trapezoidal rule (A. Simper,
 * "Linear Trapezoidal Integrated State Variable Filter With Low Noise Optimisation", Cytomic 2011).
 * With g = tan(pi f / rate), k = 1 / Q, and the two capacitors s1 and s2:
 *
 *   e1 = d s1 + c2 (x - s2)        d  = -2 g (g + k) / (1 + g (g + k))
 *   e2 = c2 s1 + c3 (x - s2)       c2 =  2 g / (1 + g (g + k)),  c3 = g c2
 *   band = s1 + e1 / 2,  low = s2 + e2 / 2
 *   s1 += e1,  s2 += e2
 *   y = m0 x + m1 (2 band) + m2 (2 low)
 *
 * Written with increments, it is exact to single precision down to the lowest cutoffs, where a
 * direct form's coefficients run out of bits, and it stays stable however f and k move. The
 * states run with `quietBias` added, so that they decay to 0 and never into denormals; once a
 * quantum they are made finite and bounded.
 *
 * State for each bank: s1, s2 (two v128).
 */

/** cos(pi z) for 0 <= z <= 0.5. */
// @ts-ignore: decorator
@inline export function cosPi(z: v128): v128 {
  return sinPi(f32x4.sub(f32x4.splat(0.5), z));
}

/** f / rate, held where the tangent and single precision are sound. */
// @ts-ignore: decorator
@inline export function cutoffTurns(hz: v128): v128 {
  const z = f32x4.mul(hz, f32x4.splat(1 / rate));
  return f32x4.pmin(f32x4.splat(0.49), f32x4.pmax(f32x4.splat(1e-5), z));
}

/** 2 / (c^2 + s (s + k c)), from which one division gives all: with g = s / c as sin and cos. */
// @ts-ignore: decorator
@inline export function twiceOver(s: v128, c: v128, k: v128): v128 {
  const sum = f32x4.add(f32x4.mul(c, c), f32x4.mul(s, f32x4.add(s, f32x4.mul(k, c))));
  return f32x4.div(f32x4.splat(2), sum);
}

/** d of the equations above, from `over` = `twiceOver`. */
// @ts-ignore: decorator
@inline export function lossOf(s: v128, c: v128, k: v128, over: v128): v128 {
  return f32x4.neg(f32x4.mul(f32x4.mul(s, f32x4.add(s, f32x4.mul(k, c))), over));
}

/** One quantum of one bank with coefficients that hold still. */
export function filterSteady(
  at: usize, x: usize, step: usize, out: usize,
  d: v128, c2: v128, c3: v128, m0: v128, m1: v128, m2: v128,
): void {
  const bias = f32x4.splat(quietBias);
  let b1 = f32x4.add(bounded(v128.load(at)), bias);
  let b2 = f32x4.add(bounded(v128.load(at, 16)), bias);
  let s1 = f32x4.sub(b1, bias);
  let s2 = f32x4.sub(b2, bias);
  for (const end = out + (<usize>quantum << 4); out < end; out += 16) {
    const v = sound(v128.load(x));
    x += step;
    // Products with x first: they wait for nothing, which shortens the chain from state to state.
    const e1 = f32x4.sub(f32x4.add(f32x4.mul(c2, v), f32x4.mul(d, s1)), f32x4.mul(c2, s2));
    const e2 = f32x4.sub(f32x4.add(f32x4.mul(c3, v), f32x4.mul(c2, s1)), f32x4.mul(c3, s2));
    b1 = f32x4.add(b1, e1);
    b2 = f32x4.add(b2, e2);
    const n1 = f32x4.sub(b1, bias);
    const n2 = f32x4.sub(b2, bias);
    const band = f32x4.mul(m1, f32x4.add(s1, n1));
    const low = f32x4.mul(m2, f32x4.add(s2, n2));
    v128.store(out, f32x4.add(f32x4.mul(m0, v), f32x4.add(band, low)));
    s1 = n1;
    s2 = n2;
  }
  v128.store(at, settle(s1));
  v128.store(at, settle(s2), 16);
}

/**
 * As `filterSteady` for the low-pass alone and two banks at once, whose chains of dependent
 * additions then fill each other's gaps.
 */
export function lowSteadyPair(
  at: usize, x: usize, xBank: usize, step: usize, out: usize,
  dA: v128, c2A: v128, c3A: v128, dB: v128, c2B: v128, c3B: v128,
): void {
  const bias = f32x4.splat(quietBias);
  const half = f32x4.splat(0.5);
  let s1A = bounded(v128.load(at));
  let s2A = bounded(v128.load(at, 16));
  let s1B = bounded(v128.load(at, 32));
  let s2B = bounded(v128.load(at, 48));
  let b1A = f32x4.add(s1A, bias);
  let b2A = f32x4.add(s2A, bias);
  let b1B = f32x4.add(s1B, bias);
  let b2B = f32x4.add(s2B, bias);
  const outBank = <usize>quantum << 4;
  for (const end = out + outBank; out < end; out += 16) {
    const uA = f32x4.sub(bounded(v128.load(x)), s2A);
    const uB = f32x4.sub(bounded(v128.load(x + xBank)), s2B);
    x += step;
    b1A = f32x4.add(b1A, f32x4.add(f32x4.mul(c2A, uA), f32x4.mul(dA, s1A)));
    b1B = f32x4.add(b1B, f32x4.add(f32x4.mul(c2B, uB), f32x4.mul(dB, s1B)));
    b2A = f32x4.add(b2A, f32x4.add(f32x4.mul(c3A, uA), f32x4.mul(c2A, s1A)));
    b2B = f32x4.add(b2B, f32x4.add(f32x4.mul(c3B, uB), f32x4.mul(c2B, s1B)));
    const n2A = f32x4.sub(b2A, bias);
    const n2B = f32x4.sub(b2B, bias);
    v128.store(out, f32x4.mul(half, f32x4.add(s2A, n2A)));
    v128.store(out + outBank, f32x4.mul(half, f32x4.add(s2B, n2B)));
    s1A = f32x4.sub(b1A, bias);
    s1B = f32x4.sub(b1B, bias);
    s2A = n2A;
    s2B = n2B;
  }
  v128.store(at, settle(s1A));
  v128.store(at, settle(s2A), 16);
  v128.store(at, settle(s1B), 32);
  v128.store(at, settle(s2B), 48);
}
