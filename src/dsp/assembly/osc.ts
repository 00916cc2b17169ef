import { banks, clamp, finite, output, portAt, portStep, quantum, rate, state, variant } from './abi';
import { exp2, sinTurn } from './approximation';
import { isSteady } from './signal';

/**
 * Phase, a turn being 2^32 so that it wraps by itself and never drifts:
 *
 *   phase[i + 1] = phase[i] + inc[i],  inc = freq 2^(detune / 1200) 2^32 / rate
 *
 * With p = the phase in half turns, -1 <= p < 1, and D the distance in frames to a wave's edge:
 *
 *   sine      sin(pi p)
 *   saw       p - 2 sgn(p) R(D)
 *   square    saw(p - 2 width) - saw(p), both begun half a turn later, + 2 width - 1
 *   triangle  1 - 2 |p - 1/2| - 8 dt (Q(D at the top) - Q(D at the bottom))
 *
 * R is what band-limiting adds to a unit step, Q the same for a corner (a "PolyBLEP" and
 * "PolyBLAMP": V. Valimaki, J. Pekonen, J. Nam, "Perceptually informed synthesis of bandlimited
 * classical waveforms using integrated polynomial interpolation", JASA 131, 2012). Here they reach
 * three frames to each side; their coefficients are our own least-squares fit to a low-pass with
 * its pass band up to 0.35 and its stop band from 0.6 of the rate. At 48 kHz the strongest alias
 * below 20 kHz is 64 dB or more under the fundamental up to 8 kHz; harmonics are within 0.8 dB up
 * to 12 kHz and 2.9 dB down at 16 kHz.
 *
 * Ports: 0 freq (Hz, held within +-0.4999 rate, negative runs backwards), 1 detune (cents),
 * 2 phase (turns), 3 width (0.01..0.99, of the square). Variants: 0 sine, 1 saw, 2 square,
 * 3 triangle. State: one i32x4 of phases for each bank. Ports that are not finite count as 0;
 * the output is bounded by construction and cannot be denormal.
 */
export function k_osc(node: usize): void {
  const shape = variant(node);
  for (let bank = 0, count = banks(node); bank < count; bank++) {
    const freq = portAt(node, 0, bank);
    const detune = portAt(node, 1, bank);
    const offset = portAt(node, 2, bank);
    const width = portAt(node, 3, bank);
    const phaseAt = state(node) + (<usize>bank << 4);
    const out = output(node, bank);
    const phase = v128.load(phaseAt);
    if (
      isSteady(freq, portStep(node, 0)) &&
      isSteady(detune, portStep(node, 1)) &&
      isSteady(offset, portStep(node, 2)) &&
      isSteady(width, portStep(node, 3))
    ) {
      const inc = increment(v128.load(freq), v128.load(detune));
      const start = i32x4.add(phase, turns(v128.load(offset)));
      // Beyond a sixth of the rate an edge's three frames meet the next edge's.
      const narrow = !v128.any_true(i32x4.gt_s(i32x4.abs(inc), i32x4.splat(0x2aaaaaaa)));
      if (shape == 0) sineSteady(out, start, inc);
      else if (!narrow) waveWide(node, bank, shape, out, phase);
      else if (shape == 1) sawSteady(out, start, inc);
      else if (shape == 2) squareSteady(out, start, inc, v128.load(width));
      else triangleSteady(out, start, inc);
      v128.store(phaseAt, i32x4.add(phase, i32x4.mul(inc, i32x4.splat(quantum))));
    } else {
      v128.store(phaseAt, waveWide(node, bank, shape, out, phase));
    }
  }
}

// @ts-ignore: decorator
@inline const halfTurn: f32 = 4.656612873e-10; // 2^-31

/** Phase per frame. The limit keeps the conversion from saturating. */
// @ts-ignore: decorator
@inline function increment(freq: v128, detune: v128): v128 {
  const cents = clamp(finite(detune), f32x4.splat(-12000), f32x4.splat(12000));
  const ratio = exp2(f32x4.mul(cents, f32x4.splat(1 / 1200)));
  // A detune of 0 must not cost the last bit of the pitch.
  const exact = v128.bitselect(f32x4.splat(1), ratio, f32x4.eq(cents, f32x4.splat(0)));
  const top = f32x4.splat(rate * 0.4999);
  const hz = clamp(f32x4.mul(finite(freq), exact), f32x4.neg(top), top);
  return i32x4.trunc_sat_f32x4_s(f32x4.mul(hz, f32x4.splat(4294967296.0 / rate)));
}

/** An offset in turns as a phase; whole turns fall away. */
// @ts-ignore: decorator
@inline function turns(offset: v128): v128 {
  const held = clamp(finite(offset), f32x4.splat(-1e6), f32x4.splat(1e6));
  const part = f32x4.sub(held, f32x4.nearest(held));
  return i32x4.trunc_sat_f32x4_s(f32x4.mul(part, f32x4.splat(4294967296)));
}

/** 1 / (half turns per frame), the factor from phase to frames; finite for a standing wave. */
// @ts-ignore: decorator
@inline function framesPerHalfTurn(inc: v128): v128 {
  const dt2 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.abs(inc)), f32x4.splat(halfTurn));
  return f32x4.div(f32x4.splat(1), f32x4.pmax(f32x4.splat(1e-9), dt2));
}

// @ts-ignore: decorator
@inline function rest(reach: f32, d: v128): v128 {
  return f32x4.pmax(f32x4.splat(0), f32x4.sub(f32x4.splat(reach), d));
}

/** a m^3 + b m^4. */
// @ts-ignore: decorator
@inline function cubed(m: v128, a: f32, b: f32): v128 {
  const p = f32x4.add(f32x4.splat(a), f32x4.mul(f32x4.splat(b), m));
  return f32x4.mul(f32x4.mul(m, m), f32x4.mul(m, p));
}

/** 2 R(d) for d >= 0; 1 at 0, and 0 from 3 on. */
// @ts-ignore: decorator
@inline function step2(d: v128): v128 {
  return f32x4.add(
    cubed(rest(1, d), -0.2151827067, -0.2799836099),
    f32x4.add(
      cubed(rest(2, d), 0.2112784833, 0.01717480831),
      cubed(rest(3, d), -0.103874281, 0.0288240388),
    ),
  );
}

/** 4 Q(d) for d >= 0, Q being the integral of R from d on; 0 from 3 on. */
// @ts-ignore: decorator
@inline function corner4(d: v128): v128 {
  const m1 = rest(1, d);
  const m2 = rest(2, d);
  const m3 = rest(3, d);
  return f32x4.add(
    f32x4.mul(m1, cubed(m1, -0.1075913534, -0.111993444)),
    f32x4.add(
      f32x4.mul(m2, cubed(m2, 0.1056392416, 0.006869923323)),
      f32x4.mul(m3, cubed(m3, -0.05193714052, 0.01152961552)),
    ),
  );
}

// @ts-ignore: decorator
@inline function withSignOf(x: v128, sign: v128): v128 {
  return v128.xor(x, v128.and(sign, i32x4.splat(0x80000000)));
}

function sineSteady(out: usize, start: v128, inc: v128): void {
  let phase = start;
  for (const end = out + (<usize>quantum << 4); out < end; out += 16) {
    v128.store(out, sinTurn(phase));
    phase = i32x4.add(phase, inc);
  }
}

function sawSteady(out: usize, start: v128, inc: v128): void {
  const perHalf = framesPerHalfTurn(inc);
  const slope = f32x4.mul(perHalf, f32x4.splat(-halfTurn));
  const scale = f32x4.splat(halfTurn);
  const three = f32x4.splat(3);
  let phase = start;
  for (const end = out + (<usize>quantum << 4); out < end; out += 16) {
    const p = f32x4.convert_i32x4_s(phase);
    const d = f32x4.add(perHalf, f32x4.mul(f32x4.abs(p), slope));
    let y = f32x4.mul(p, scale);
    // Most frames of most pitches are far from an edge in all four lanes.
    if (v128.any_true(f32x4.lt(d, three))) y = f32x4.sub(y, withSignOf(step2(d), p));
    v128.store(out, y);
    phase = i32x4.add(phase, inc);
  }
}

/** The width as a phase, less half a turn. */
// @ts-ignore: decorator
@inline function heldWidth(width: v128): v128 {
  return clamp(finite(width), f32x4.splat(0.01), f32x4.splat(0.99));
}

// @ts-ignore: decorator
@inline function widthPhase(width: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(
    f32x4.mul(f32x4.sub(width, f32x4.splat(0.5)), f32x4.splat(4294967296)),
  );
}

function squareSteady(out: usize, start: v128, inc: v128, widthPort: v128): void {
  const perHalf = framesPerHalfTurn(inc);
  const slope = f32x4.mul(perHalf, f32x4.splat(-halfTurn));
  const width = heldWidth(widthPort);
  const level = f32x4.sub(f32x4.add(width, width), f32x4.splat(1));
  const scale = f32x4.splat(halfTurn);
  const three = f32x4.splat(3);
  // Half a turn of start and half a turn left out of `widthPhase` cancel each other in `fall`.
  const lag = widthPhase(width);
  let phase = start;
  for (const end = out + (<usize>quantum << 4); out < end; out += 16) {
    const rise = f32x4.convert_i32x4_s(i32x4.add(phase, i32x4.splat(0x80000000)));
    const fall = f32x4.convert_i32x4_s(i32x4.sub(phase, lag));
    const dRise = f32x4.add(perHalf, f32x4.mul(f32x4.abs(rise), slope));
    const dFall = f32x4.add(perHalf, f32x4.mul(f32x4.abs(fall), slope));
    let y = f32x4.add(f32x4.mul(f32x4.sub(fall, rise), scale), level);
    if (v128.any_true(f32x4.lt(f32x4.pmin(dRise, dFall), three))) {
      y = f32x4.add(
        y,
        f32x4.sub(withSignOf(step2(dRise), rise), withSignOf(step2(dFall), fall)),
      );
    }
    v128.store(out, y);
    phase = i32x4.add(phase, inc);
  }
}

function triangleSteady(out: usize, start: v128, inc: v128): void {
  const perHalf = framesPerHalfTurn(inc);
  const slope = f32x4.mul(perHalf, f32x4.splat(halfTurn));
  // 8 dt Q(d) = 4 Q(d) (2 dt).
  const dt2 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.abs(inc)), f32x4.splat(halfTurn));
  const scale = f32x4.splat(-2 * halfTurn);
  let phase = i32x4.sub(start, i32x4.splat(0x40000000));
  for (const end = out + (<usize>quantum << 4); out < end; out += 16) {
    const p = f32x4.abs(f32x4.convert_i32x4_s(phase));
    const top = f32x4.mul(p, slope);
    const bottom = f32x4.sub(perHalf, top);
    let y = f32x4.add(f32x4.splat(1), f32x4.mul(p, scale));
    if (v128.any_true(f32x4.lt(f32x4.pmin(top, bottom), f32x4.splat(3)))) {
      y = f32x4.sub(y, f32x4.mul(dt2, f32x4.sub(corner4(top), corner4(bottom))));
    }
    v128.store(out, y);
    phase = i32x4.add(phase, inc);
  }
}

/** 2 R summed over all edges of a saw that can be within three frames, below half the rate. */
// @ts-ignore: decorator
@inline function edges(p: v128, perHalf: v128): v128 {
  const near = f32x4.abs(p);
  const d1 = f32x4.mul(f32x4.sub(f32x4.splat(1), near), perHalf);
  const d2 = f32x4.mul(f32x4.add(f32x4.splat(1), near), perHalf);
  const d3 = f32x4.mul(f32x4.sub(f32x4.splat(3), near), perHalf);
  return withSignOf(f32x4.add(f32x4.sub(step2(d1), step2(d2)), step2(d3)), p);
}

/** 4 Q summed over the corners of a triangle, tops less bottoms. */
// @ts-ignore: decorator
@inline function corners(near: v128, perHalf: v128): v128 {
  const d0 = f32x4.mul(near, perHalf);
  const one = perHalf;
  const two = f32x4.add(one, one);
  const tops = f32x4.add(
    corner4(d0),
    f32x4.add(corner4(f32x4.sub(two, d0)), corner4(f32x4.add(two, d0))),
  );
  const bottoms = f32x4.add(
    corner4(f32x4.sub(one, d0)),
    f32x4.add(corner4(f32x4.add(one, d0)), corner4(f32x4.sub(f32x4.add(two, one), d0))),
  );
  return f32x4.sub(tops, bottoms);
}

// @ts-ignore: decorator
@inline function half(phase: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(phase), f32x4.splat(halfTurn));
}

/** One frame of a wave whose ports may all move, at any pitch. */
// @ts-ignore: decorator
@inline function frame(shape: i32, phase: v128, inc: v128, width: v128): v128 {
  if (shape == 0) return sinTurn(phase);
  const perHalf = framesPerHalfTurn(inc);
  if (shape == 1) {
    const p = half(phase);
    return f32x4.sub(p, edges(p, perHalf));
  }
  if (shape == 2) {
    const held = heldWidth(width);
    const rise = half(i32x4.add(phase, i32x4.splat(0x80000000)));
    const fall = half(i32x4.sub(phase, widthPhase(held)));
    const level = f32x4.sub(f32x4.add(held, held), f32x4.splat(1));
    const naive = f32x4.add(f32x4.sub(fall, rise), level);
    return f32x4.add(naive, f32x4.sub(edges(rise, perHalf), edges(fall, perHalf)));
  }
  const near = f32x4.abs(half(i32x4.sub(phase, i32x4.splat(0x40000000))));
  const dt2 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.abs(inc)), f32x4.splat(halfTurn));
  const naive = f32x4.sub(f32x4.splat(1), f32x4.add(near, near));
  return f32x4.sub(naive, f32x4.mul(dt2, corners(near, perHalf)));
}

/** A quantum with moving ports; answers the phase after it. */
function waveWide(node: usize, bank: i32, shape: i32, out: usize, start: v128): v128 {
  let freq = portAt(node, 0, bank);
  let detune = portAt(node, 1, bank);
  let offset = portAt(node, 2, bank);
  let width = portAt(node, 3, bank);
  const freqStep = portStep(node, 0);
  const detuneStep = portStep(node, 1);
  const offsetStep = portStep(node, 2);
  const widthStep = portStep(node, 3);
  let phase = start;
  for (const end = out + (<usize>quantum << 4); out < end; out += 16) {
    const inc = increment(v128.load(freq), v128.load(detune));
    const shifted = i32x4.add(phase, turns(v128.load(offset)));
    v128.store(out, frame(shape, shifted, inc, v128.load(width)));
    phase = i32x4.add(phase, inc);
    freq += freqStep;
    detune += detuneStep;
    offset += offsetStep;
    width += widthStep;
  }
  return phase;
}
