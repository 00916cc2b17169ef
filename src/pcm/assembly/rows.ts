/** Rows of coefficients for places between those of the bank. */

/** row[i] = ((c3 f + c2) f + c1) f + c0, four coefficients at a time, c0 to c3 of four together. */
export function evaluate(from: usize, row: usize, taps: i32, between: f32): void {
  const f = f32x4.splat(between);
  const end = row + (<usize>taps << 2);
  while (row < end) {
    let sum = f32x4.add(f32x4.mul(v128.load(from, 48), f), v128.load(from, 32));
    sum = f32x4.add(f32x4.mul(sum, f), v128.load(from, 16));
    v128.store(row, f32x4.add(f32x4.mul(sum, f), v128.load(from)));
    from += 64;
    row += 16;
  }
}

/** The same in float64, two coefficients at a time. */
export function evaluateCentre(from: usize, row: usize, centre: i32, between: f64): void {
  const f = f64x2.splat(between);
  const end = row + (<usize>centre << 3);
  while (row < end) {
    let sum = f64x2.add(f64x2.mul(v128.load(from, 48), f), v128.load(from, 32));
    sum = f64x2.add(f64x2.mul(sum, f), v128.load(from, 16));
    v128.store(row, f64x2.add(f64x2.mul(sum, f), v128.load(from)));
    from += 64;
    row += 16;
  }
}
