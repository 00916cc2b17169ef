import { banks, clamp, output, portAt, portStep, quantum, settle, state, variant } from './abi';
import { sinPi } from './approximation';
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
 * State-variable filter; equations, source and state are those of `trapezoid.ts`, with
 *
 *   k = 2 - 1.98 resonance     (Q = 1/2 .. 50)
 *   lowpass  low      bandpass  k band (0 dB at its centre)
 *   highpass x - k band - low   notch  x - k band
 *
 * The tangent is sin / cos of `approximation.ts`, folded into one division. Cutoff and resonance
 * may move every frame: the trapezoidal rule keeps the filter stable at any speed. When they hold
 * still for a quantum they cost nothing.
 *
 * Ports: 0 in, 1 cutoff (Hz, held within 1e-5 .. 0.49 of the rate), 2 resonance (0..1).
 * Variants: 0 lowpass, 1 bandpass, 2 highpass, 3 notch. An input that is not finite counts as 0, a
 * cutoff or resonance as its lowest value; states decay to 0, never into denormals.
 */
export function k_svf(node: usize): void {
  const mode = variant(node);
  const xStep = portStep(node, 0);
  for (let bank = 0, count = banks(node); bank < count; bank++) {
    if (!holdsStill(node, bank)) {
      moving(node, bank, mode);
      continue;
    }
    const turns = cutoffTurns(v128.load(portAt(node, 1, bank)));
    const s = sinPi(turns);
    const c = cosPi(turns);
    const k = dampingOf(v128.load(portAt(node, 2, bank)));
    const over = twiceOver(s, c, k);
    const d = lossOf(s, c, k, over);
    const c2 = f32x4.mul(f32x4.mul(s, c), over);
    const c3 = f32x4.mul(f32x4.mul(s, s), over);
    const at = state(node) + (<usize>bank << 5);
    const x = portAt(node, 0, bank);
    const out = output(node, bank);
    if (mode == 0) {
      lowSteady(at, x, xStep, out, d, c2, c3);
    } else {
      const m0 = f32x4.splat(mode >= 2 ? 1 : 0);
      const m1 = bandOf(mode, k);
      if (mode == 2) filterSteady(at, x, xStep, out, d, c2, c3, m0, m1, lowOf(mode));
      else bandSteady(at, x, xStep, out, d, c2, c3, m0, m1);
    }
  }
}

// @ts-ignore: decorator
@inline function holdsStill(node: usize, bank: i32): bool {
  return (
    isSteady(portAt(node, 1, bank), portStep(node, 1)) &&
    isSteady(portAt(node, 2, bank), portStep(node, 2))
  );
}

// @ts-ignore: decorator
@inline function dampingOf(resonance: v128): v128 {
  const held = clamp(resonance, f32x4.splat(0), f32x4.splat(1));
  return f32x4.sub(f32x4.splat(2), f32x4.mul(f32x4.splat(1.98), held));
}

/** m1 and m2 of `trapezoid.ts`; both count twice there. */
// @ts-ignore: decorator
@inline function bandOf(mode: i32, k: v128): v128 {
  if (mode == 0) return f32x4.splat(0);
  return f32x4.mul(k, f32x4.splat(mode == 1 ? 0.5 : -0.5));
}

// @ts-ignore: decorator
@inline function lowOf(mode: i32): v128 {
  return f32x4.splat(mode == 0 ? 0.5 : mode == 2 ? -0.5 : 0);
}

/** One bank whose cutoff or resonance moves within the quantum. */
function moving(node: usize, bank: i32, mode: i32): void {
  const at = state(node) + (<usize>bank << 5);
  const bias = f32x4.splat(quietBias);
  const m0 = f32x4.splat(mode >= 2 ? 1 : 0);
  const m2 = lowOf(mode);
  let x = portAt(node, 0, bank);
  let cutoff = portAt(node, 1, bank);
  let resonance = portAt(node, 2, bank);
  const xStep = portStep(node, 0);
  const cutoffStep = portStep(node, 1);
  const resonanceStep = portStep(node, 2);
  let s1 = bounded(v128.load(at));
  let s2 = bounded(v128.load(at, 16));
  let out = output(node, bank);
  const end = out + (<usize>quantum << 4);
  do {
    const v = sound(v128.load(x));
    const turns = cutoffTurns(v128.load(cutoff));
    const k = dampingOf(v128.load(resonance));
    x += xStep;
    cutoff += cutoffStep;
    resonance += resonanceStep;
    const s = sinPi(turns);
    const c = cosPi(turns);
    const over = twiceOver(s, c, k);
    const c2 = f32x4.mul(f32x4.mul(s, c), over);
    const c3 = f32x4.mul(f32x4.mul(s, s), over);
    const u = f32x4.sub(v, s2);
    const e1 = f32x4.add(f32x4.mul(lossOf(s, c, k, over), s1), f32x4.mul(c2, u));
    const e2 = f32x4.add(f32x4.mul(c2, s1), f32x4.mul(c3, u));
    const n1 = f32x4.sub(f32x4.add(f32x4.add(s1, e1), bias), bias);
    const n2 = f32x4.sub(f32x4.add(f32x4.add(s2, e2), bias), bias);
    const band = f32x4.mul(bandOf(mode, k), f32x4.add(s1, n1));
    const low = f32x4.mul(m2, f32x4.add(s2, n2));
    v128.store(out, f32x4.add(f32x4.mul(m0, v), f32x4.add(band, low)));
    s1 = n1;
    s2 = n2;
    out += 16;
  } while (out < end);
  v128.store(at, settle(s1));
  v128.store(at, settle(s2), 16);
}
