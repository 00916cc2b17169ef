import { banks, output, quantum, state, variant, wordI32 } from './abi';

/**
 * Noise from one xorshift generator for each lane (G. Marsaglia, "Xorshift RNGs", 2003, triple
 * 13, 17, 5; period 2^32 - 1):
 *
 *   r ^= r << 13,  r ^= r >> 17,  r ^= r << 5,  white = r / 2^31
 *
 * Pink is white through three one-poles in parallel (P. Kellet's economy filter, music-dsp
 * archive), within 1 dB of -3 dB an octave from 20 Hz to 18 kHz at 44.1 and 48 kHz:
 *
 *   b0 = 0.99765 b0 + 0.0990460 white,  b1 = 0.96300 b1 + 0.2965164 white
 *   b2 = 0.57000 b2 + 1.0526913 white,  pink = 0.129 (b0 + b1 + b2 + 0.1848 white)
 *
 * 0.129 brings pink to -13 dBFS RMS, so that its peaks stay under full scale.
 *
 * No ports. Variants: 0 white, 1 pink. Words: 0 seed, 1 lanes. State for each bank: the
 * generators (i32x4), b0, b1, b2. The generators are seeded by `k_noise_init`; one at 0, where
 * xorshift would stay for ever, begins again from a constant. White never rests, so that nothing
 * can decay into denormals, and all is bounded.
 */
export function k_noise(node: usize): void {
  const pink = variant(node) == 1;
  for (let bank = 0, count = banks(node); bank < count; bank++) {
    const at = state(node) + (<usize>bank << 6);
    const out = output(node, bank);
    let r = v128.load(at);
    r = v128.bitselect(i32x4.splat(0x2545f491), r, i32x4.eq(r, i32x4.splat(0)));
    v128.store(at, r);
    if (pink) pinkBank(at, out);
    else whiteBank(at, out);
  }
}

/** Seeds each lane apart from all others; a mono cable's four lanes are the same. */
export function k_noise_init(node: usize): void {
  const seed = wordI32(node, 0);
  const mono = wordI32(node, 1) == 1;
  for (let lane = 0, count = banks(node) << 2; lane < count; lane++) {
    const at = state(node) + (<usize>(lane >> 2) << 6) + (<usize>(lane & 3) << 2);
    store<i32>(at, scramble(seed + <i32>0x9e3779b9 * (mono ? 1 : lane + 1)));
  }
}

/** The finaliser of MurmurHash3 (A. Appleby): every bit of the seed reaches every bit. */
function scramble(seed: i32): i32 {
  let h = <u32>seed;
  h ^= h >> 16;
  h *= 0x85ebca6b;
  h ^= h >> 13;
  h *= 0xc2b2ae35;
  h ^= h >> 16;
  return <i32>h;
}

// @ts-ignore: decorator
@inline function next(r: v128): v128 {
  const a = v128.xor(r, i32x4.shl(r, 13));
  const b = v128.xor(a, i32x4.shr_u(a, 17));
  return v128.xor(b, i32x4.shl(b, 5));
}

// @ts-ignore: decorator
@inline function level(r: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(r), f32x4.splat(4.656612873e-10));
}

function whiteBank(at: usize, out: usize): void {
  let r = v128.load(at);
  const end = out + (<usize>quantum << 4);
  do {
    r = next(r);
    v128.store(out, level(r));
    out += 16;
  } while (out < end);
  v128.store(at, r);
}

// @ts-ignore: decorator
@inline function pole(b: v128, keep: f32, gain: f32, white: v128): v128 {
  return f32x4.add(f32x4.mul(b, f32x4.splat(keep)), f32x4.mul(white, f32x4.splat(gain)));
}

function pinkBank(at: usize, out: usize): void {
  let r = v128.load(at);
  let b0 = held(v128.load(at, 16));
  let b1 = held(v128.load(at, 32));
  let b2 = held(v128.load(at, 48));
  const end = out + (<usize>quantum << 4);
  do {
    r = next(r);
    const white = level(r);
    b0 = pole(b0, 0.99765, 0.099046, white);
    b1 = pole(b1, 0.963, 0.2965164, white);
    b2 = pole(b2, 0.57, 1.0526913, white);
    const sum = f32x4.add(f32x4.add(b0, b1), f32x4.add(b2, f32x4.mul(white, f32x4.splat(0.1848))));
    v128.store(out, f32x4.mul(sum, f32x4.splat(0.129)));
    out += 16;
  } while (out < end);
  v128.store(at, r);
  v128.store(at, b0, 16);
  v128.store(at, b1, 32);
  v128.store(at, b2, 48);
}

/** No pole of a healthy generator reaches 100; what does, begins again. */
// @ts-ignore: decorator
@inline function held(b: v128): v128 {
  return v128.and(b, f32x4.lt(f32x4.abs(b), f32x4.splat(100)));
}
