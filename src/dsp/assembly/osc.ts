import {
  banks,
  clamp,
  finite,
  output,
  portAt,
  portStep,
  quantum,
  rate,
  state,
  variant,
} from './abi';
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
 * of a saw below 19 kHz is 64 dB under the fundamental for pitches up to 9 kHz, and 71 dB up to
 * 1.2 kHz; harmonics are within 0.9 dB up to 12 kHz and 2.7 dB down at 16 kHz.
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
  const end = out + (<usize>quantum << 4);
  do {
    v128.store(out, sinTurn(phase));
    phase = i32x4.add(phase, inc);
    out += 16;
  } while (out < end);
}

/** The bare ramp, then what band-limiting adds at each of its edges, lane by lane. */
function sawSteady(out: usize, start: v128, inc: v128): void {
  const scale = f32x4.splat(halfTurn);
  const begin = out;
  const end = out + (<usize>quantum << 4);
  let phase = start;
  do {
    v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(phase), scale));
    phase = i32x4.add(phase, inc);
    out += 16;
  } while (out < end);
  softenLanes(begin, start, inc, 1);
}

function softenLanes(out: usize, start: v128, inc: v128, jump: f32): void {
  soften(out, i32x4.extract_lane(start, 0), i32x4.extract_lane(inc, 0), jump);
  soften(out + 4, i32x4.extract_lane(start, 1), i32x4.extract_lane(inc, 1), jump);
  soften(out + 8, i32x4.extract_lane(start, 2), i32x4.extract_lane(inc, 2), jump);
  soften(out + 12, i32x4.extract_lane(start, 3), i32x4.extract_lane(inc, 3), jump);
}

/**
 * Adds `jump` times -2 R(d) before and 2 R(d) after each edge of one lane's rising ramp; a falling
 * one is its mirror. Edges are counted in whole phases, so that a frame is never taken for its
 * neighbour. Much cheaper than looking for edges in every frame: there are few.
 */
function soften(lane: usize, start: i32, inc: i32, jump: f32): void {
  if (inc == 0) return;
  const isRising = inc > 0;
  const step = <u64>(isRising ? inc : -inc);
  const perStep: f32 = 1 / <f32>step;
  const sign = isRising ? jump : -jump;
  // Counted from three frames ahead of the quantum, where edges begin to reach into it.
  const from = start - 3 * inc;
  let way = <u64>(isRising ? <u32>0x80000000 - <u32>from : <u32>from - <u32>0x80000000);
  for (;;) {
    // The first frame behind the edge; one that is right on it has the ramp's lower end.
    const frame = isRising ? (way + step - 1) / step : way / step + 1;
    const at = <i32>frame - 3;
    if (at >= quantum + 3) return;
    const late = <f32>(<i64>(frame * step - way)) * perStep;
    const after = f32x4.mul(
      step2(f32x4.add(f32x4.splat(late), f32x4(0, 1, 2, 3))),
      f32x4.splat(sign),
    );
    const before = f32x4.mul(
      step2(f32x4.add(f32x4.splat(1 - late), f32x4(0, 1, 2, 3))),
      f32x4.splat(-sign),
    );
    const cell = lane + (<usize>at << 4);
    if (at >= 3 && at + 3 <= quantum) {
      bump(cell - 48, f32x4.extract_lane(before, 2));
      bump(cell - 32, f32x4.extract_lane(before, 1));
      bump(cell - 16, f32x4.extract_lane(before, 0));
      bump(cell, f32x4.extract_lane(after, 0));
      bump(cell + 16, f32x4.extract_lane(after, 1));
      bump(cell + 32, f32x4.extract_lane(after, 2));
    } else {
      if (isWithin(at - 3)) bump(cell - 48, f32x4.extract_lane(before, 2));
      if (isWithin(at - 2)) bump(cell - 32, f32x4.extract_lane(before, 1));
      if (isWithin(at - 1)) bump(cell - 16, f32x4.extract_lane(before, 0));
      if (isWithin(at)) bump(cell, f32x4.extract_lane(after, 0));
      if (isWithin(at + 1)) bump(cell + 16, f32x4.extract_lane(after, 1));
      if (isWithin(at + 2)) bump(cell + 32, f32x4.extract_lane(after, 2));
    }
    way += 0x100000000;
  }
}

// @ts-ignore: decorator
@inline function bump(cell: usize, by: f32): void {
  store<f32>(cell, load<f32>(cell) + by);
}

// @ts-ignore: decorator
@inline function isWithin(frame: i32): bool {
  return <u32>frame < <u32>quantum;
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

/** The difference of two ramps, then both ramps' edges. */
function squareSteady(out: usize, start: v128, inc: v128, widthPort: v128): void {
  const width = heldWidth(widthPort);
  const level = f32x4.sub(f32x4.add(width, width), f32x4.splat(1));
  const scale = f32x4.splat(halfTurn);
  const rising = i32x4.add(start, i32x4.splat(0x80000000));
  // Half a turn of `rising` and half a turn left out of `widthPhase` cancel each other here.
  const falling = i32x4.sub(start, widthPhase(width));
  const begin = out;
  const end = out + (<usize>quantum << 4);
  let rise = rising;
  let fall = falling;
  do {
    const ramps = f32x4.sub(f32x4.convert_i32x4_s(fall), f32x4.convert_i32x4_s(rise));
    v128.store(out, f32x4.add(f32x4.mul(ramps, scale), level));
    rise = i32x4.add(rise, inc);
    fall = i32x4.add(fall, inc);
    out += 16;
  } while (out < end);
  softenLanes(begin, rising, inc, -1);
  softenLanes(begin, falling, inc, 1);
}

function triangleSteady(out: usize, start: v128, inc: v128): void {
  const perHalf = framesPerHalfTurn(inc);
  const slope = f32x4.mul(perHalf, f32x4.splat(halfTurn));
  // 8 dt Q(d) = 4 Q(d) (2 dt).
  const dt2 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.abs(inc)), f32x4.splat(halfTurn));
  const scale = f32x4.splat(-2 * halfTurn);
  let phase = i32x4.sub(start, i32x4.splat(0x40000000));
  const end = out + (<usize>quantum << 4);
  do {
    const p = f32x4.abs(f32x4.convert_i32x4_s(phase));
    const top = f32x4.mul(p, slope);
    const bottom = f32x4.sub(perHalf, top);
    let y = f32x4.add(f32x4.splat(1), f32x4.mul(p, scale));
    if (v128.any_true(f32x4.lt(f32x4.pmin(top, bottom), f32x4.splat(3)))) {
      y = f32x4.sub(y, f32x4.mul(dt2, f32x4.sub(corner4(top), corner4(bottom))));
    }
    v128.store(out, y);
    phase = i32x4.add(phase, inc);
    out += 16;
  } while (out < end);
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
  const end = out + (<usize>quantum << 4);
  do {
    const inc = increment(v128.load(freq), v128.load(detune));
    const shifted = i32x4.add(phase, turns(v128.load(offset)));
    v128.store(out, frame(shape, shifted, inc, v128.load(width)));
    phase = i32x4.add(phase, inc);
    freq += freqStep;
    detune += detuneStep;
    offset += offsetStep;
    width += widthStep;
    out += 16;
  } while (out < end);
  return phase;
}
