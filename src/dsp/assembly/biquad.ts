import { banks, clamp, output, portAt, portStep, quantum, settle, state, variant } from './abi';
import { exp2, sinPi } from './approximation';
import { bounded, isSteady, quietBias, sound } from './signal';
import {
  bandSteady,
  cosPi,
  cutoffTurns,
  filterSteady,
  lossOf,
  lowSteady,
  twiceOver,
} from './trapezoid';

/**
 * The filters of R. Bristow-Johnson's "Audio EQ Cookbook". Their transfer functions are bilinear
 * transforms of two-pole prototypes, which the trapezoidal filter of `trapezoid.ts` realises
 * exactly and, unlike a direct form, without loss at low frequencies or when the ports move.
 * With t = tan(pi f / rate) and A = 10^(gain / 40), in the terms of that file:
 *
 *                 g         k        m0    m1 (of band)   m2 (of low)
 *   0 lowpass     t         1/Q      0     0              1
 *   1 highpass    t         1/Q      1     -k             -1
 *   2 bandpass    t         1/Q      0     k              0
 *   3 notch       t         1/Q      1     -k             0
 *   4 peak        t         1/(Q A)  1     k (A^2 - 1)    0
 *   5 lowshelf    t/sqrt A  1/Q      1     k (A - 1)      A^2 - 1
 *   6 highshelf   t sqrt A  1/Q      A^2   k (1 - A) A    1 - A^2
 *
 * Coefficients are computed once when freq, q and gain hold still for a quantum, else in each
 * frame where one of them differs from the frame before.
 *
 * Ports: 0 in, 1 freq (Hz, held within 1e-5 .. 0.49 of the rate), 2 q (0.05..100), 3 gain
 * (dB, -60..60, of peak and shelves). State for each bank: s1, s2. An input that is not finite
 * counts as 0, another port as its lowest value; states decay to 0, never into denormals.
 */
export function k_biquad(node: usize): void {
  const kind = variant(node);
  for (let bank = 0, count = banks(node); bank < count; bank++) {
    const freq = portAt(node, 1, bank);
    const q = portAt(node, 2, bank);
    const gain = portAt(node, 3, bank);
    if (
      isSteady(freq, portStep(node, 1)) &&
      isSteady(q, portStep(node, 2)) &&
      isSteady(gain, portStep(node, 3))
    ) {
      const a = amplitude(v128.load(gain));
      const turns = cutoffTurns(v128.load(freq));
      const s = sineOf(kind, turns, a);
      const c = cosineOf(kind, turns, a);
      const k = dampingOf(kind, v128.load(q), a);
      const over = twiceOver(s, c, k);
      const d = lossOf(s, c, k, over);
      const c2 = f32x4.mul(f32x4.mul(s, c), over);
      const c3 = f32x4.mul(f32x4.mul(s, s), over);
      const at = state(node) + (<usize>bank << 5);
      const x = portAt(node, 0, bank);
      const xStep = portStep(node, 0);
      const out = output(node, bank);
      if (kind == 0) {
        lowSteady(at, x, xStep, out, d, c2, c3);
      } else {
        const m0 = direct(kind, a);
        const m1 = bandOf(kind, k, a);
        // Bandpass, notch and peak take nothing of the low-pass.
        if (kind >= 2 && kind <= 4) bandSteady(at, x, xStep, out, d, c2, c3, m0, m1);
        else filterSteady(at, x, xStep, out, d, c2, c3, m0, m1, lowOf(kind, a));
      }
    } else {
      moving(node, bank, kind);
    }
  }
}

/** A = 10^(gain / 40); exactly 1 at 0 dB. */
// @ts-ignore: decorator
@inline function amplitude(gainDb: v128): v128 {
  const held = clamp(gainDb, f32x4.splat(-60), f32x4.splat(60));
  const a = exp2(f32x4.mul(held, f32x4.splat(0.0830482024)));
  return v128.bitselect(f32x4.splat(1), a, f32x4.eq(held, f32x4.splat(0)));
}

/** g as a quotient: the shelves' root of A goes to whichever side spares the division. */
// @ts-ignore: decorator
@inline function sineOf(kind: i32, turns: v128, a: v128): v128 {
  const s = sinPi(turns);
  return kind == 6 ? f32x4.mul(s, f32x4.sqrt(a)) : s;
}

// @ts-ignore: decorator
@inline function cosineOf(kind: i32, turns: v128, a: v128): v128 {
  const c = cosPi(turns);
  return kind == 5 ? f32x4.mul(c, f32x4.sqrt(a)) : c;
}

// @ts-ignore: decorator
@inline function dampingOf(kind: i32, q: v128, a: v128): v128 {
  const held = clamp(q, f32x4.splat(0.05), f32x4.splat(100));
  return f32x4.div(f32x4.splat(1), kind == 4 ? f32x4.mul(held, a) : held);
}

// @ts-ignore: decorator
@inline function direct(kind: i32, a: v128): v128 {
  if (kind == 6) return f32x4.mul(a, a);
  return f32x4.splat(kind == 0 || kind == 2 ? 0 : 1);
}

/** m1 / 2, since `filterSteady` gives twice the band. */
// @ts-ignore: decorator
@inline function bandOf(kind: i32, k: v128, a: v128): v128 {
  const h = f32x4.mul(k, f32x4.splat(0.5));
  if (kind == 0) return f32x4.splat(0);
  if (kind == 2) return h;
  if (kind == 4) return f32x4.mul(h, f32x4.sub(f32x4.mul(a, a), f32x4.splat(1)));
  if (kind == 5) return f32x4.mul(h, f32x4.sub(a, f32x4.splat(1)));
  if (kind == 6) return f32x4.mul(h, f32x4.mul(f32x4.sub(f32x4.splat(1), a), a));
  return f32x4.neg(h);
}

/** m2 / 2, likewise. */
// @ts-ignore: decorator
@inline function lowOf(kind: i32, a: v128): v128 {
  if (kind == 0) return f32x4.splat(0.5);
  if (kind == 1) return f32x4.splat(-0.5);
  if (kind < 5) return f32x4.splat(0);
  const rise = f32x4.mul(f32x4.splat(0.5), f32x4.sub(f32x4.mul(a, a), f32x4.splat(1)));
  return kind == 5 ? rise : f32x4.neg(rise);
}

// @ts-ignore: decorator
@inline function differs(a: v128, b: v128): v128 {
  return v128.xor(a, b);
}

/** One bank with ports that move within the quantum. */
function moving(node: usize, bank: i32, kind: i32): void {
  const at = state(node) + (<usize>bank << 5);
  const bias = f32x4.splat(quietBias);
  let x = portAt(node, 0, bank);
  let freq = portAt(node, 1, bank);
  let q = portAt(node, 2, bank);
  let gain = portAt(node, 3, bank);
  const xStep = portStep(node, 0);
  const freqStep = portStep(node, 1);
  const qStep = portStep(node, 2);
  const gainStep = portStep(node, 3);
  let s1 = bounded(v128.load(at));
  let s2 = bounded(v128.load(at, 16));
  let out = output(node, bank);
  let freqOld = i32x4.splat(0);
  let qOld = i32x4.splat(0);
  let gainOld = i32x4.splat(0);
  let first = true;
  let d = freqOld;
  let c2 = freqOld;
  let c3 = freqOld;
  let m0 = freqOld;
  let m1 = freqOld;
  let m2 = freqOld;
  const end = out + (<usize>quantum << 4);
  do {
    const freqNow = v128.load(freq);
    const qNow = v128.load(q);
    const gainNow = v128.load(gain);
    const changed = v128.or(
      differs(freqNow, freqOld),
      v128.or(differs(qNow, qOld), differs(gainNow, gainOld)),
    );
    if (first || v128.any_true(changed)) {
      const a = amplitude(gainNow);
      const turns = cutoffTurns(freqNow);
      const s = sineOf(kind, turns, a);
      const c = cosineOf(kind, turns, a);
      const k = dampingOf(kind, qNow, a);
      const over = twiceOver(s, c, k);
      d = lossOf(s, c, k, over);
      c2 = f32x4.mul(f32x4.mul(s, c), over);
      c3 = f32x4.mul(f32x4.mul(s, s), over);
      m0 = direct(kind, a);
      m1 = bandOf(kind, k, a);
      m2 = lowOf(kind, a);
      freqOld = freqNow;
      qOld = qNow;
      gainOld = gainNow;
      first = false;
    }
    const v = sound(v128.load(x));
    x += xStep;
    freq += freqStep;
    q += qStep;
    gain += gainStep;
    const u = f32x4.sub(v, s2);
    const e1 = f32x4.add(f32x4.mul(d, s1), f32x4.mul(c2, u));
    const e2 = f32x4.add(f32x4.mul(c2, s1), f32x4.mul(c3, u));
    const n1 = f32x4.sub(f32x4.add(f32x4.add(s1, e1), bias), bias);
    const n2 = f32x4.sub(f32x4.add(f32x4.add(s2, e2), bias), bias);
    const band = f32x4.mul(m1, f32x4.add(s1, n1));
    const low = f32x4.mul(m2, f32x4.add(s2, n2));
    v128.store(out, f32x4.add(f32x4.mul(m0, v), f32x4.add(band, low)));
    s1 = n1;
    s2 = n2;
    out += 16;
  } while (out < end);
  v128.store(at, settle(s1));
  v128.store(at, settle(s2), 16);
}
