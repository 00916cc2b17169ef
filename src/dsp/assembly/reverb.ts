import {
  clamp,
  finite,
  flush,
  output,
  portAt,
  portStep,
  quantum,
  rate,
  settle,
  state,
} from './abi';
import { exp2, sinTurn } from './approximation';
import { bounded, quietBias, sound } from './signal';

/**
 * A feedback delay network of eight lines (J.-M. Jot, A. Chaigne, "Digital delay networks for
 * designing artificial reverberators", AES 90, 1991), after four Schroeder allpasses for each
 * side (lengths after J. Dattorro, "Effect Design 1", JAES 45, 1997):
 *
 *   allpass    v[i] = x[i] - a u,  y[i] = u + a v[i],  u = v[i - M],  a = 0.75, 0.75, 0.6, 0.6
 *   line j     r_j[i] = line_j[i - D_j[i]]              by Lagrange's cubic
 *   damping    p_j += c (r_j - p_j),  q_j = g_j p_j
 *   matrix     line_j[i] = sum_k H_jk q_k + b_j (left for j < 4, else right) / 2
 *   wet        left = 0.55 (q0 - q2 + q5 - q7),  right = 0.55 (q1 - q3 + q4 - q6)
 *   y          x + mix (wet - x)
 *
 * H is Hadamard's 8 x 8 matrix over the root of 8: it keeps the energy, so the decay is the
 * gains' alone: g_j = 10^(-3 L_j / (decay rate)) gives -60 dB after `decay` seconds at low
 * frequencies. L_j = the line's own length times 0.25 + 1.25 size; it moves by at most 0.1 frame
 * a frame, so a change of size glides. D_j = L_j + up to 8 / 48000 s by a slow sine of the line's
 * own, which keeps the modes from ringing like metal. c = 1 / (1 + damping / (1 - 0.95 damping)
 * rate / 48000): 1 without damping.
 *
 * Sounds run along the lanes four frames at a time (the quantum is a multiple of four), the lines'
 * damping across them.
 *
 * Ports: 0 in (mono or stereo), 1 size (0..1), 2 decay (s, 0.05..120), 3 damping (0..1), 4 mix
 * (0..1). Size, decay and damping are read once a quantum and glide. State (bytes, made by the
 * node's `prepare`): 0 begun; 16 own lengths; 48 L; 80 g; 112 c; 128 p; 160 sines' phases; 192
 * their steps for four frames; 224 D; 256 lines and 384 allpasses, 16 bytes each (offset of the
 * buffer from the state, frames, write position); 512 buffers. An input that is not finite counts
 * as 0, another port as its lowest value. What is stored is finite, within +-1e9 and 0 below
 * 1e-18.
 */
export function k_reverb(node: usize): void {
  const at = state(node);
  aim(node, at);
  let x = portAt(node, 0, 0);
  let mix = portAt(node, 4, 0);
  const xStep = portStep(node, 0);
  const mixStep = portStep(node, 4);
  let out = output(node, 0);
  const end = out + (<usize>quantum << 4);
  do {
    const x0 = sound(v128.load(x));
    const x1 = sound(v128.load(x + xStep));
    const x2 = sound(v128.load(x + 2 * xStep));
    const x3 = sound(v128.load(x + 3 * xStep));
    x += 4 * xStep;
    const low = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
    const high = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
    network(at, v128.shuffle<f32>(low, high, 0, 1, 4, 5), v128.shuffle<f32>(low, high, 2, 3, 6, 7));
    const a = v128.shuffle<f32>(wetLeft, wetRight, 0, 4, 1, 5);
    const b = v128.shuffle<f32>(wetLeft, wetRight, 2, 6, 3, 7);
    const m0 = v128.load(mix);
    const m1 = v128.load(mix + mixStep);
    const m2 = v128.load(mix + 2 * mixStep);
    const m3 = v128.load(mix + 3 * mixStep);
    mix += 4 * mixStep;
    v128.store(out, mixed(x0, v128.shuffle<f32>(a, a, 0, 1, 0, 1), m0));
    v128.store(out, mixed(x1, v128.shuffle<f32>(a, a, 2, 3, 2, 3), m1), 16);
    v128.store(out, mixed(x2, v128.shuffle<f32>(b, b, 0, 1, 0, 1), m2), 32);
    v128.store(out, mixed(x3, v128.shuffle<f32>(b, b, 2, 3, 2, 3), m3), 48);
    out += 64;
  } while (out < end);
}

/** What `network` answers: four frames of each side. Only passed on, never remembered. */
let wetLeft: v128 = f32x4.splat(0);
let wetRight: v128 = f32x4.splat(0);

/** Where the lengths, gains and damping go; at the very first they are there at once. */
let lengthsA: v128 = f32x4.splat(0);
let lengthsB: v128 = f32x4.splat(0);
let gainsA: v128 = f32x4.splat(0);
let gainsB: v128 = f32x4.splat(0);
let dampingTo: v128 = f32x4.splat(0);

// @ts-ignore: decorator
@inline function first(node: usize, port: i32): v128 {
  const x = v128.load(portAt(node, port, 0));
  return v128.shuffle<f32>(x, x, 0, 0, 0, 0);
}

function aim(node: usize, at: usize): void {
  const size = clamp(first(node, 1), f32x4.splat(0), f32x4.splat(1));
  const decay = clamp(first(node, 2), f32x4.splat(0.05), f32x4.splat(120));
  const damping = clamp(first(node, 3), f32x4.splat(0), f32x4.splat(1));
  const scale = f32x4.add(f32x4.splat(0.25), f32x4.mul(f32x4.splat(1.25), size));
  lengthsA = f32x4.mul(v128.load(at, 16), scale);
  lengthsB = f32x4.mul(v128.load(at, 32), scale);
  // -3 log2(10) for each decay time.
  const perFrame = f32x4.div(f32x4.splat(-9.965784285 / rate), decay);
  const begun = load<i32>(at) != 0;
  if (!begun) {
    v128.store(at, lengthsA, 48);
    v128.store(at, lengthsB, 64);
  }
  // Gains follow the lengths as they are now, so that the decay is right while the size glides.
  gainsA = exp2(f32x4.mul(v128.load(at, 48), perFrame));
  gainsB = exp2(f32x4.mul(v128.load(at, 64), perFrame));
  const dull = f32x4.div(
    f32x4.mul(damping, f32x4.splat(rate / 48000)),
    f32x4.sub(f32x4.splat(1), f32x4.mul(f32x4.splat(0.95), damping)),
  );
  dampingTo = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), dull));
  if (begun) return;
  store<i32>(at, 1);
  v128.store(at, gainsA, 80);
  v128.store(at, gainsB, 96);
  v128.store(at, dampingTo, 112);
  v128.store(at, f32x4.add(lengthsA, sway(v128.load(at, 160))), 224);
  v128.store(at, f32x4.add(lengthsB, sway(v128.load(at, 176))), 240);
}

/** The sine's part of a line's length in frames. */
// @ts-ignore: decorator
@inline function sway(phase: v128): v128 {
  return f32x4.mul(sinTurn(phase), f32x4.splat(rate * (8.0 / 48000.0)));
}

// @ts-ignore: decorator
@inline function mixed(dry: v128, wet: v128, mix: v128): v128 {
  const held = clamp(finite(mix), f32x4.splat(0), f32x4.splat(1));
  return flush(f32x4.add(dry, f32x4.mul(held, f32x4.sub(wet, dry))));
}

/** One Schroeder allpass over four frames; its buffer is as long as its delay. */
// @ts-ignore: decorator
@inline function allpass(at: usize, index: i32, x: v128, a: f32): v128 {
  const entry = at + 384 + (<usize>index << 4);
  const write = load<i32>(entry, 8);
  const cell = at + load<usize>(entry) + (<usize>write << 2);
  const u = v128.load(cell);
  const v = f32x4.sub(x, f32x4.mul(f32x4.splat(a), u));
  v128.store(cell, settle(v));
  const next = write + 4;
  store<i32>(entry, next >= load<i32>(entry, 4) ? 0 : next, 8);
  return f32x4.add(u, f32x4.mul(f32x4.splat(a), v));
}

// @ts-ignore: decorator
@inline function diffuse(at: usize, side: i32, x: v128): v128 {
  const y = allpass(at, side + 1, allpass(at, side, x, 0.75), 0.75);
  return allpass(at, side + 3, allpass(at, side + 2, y, 0.6), 0.6);
}

/** Four frames of line `index`, whose delay runs from `length` by `slope` a frame. */
// @ts-ignore: decorator
@inline function read(at: usize, index: i32, length: f32, slope: f32): v128 {
  const entry = at + 256 + (<usize>index << 4);
  const frames = load<i32>(entry, 4);
  const back = <i32>length + 1;
  let start = load<i32>(entry, 8) - back - 1;
  if (start < 0) start += frames;
  const p = at + load<usize>(entry) + (<usize>start << 2);
  // The whole part stays that of the first frame: the cubic holds a little beyond its middle.
  const f = f32x4.sub(
    f32x4.splat(<f32>back - length),
    f32x4.mul(f32x4.splat(slope), f32x4(0, 1, 2, 3)),
  );
  const down = f32x4.sub(f, f32x4.splat(1));
  const up = f32x4.add(f, f32x4.splat(1));
  const far = f32x4.sub(f, f32x4.splat(2));
  const inner = f32x4.mul(f32x4.mul(down, far), f32x4.splat(0.5));
  const outer = f32x4.mul(f32x4.mul(f, up), f32x4.splat(0.5));
  const third = f32x4.splat(-1 / 3.0);
  return f32x4.add(
    f32x4.add(
      f32x4.mul(v128.load(p), f32x4.mul(f32x4.mul(f, inner), third)),
      f32x4.mul(v128.load(p, 4), f32x4.mul(up, inner)),
    ),
    f32x4.sub(
      f32x4.mul(v128.load(p, 12), f32x4.mul(f32x4.mul(outer, down), f32x4.splat(1 / 3.0))),
      f32x4.mul(v128.load(p, 8), f32x4.mul(outer, far)),
    ),
  );
}

/** Writes four frames to line `index`; the first eight of the buffer stand again behind its end. */
// @ts-ignore: decorator
@inline function write(at: usize, index: i32, x: v128): void {
  const entry = at + 256 + (<usize>index << 4);
  const frames = load<i32>(entry, 4);
  const position = load<i32>(entry, 8);
  const cell = at + load<usize>(entry) + (<usize>position << 2);
  const kept = settle(x);
  v128.store(cell, kept);
  if (position < 8) v128.store(cell + (<usize>frames << 2), kept);
  const next = position + 4;
  store<i32>(entry, next >= frames ? 0 : next, 8);
}

// @ts-ignore: decorator
@inline function glide(x: v128, to: v128, share: f32): v128 {
  return f32x4.add(x, f32x4.mul(f32x4.splat(share), f32x4.sub(to, x)));
}

// @ts-ignore: decorator
@inline function step(x: v128, to: v128): v128 {
  return f32x4.add(x, clamp(f32x4.sub(to, x), f32x4.splat(-0.4), f32x4.splat(0.4)));
}

// @ts-ignore: decorator
@inline function damp(p: v128, r: v128, c: v128): v128 {
  const bias = f32x4.splat(quietBias);
  return f32x4.sub(f32x4.add(f32x4.add(p, f32x4.mul(c, f32x4.sub(r, p))), bias), bias);
}

/** Four frames of the whole network. */
function network(at: usize, left: v128, right: v128): void {
  // The lengths at the end of these four frames.
  const ownA = step(v128.load(at, 48), lengthsA);
  const ownB = step(v128.load(at, 64), lengthsB);
  const phaseA = i32x4.add(v128.load(at, 160), v128.load(at, 192));
  const phaseB = i32x4.add(v128.load(at, 176), v128.load(at, 208));
  const fromA = v128.load(at, 224);
  const fromB = v128.load(at, 240);
  const toA = f32x4.add(ownA, sway(phaseA));
  const toB = f32x4.add(ownB, sway(phaseB));
  const slopeA = f32x4.mul(f32x4.sub(toA, fromA), f32x4.splat(0.25));
  const slopeB = f32x4.mul(f32x4.sub(toB, fromB), f32x4.splat(0.25));
  v128.store(at, ownA, 48);
  v128.store(at, ownB, 64);
  v128.store(at, phaseA, 160);
  v128.store(at, phaseB, 176);
  v128.store(at, toA, 224);
  v128.store(at, toB, 240);

  const r0 = read(at, 0, f32x4.extract_lane(fromA, 0), f32x4.extract_lane(slopeA, 0));
  const r1 = read(at, 1, f32x4.extract_lane(fromA, 1), f32x4.extract_lane(slopeA, 1));
  const r2 = read(at, 2, f32x4.extract_lane(fromA, 2), f32x4.extract_lane(slopeA, 2));
  const r3 = read(at, 3, f32x4.extract_lane(fromA, 3), f32x4.extract_lane(slopeA, 3));
  const r4 = read(at, 4, f32x4.extract_lane(fromB, 0), f32x4.extract_lane(slopeB, 0));
  const r5 = read(at, 5, f32x4.extract_lane(fromB, 1), f32x4.extract_lane(slopeB, 1));
  const r6 = read(at, 6, f32x4.extract_lane(fromB, 2), f32x4.extract_lane(slopeB, 2));
  const r7 = read(at, 7, f32x4.extract_lane(fromB, 3), f32x4.extract_lane(slopeB, 3));

  // Across the lines, frame by frame: damping remembers.
  const gA = glide(v128.load(at, 80), gainsA, 0.05);
  const gB = glide(v128.load(at, 96), gainsB, 0.05);
  const c = glide(v128.load(at, 112), dampingTo, 0.05);
  v128.store(at, gA, 80);
  v128.store(at, gB, 96);
  v128.store(at, c, 112);
  const pA = bounded(v128.load(at, 128));
  const pB = bounded(v128.load(at, 144));
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  const a0 = damp(pA, v128.shuffle<f32>(t0, t1, 0, 1, 4, 5), c);
  const a1 = damp(a0, v128.shuffle<f32>(t0, t1, 2, 3, 6, 7), c);
  const a2 = damp(a1, v128.shuffle<f32>(t2, t3, 0, 1, 4, 5), c);
  const a3 = damp(a2, v128.shuffle<f32>(t2, t3, 2, 3, 6, 7), c);
  const u0 = v128.shuffle<f32>(r4, r5, 0, 4, 1, 5);
  const u1 = v128.shuffle<f32>(r6, r7, 0, 4, 1, 5);
  const u2 = v128.shuffle<f32>(r4, r5, 2, 6, 3, 7);
  const u3 = v128.shuffle<f32>(r6, r7, 2, 6, 3, 7);
  const b0 = damp(pB, v128.shuffle<f32>(u0, u1, 0, 1, 4, 5), c);
  const b1 = damp(b0, v128.shuffle<f32>(u0, u1, 2, 3, 6, 7), c);
  const b2 = damp(b1, v128.shuffle<f32>(u2, u3, 0, 1, 4, 5), c);
  const b3 = damp(b2, v128.shuffle<f32>(u2, u3, 2, 3, 6, 7), c);
  v128.store(at, a3, 128);
  v128.store(at, b3, 144);

  spread(at, diffuse(at, 0, left), diffuse(at, 4, right),
    f32x4.mul(a0, gA), f32x4.mul(a1, gA), f32x4.mul(a2, gA), f32x4.mul(a3, gA),
    f32x4.mul(b0, gB), f32x4.mul(b1, gB), f32x4.mul(b2, gB), f32x4.mul(b3, gB));
}

/** Taps, matrix and input: a0..a3 are four frames of lines 0..3, b0..b3 of lines 4..7. */
// @ts-ignore: decorator
@inline function spread(
  at: usize, left: v128, right: v128,
  a0: v128, a1: v128, a2: v128, a3: v128, b0: v128, b1: v128, b2: v128, b3: v128,
): void {
  // Back to four frames of each line.
  const t0 = v128.shuffle<f32>(a0, a1, 0, 4, 1, 5);
  const t1 = v128.shuffle<f32>(a2, a3, 0, 4, 1, 5);
  const t2 = v128.shuffle<f32>(a0, a1, 2, 6, 3, 7);
  const t3 = v128.shuffle<f32>(a2, a3, 2, 6, 3, 7);
  const u0 = v128.shuffle<f32>(b0, b1, 0, 4, 1, 5);
  const u1 = v128.shuffle<f32>(b2, b3, 0, 4, 1, 5);
  const u2 = v128.shuffle<f32>(b0, b1, 2, 6, 3, 7);
  const u3 = v128.shuffle<f32>(b2, b3, 2, 6, 3, 7);
  const q0 = v128.shuffle<f32>(t0, t1, 0, 1, 4, 5);
  const q1 = v128.shuffle<f32>(t0, t1, 2, 3, 6, 7);
  const q2 = v128.shuffle<f32>(t2, t3, 0, 1, 4, 5);
  const q3 = v128.shuffle<f32>(t2, t3, 2, 3, 6, 7);
  const q4 = v128.shuffle<f32>(u0, u1, 0, 1, 4, 5);
  const q5 = v128.shuffle<f32>(u0, u1, 2, 3, 6, 7);
  const q6 = v128.shuffle<f32>(u2, u3, 0, 1, 4, 5);
  const q7 = v128.shuffle<f32>(u2, u3, 2, 3, 6, 7);
  const tap = f32x4.splat(0.55);
  wetLeft = f32x4.mul(tap, f32x4.add(f32x4.sub(q0, q2), f32x4.sub(q5, q7)));
  wetRight = f32x4.mul(tap, f32x4.add(f32x4.sub(q1, q3), f32x4.sub(q4, q6)));

  // The fast Hadamard transform: three rounds of sums and differences.
  const c0 = f32x4.add(q0, q4);
  const c1 = f32x4.add(q1, q5);
  const c2 = f32x4.add(q2, q6);
  const c3 = f32x4.add(q3, q7);
  const c4 = f32x4.sub(q0, q4);
  const c5 = f32x4.sub(q1, q5);
  const c6 = f32x4.sub(q2, q6);
  const c7 = f32x4.sub(q3, q7);
  const d0 = f32x4.add(c0, c2);
  const d1 = f32x4.add(c1, c3);
  const d2 = f32x4.sub(c0, c2);
  const d3 = f32x4.sub(c1, c3);
  const d4 = f32x4.add(c4, c6);
  const d5 = f32x4.add(c5, c7);
  const d6 = f32x4.sub(c4, c6);
  const d7 = f32x4.sub(c5, c7);
  const root = f32x4.splat(0.3535533906);
  const inLeft = f32x4.mul(left, f32x4.splat(0.5));
  const inRight = f32x4.mul(right, f32x4.splat(0.5));
  write(at, 0, f32x4.add(inLeft, f32x4.mul(root, f32x4.add(d0, d1))));
  write(at, 1, f32x4.sub(f32x4.mul(root, f32x4.sub(d0, d1)), inLeft));
  write(at, 2, f32x4.sub(f32x4.mul(root, f32x4.add(d2, d3)), inLeft));
  write(at, 3, f32x4.add(inLeft, f32x4.mul(root, f32x4.sub(d2, d3))));
  write(at, 4, f32x4.add(inRight, f32x4.mul(root, f32x4.add(d4, d5))));
  write(at, 5, f32x4.sub(f32x4.mul(root, f32x4.sub(d4, d5)), inRight));
  write(at, 6, f32x4.sub(f32x4.mul(root, f32x4.add(d6, d7)), inRight));
  write(at, 7, f32x4.add(inRight, f32x4.mul(root, f32x4.sub(d6, d7))));
}
