import { sinTurn } from './approximation';
import {
  banks,
  clamp,
  output,
  portAt,
  portStep,
  quantum,
  rate,
  state,
  variant,
  wordI32,
} from './abi';

const SINE = 0;
const TRIANGLE = 1;
const SAW = 2;
const SQUARE = 3;
const RANDOM = 4;

/** Bytes of state for one bank: {phase, generator, value held, value before}, 16 each. */
const STATE_BYTES: usize = 64;

/**
 * A slow wave in -1..1, not band-limited. Phase is 32 bits to the turn and advances by
 * f / rate 2^32; what is read is phase + p 2^32. Ports: 0 f in 0..1000 Hz (NaN: 0), 1 p in 0..1.
 * Variant: 0 sine, 1 triangle, 2 saw (rising), 3 square, 4 random (a new level each turn),
 * 5 drift (random levels joined by 3t^2 - 2t^3). Generator: xorshift32 (Marsaglia, "Xorshift
 * RNGs", 2003), seeded from word 0; word 1 is the number of lanes, 1 giving all lanes one seed.
 */
export function k_lfo(node: usize): void {
  const fStep = portStep(node, 0);
  const pStep = portStep(node, 1);
  const shape = variant(node);
  const turn = f32x4.splat(<f32>(4294967296.0 / rate));
  for (let bank = 0, count = banks(node); bank < count; bank++) {
    const own = state(node) + <usize>bank * STATE_BYTES;
    let phase = v128.load(own);
    let f = portAt(node, 0, bank);
    let p = portAt(node, 1, bank);
    let y = output(node, bank);
    const end = y + (<usize>quantum << 4);
    do {
      const offset = clamp(v128.load(p), f32x4.splat(0), f32x4.splat(1));
      // Two half turns, for a whole one does not fit a signed word.
      const half = i32x4.trunc_sat_f32x4_s(f32x4.mul(offset, f32x4.splat(2147483520)));
      v128.store(y, wave(shape, i32x4.add(phase, i32x4.shl(half, 1)), own));
      const hz = clamp(v128.load(f), f32x4.splat(0), f32x4.splat(1000));
      const next = i32x4.add(phase, i32x4.trunc_sat_f32x4_s(f32x4.mul(hz, turn)));
      // Unsigned, the next phase is less than this one when a turn is complete.
      if (shape >= RANDOM) draw(own, u32lt(next, phase));
      phase = next;
      f += fStep;
      p += pStep;
      y += 16;
    } while (y < end);
    v128.store(own, phase);
  }
}

/** Seeds the generators, and draws the first two levels of each lane. */
export function k_lfo_init(node: usize): void {
  const lanes = wordI32(node, 1);
  for (let bank = 0, count = banks(node); bank < count; bank++) {
    const own = state(node) + <usize>bank * STATE_BYTES;
    for (let lane = 0; lane < 4; lane++) {
      const index = lanes == 1 ? 0 : bank * 4 + lane;
      const seed = (wordI32(node, 0) + index) * 0x9e3779b1;
      store<i32>(own + (<usize>lane << 2), seed == 0 ? 1 : seed, 16);
    }
    for (let i = 0; i < 8; i++) draw(own, i32x4.splat(-1));
  }
}

// @ts-ignore: decorator
@inline function u32lt(a: v128, b: v128): v128 {
  return i32x4.lt_u(a, b);
}

/** Where `mask` is set: the value held becomes the value before, and a new one is drawn. */
function draw(own: usize, mask: v128): void {
  if (!v128.any_true(mask)) return;
  const old = v128.load(own, 16);
  let x = old;
  x = v128.xor(x, i32x4.shl(x, 13));
  x = v128.xor(x, i32x4.shr_u(x, 17));
  x = v128.xor(x, i32x4.shl(x, 5));
  const level = f32x4.mul(f32x4.convert_i32x4_s(x), f32x4.splat(4.656612873e-10));
  const held = v128.load(own, 32);
  v128.store(own, v128.bitselect(x, old, mask), 16);
  v128.store(own, v128.bitselect(held, v128.load(own, 48), mask), 48);
  v128.store(own, v128.bitselect(level, held, mask), 32);
}

// @ts-ignore: decorator
@inline function wave(shape: i32, phase: v128, own: usize): v128 {
  if (shape == SINE) return sinTurn(phase);
  const ramp = f32x4.mul(f32x4.convert_i32x4_s(phase), f32x4.splat(4.656612873e-10));
  if (shape == TRIANGLE) {
    // A quarter turn ahead of 1 - 2|ramp|, so that it starts at 0 and rises as the sine does.
    const ahead = i32x4.sub(phase, i32x4.splat(0x40000000));
    const folded = f32x4.mul(f32x4.convert_i32x4_s(ahead), f32x4.splat(4.656612873e-10));
    return f32x4.sub(f32x4.splat(1), f32x4.mul(f32x4.splat(2), f32x4.abs(folded)));
  }
  if (shape == SAW) return ramp;
  if (shape == SQUARE) {
    const isLate = i32x4.lt_s(phase, i32x4.splat(0));
    return v128.bitselect(f32x4.splat(-1), f32x4.splat(1), isLate);
  }
  const held = v128.load(own, 32);
  if (shape == RANDOM) return held;
  const before = v128.load(own, 48);
  const unsigned = f32x4.mul(f32x4.convert_i32x4_u(phase), f32x4.splat(2.328306437e-10));
  const t = f32x4.pmin(f32x4.splat(1), unsigned);
  const slope = f32x4.sub(f32x4.splat(3), f32x4.mul(f32x4.splat(2), t));
  const smooth = f32x4.mul(f32x4.mul(t, t), slope);
  return f32x4.add(before, f32x4.mul(f32x4.sub(held, before), smooth));
}
