/**
 * The functions that WebAssembly lacks, four lanes at a time. The polynomials are our own minimax
 * fits: least squares on 2001 Chebyshev nodes, reweighted by Lawson's iteration (C. L. Lawson,
 * "Contributions to the Theory of Linear Least Maximum Approximation", 1961) until the relative
 * error is level. They use only additions and multiplications, which IEEE 754 rounds in one way,
 * so every machine computes the same bits.
 */

/** sin(pi z) for |z| <= 0.5; relative error of the polynomial 5.4e-9, with rounding 2e-7. */
// @ts-ignore: decorator
@inline export function sinPi(z: v128): v128 {
  const s = f32x4.mul(z, z);
  let p = f32x4.splat(0.0775604549);
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(-0.5982421668));
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(2.550069734));
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(-5.167709685));
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(3.141592637));
  return f32x4.mul(p, z);
}

/** sin of a 32-bit phase, a whole turn being 2^32; exact to 3e-7. */
// @ts-ignore: decorator
@inline export function sinTurn(phase: v128): v128 {
  // A quarter turn ahead, the absolute value folds the circle onto one rising half wave.
  const folded = i32x4.sub(
    i32x4.abs(i32x4.add(phase, i32x4.splat(0x40000000))),
    i32x4.splat(0x40000000),
  );
  return sinPi(f32x4.mul(f32x4.convert_i32x4_s(folded), f32x4.splat(4.656612873e-10)));
}

/** 2^x for |x| <= 125; relative error of the polynomial 7.5e-8, with rounding 2e-7. */
// @ts-ignore: decorator
@inline export function exp2(x: v128): v128 {
  // Adding 1.5 * 2^23 leaves the nearest integer in the low bits, and so ready for the exponent.
  const shifted = f32x4.add(x, f32x4.splat(12582912));
  const f = f32x4.sub(x, f32x4.sub(shifted, f32x4.splat(12582912)));
  let p = f32x4.splat(0.001327647215);
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.009675541662));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.05550713276));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.2402211972));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.6931469671));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1.000000072));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** The factor of a level in decibels, held within [low, high]; 0 dB is exactly 1. */
// @ts-ignore: decorator
@inline export function gainOfDb(db: v128, low: f32, high: f32): v128 {
  const held = f32x4.pmin(f32x4.splat(high), f32x4.pmax(f32x4.splat(low), db));
  const gain = exp2(f32x4.mul(held, f32x4.splat(0.1660964047)));
  return v128.bitselect(f32x4.splat(1), gain, f32x4.eq(held, f32x4.splat(0)));
}
