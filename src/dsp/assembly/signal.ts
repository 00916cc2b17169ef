import { quantum } from './abi';

/** What `x` decays to when it is stored as `x + quietBias` and read less it: 0, never denormal. */
// @ts-ignore: decorator
@inline export const quietBias: f32 = 1e-18;

/** |x|. The mask stays in a register, where `f32x4.abs` makes it anew in every frame. */
// @ts-ignore: decorator
@inline export function size(x: v128): v128 {
  return v128.and(x, i32x4.splat(0x7fffffff));
}

/**
 * `x` with everything made 0 that is not a sound: NaN, infinity, magnitudes of 1e9 and above, and
 * of 1e-18 (-360 dB) and below. Comparisons with NaN are false, which takes care of it.
 */
// @ts-ignore: decorator
@inline export function sound(x: v128): v128 {
  const level = size(x);
  return v128.and(
    x,
    v128.and(f32x4.lt(level, f32x4.splat(1e9)), f32x4.gt(level, f32x4.splat(1e-18))),
  );
}

/** As `sound`, but lets the smallest numbers pass, where a state swallows them anyway. */
// @ts-ignore: decorator
@inline export function bounded(x: v128): v128 {
  return v128.and(x, f32x4.lt(size(x), f32x4.splat(1e9)));
}

/** `x` to the last bit from 1e-11 on, and 0 or at least 6e-26 below: never denormal. */
// @ts-ignore: decorator
@inline export function hushed(x: v128): v128 {
  const bias = f32x4.splat(quietBias);
  return f32x4.sub(f32x4.add(x, bias), bias);
}

/**
 * True when a port gives one value for the whole quantum: a number, or a cable that happens to
 * hold still. A kernel then computes its coefficients once.
 */
export function isSteady(at: usize, step: usize): bool {
  if (step == 0) return true;
  const first = v128.load(at);
  const last = at + step * <usize>(quantum - 1);
  let changes = v128.xor(first, v128.load(last));
  if (v128.any_true(changes)) return false;
  for (let p = at + step; p < last; p += step) {
    changes = v128.or(changes, v128.xor(first, v128.load(p)));
  }
  return !v128.any_true(changes);
}
