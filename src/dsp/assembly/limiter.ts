import {
  banks,
  clamp,
  output,
  portAt,
  portStep,
  quantum,
  rate,
  settle,
  state,
  wordI32,
} from './abi';
import { gainOfDb } from './approximation';
import { isSteady, sound } from './signal';

/**
 * Look-ahead brick wall. With N frames of look-ahead (a power of two) and C the ceiling:
 *
 *   need[i]  = 1 - C / max(C, |x[i]|)                     what the frame must lose
 *   hold[i]  = max(need[i - N + 1 .. i])
 *   s[i]     = max(hold[i], s[i - 1] - r (s[i - 1] + 0.001)),  r = 1 / (release rate), at least 0
 *   lose[i]  = mean(s[i - N + 1 .. i])
 *   y[i]     = x[i - N + 1] (1 - lose[i]), held within +-C
 *
 * Every value in the mean covers the frame that is due, so the wall is kept and the gain moves in
 * straight lines. The last step only takes what rounding leaves over. Latency: N - 1 frames. The
 * running maximum is by van Herk ("A fast algorithm for local minimum and maximum filters",
 * Pattern Recognition Letters 13, 1992): two comparisons a frame. The mean adds integers (2^22 to
 * 1, rounded up), so it is exact and cannot drift.
 *
 * Left and right lose the same; voices are limited each for itself.
 *
 * Ports: 0 in, 1 ceiling (dBFS, -60..0), 2 release (s, 0.001..10). Words: 0 N, 1 whether lanes
 * are left and right. State for each bank: position (i32, 16 bytes), s, the sum (i32x4), the
 * maximum since the block began, then N frames each of x, of need or its maximum to the block's
 * end, and of s as integers. An input that is not finite counts as 0, a ceiling or release as its
 * lowest value; below 1e-18 the sound is 0.
 */
export function k_limiter(node: usize): void {
  const frames = wordI32(node, 0);
  const bankBytes: usize = 64 + (<usize>(frames * 3) << 4);
  for (let bank = 0, count = banks(node); bank < count; bank++) {
    limit(node, bank, state(node) + <usize>bank * bankBytes, frames);
  }
}

// @ts-ignore: decorator
@inline const one: f32 = 4194304; // 2^22

// @ts-ignore: decorator
@inline function ceilingGain(db: v128): v128 {
  return gainOfDb(db, -60, 0);
}

// @ts-ignore: decorator
@inline function releaseStep(seconds: v128): v128 {
  const held = clamp(seconds, f32x4.splat(0.001), f32x4.splat(10));
  return f32x4.pmin(
    f32x4.splat(1),
    f32x4.div(f32x4.splat(1), f32x4.mul(held, f32x4.splat(rate))),
  );
}

/** Each frame of a finished block becomes the maximum from it to the block's end. */
function sweep(needs: usize, frames: i32): void {
  let top = f32x4.splat(0);
  for (let at = needs + (<usize>(frames - 1) << 4); at >= needs; at -= 16) {
    top = f32x4.pmax(top, v128.load(at));
    v128.store(at, top);
  }
}

function limit(node: usize, bank: i32, at: usize, frames: i32): void {
  const linked = wordI32(node, 1) != 0;
  const mask = frames - 1;
  const sounds = at + 64;
  const needs = sounds + (<usize>frames << 4);
  const losses = needs + (<usize>frames << 4);
  const scale = f32x4.splat(1 / (one * <f32>frames));
  let x = portAt(node, 0, bank);
  let ceiling = portAt(node, 1, bank);
  let release = portAt(node, 2, bank);
  const xStep = portStep(node, 0);
  const ceilingStep = portStep(node, 1);
  const releaseStepBytes = portStep(node, 2);
  const steady = isSteady(ceiling, ceilingStep) && isSteady(release, releaseStepBytes);
  let wall = ceilingGain(v128.load(ceiling));
  let fall = releaseStep(v128.load(release));
  let position = load<i32>(at) & mask;
  let s = clamp(v128.load(at, 16), f32x4.splat(0), f32x4.splat(1));
  let sum = v128.load(at, 32);
  let prefix = v128.load(at, 48);
  let out = output(node, bank);
  const end = out + (<usize>quantum << 4);
  do {
    if (!steady) {
      wall = ceilingGain(v128.load(ceiling));
      fall = releaseStep(v128.load(release));
    }
    const here = <usize>position << 4;
    const next = <usize>((position + 1) & mask) << 4;
    const sound0 = sound(v128.load(x));
    v128.store(sounds + here, sound0);
    let peak = f32x4.abs(sound0);
    if (linked) peak = f32x4.pmax(peak, v128.shuffle<f32>(peak, peak, 1, 0, 3, 2));
    const need = f32x4.sub(f32x4.splat(1), f32x4.div(wall, f32x4.pmax(wall, peak)));
    prefix = position == 0 ? need : f32x4.pmax(prefix, need);
    // At the block's last frame the window is the block itself.
    const hold = position == mask ? prefix : f32x4.pmax(prefix, v128.load(needs + next));
    v128.store(needs + here, need);
    if (position == mask) sweep(needs, frames);
    const eased = f32x4.sub(s, f32x4.mul(fall, f32x4.add(s, f32x4.splat(0.001))));
    s = f32x4.pmax(f32x4.splat(0), f32x4.pmax(hold, eased));
    const loss = i32x4.trunc_sat_f32x4_s(f32x4.ceil(f32x4.mul(s, f32x4.splat(one))));
    sum = i32x4.sub(i32x4.add(sum, loss), v128.load(losses + here));
    v128.store(losses + here, loss);
    const lose = f32x4.mul(f32x4.convert_i32x4_s(sum), scale);
    const y = f32x4.mul(v128.load(sounds + next), f32x4.sub(f32x4.splat(1), lose));
    v128.store(out, settle(f32x4.pmin(wall, f32x4.pmax(f32x4.neg(wall), y))));
    position = (position + 1) & mask;
    x += xStep;
    ceiling += ceilingStep;
    release += releaseStepBytes;
    out += 16;
  } while (out < end);
  store<i32>(at, position);
  v128.store(at, s, 16);
  v128.store(at, sum, 32);
  v128.store(at, prefix, 48);
}
