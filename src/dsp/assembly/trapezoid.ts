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

/**
 * One quantum of one bank with coefficients that hold still. It goes two frames at a time: the
 * state two frames on is, with e = D s + B x as above,
 *
 *   s + (2 D + D D) s + (B + D B) x[i] + B x[i + 1]
 *
 * so that what waits for the state before, and the processor with it, comes half as often. The
 * three functions that call this are without what they do not need, since the registers suffice
 * for those but not for all.
 */
// @ts-ignore: decorator
@inline function run(
  at: usize, x: usize, step: usize, out: usize, d: v128, c2: v128, c3: v128,
  m0: v128, m1: v128, m2: v128, hasBand: bool, hasLow: bool,
): void {
  const bias = f32x4.splat(quietBias);
  const two = f32x4.splat(2);
  const square = f32x4.mul(c2, c2);
  const cross = f32x4.mul(c2, f32x4.sub(f32x4.add(two, d), c3));
  const own1 = f32x4.sub(f32x4.mul(d, f32x4.add(two, d)), square);
  const own2 = f32x4.add(f32x4.mul(c3, f32x4.sub(two, c3)), square);
  const in1 = f32x4.add(c2, f32x4.mul(c2, f32x4.sub(d, c3)));
  const in2 = f32x4.add(square, f32x4.sub(c3, f32x4.mul(c3, c3)));
  const end = out + (<usize>quantum << 4);
  let s1 = bounded(v128.load(at));
  let s2 = bounded(v128.load(at, 16));
  do {
    // The low-pass alone gives out nothing but state, which the smallest numbers cannot reach.
    const v0 = hasBand ? sound(v128.load(x)) : bounded(v128.load(x));
    const v1 = hasBand ? sound(v128.load(x + step)) : bounded(v128.load(x + step));
    x += 2 * step;
    const u = f32x4.sub(v0, s2);
    const push1 = f32x4.add(f32x4.mul(in1, v0), f32x4.add(f32x4.mul(c2, v1), bias));
    const push2 = f32x4.add(f32x4.mul(in2, v0), f32x4.add(f32x4.mul(c3, v1), bias));
    const turn1 = f32x4.sub(f32x4.mul(own1, s1), f32x4.mul(cross, s2));
    const turn2 = f32x4.sub(f32x4.mul(cross, s1), f32x4.mul(own2, s2));
    const n1 = f32x4.sub(f32x4.add(f32x4.add(s1, push1), turn1), bias);
    const n2 = f32x4.sub(f32x4.add(f32x4.add(s2, push2), turn2), bias);
    let y0 = m0;
    let y1 = m0;
    if (hasLow) {
      const h2 = f32x4.add(s2, f32x4.add(f32x4.mul(c3, u), f32x4.mul(c2, s1)));
      y0 = f32x4.mul(m2, f32x4.add(s2, h2));
      y1 = f32x4.mul(m2, f32x4.add(h2, n2));
    }
    if (hasBand) {
      const h1 = f32x4.add(s1, f32x4.add(f32x4.mul(c2, u), f32x4.mul(d, s1)));
      const z0 = f32x4.add(f32x4.mul(m0, v0), f32x4.mul(m1, f32x4.add(s1, h1)));
      const z1 = f32x4.add(f32x4.mul(m0, v1), f32x4.mul(m1, f32x4.add(h1, n1)));
      y0 = hasLow ? f32x4.add(y0, z0) : z0;
      y1 = hasLow ? f32x4.add(y1, z1) : z1;
    }
    v128.store(out, y0);
    v128.store(out, y1, 16);
    s1 = n1;
    s2 = n2;
    out += 32;
  } while (out < end);
  v128.store(at, settle(s1));
  v128.store(at, settle(s2), 16);
}

/** y = m0 x + m1 (2 band) + m2 (2 low). */
export function filterSteady(
  at: usize, x: usize, step: usize, out: usize,
  d: v128, c2: v128, c3: v128, m0: v128, m1: v128, m2: v128,
): void {
  run(at, x, step, out, d, c2, c3, m0, m1, m2, true, true);
}

/** y = m0 x + m1 (2 band). */
export function bandSteady(
  at: usize, x: usize, step: usize, out: usize, d: v128, c2: v128, c3: v128, m0: v128, m1: v128,
): void {
  run(at, x, step, out, d, c2, c3, m0, m1, m1, true, false);
}

/** y = low. */
export function lowSteady(
  at: usize, x: usize, step: usize, out: usize, d: v128, c2: v128, c3: v128,
): void {
  run(at, x, step, out, d, c2, c3, d, d, f32x4.splat(0.5), false, true);
}
