/**
 * Sums of products of four rows, whose addresses are the four words at `rows`, with one stretch of
 * the input. AssemblyScript does not vectorise, and what limits the speed is loads: four rows by
 * two channels take 6 loads for 8 products.
 */

/** The sums of the lanes of a, b, c and d. */
// @ts-ignore: decorator
@inline function total(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(
    v128.shuffle<f32>(a, b, 0, 4, 1, 5),
    v128.shuffle<f32>(a, b, 2, 6, 3, 7),
  );
  const cd = f32x4.add(
    v128.shuffle<f32>(c, d, 0, 4, 1, 5),
    v128.shuffle<f32>(c, d, 2, 6, 3, 7),
  );
  return f32x4.add(
    v128.shuffle<f32>(ab, cd, 0, 1, 4, 5),
    v128.shuffle<f32>(ab, cd, 2, 3, 6, 7),
  );
}

/** Both channels of a pair, `stride` bytes apart: four sums of the one, then of the other. */
export function sumPair(rows: usize, x: usize, stride: usize, bytes: usize, sums: usize): void {
  let row0 = load<usize>(rows);
  let row1 = load<usize>(rows, 4);
  let row2 = load<usize>(rows, 8);
  let row3 = load<usize>(rows, 12);
  let y = x + stride;
  const end = x + bytes;
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  do {
    const left = v128.load(x);
    const right = v128.load(y);
    let h = v128.load(row0);
    a0 = f32x4.add(a0, f32x4.mul(h, left));
    b0 = f32x4.add(b0, f32x4.mul(h, right));
    h = v128.load(row1);
    a1 = f32x4.add(a1, f32x4.mul(h, left));
    b1 = f32x4.add(b1, f32x4.mul(h, right));
    h = v128.load(row2);
    a2 = f32x4.add(a2, f32x4.mul(h, left));
    b2 = f32x4.add(b2, f32x4.mul(h, right));
    h = v128.load(row3);
    a3 = f32x4.add(a3, f32x4.mul(h, left));
    b3 = f32x4.add(b3, f32x4.mul(h, right));
    x += 16;
    y += 16;
    row0 += 16;
    row1 += 16;
    row2 += 16;
    row3 += 16;
  } while (x < end);
  v128.store(sums, total(a0, a1, a2, a3));
  v128.store(sums, total(b0, b1, b2, b3), 16);
}

/** One channel, added in the same order as by `sumPair`. */
export function sumOne(rows: usize, x: usize, bytes: usize, sums: usize): void {
  let row0 = load<usize>(rows);
  let row1 = load<usize>(rows, 4);
  let row2 = load<usize>(rows, 8);
  let row3 = load<usize>(rows, 12);
  const end = x + bytes;
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  do {
    const value = v128.load(x);
    a0 = f32x4.add(a0, f32x4.mul(v128.load(row0), value));
    a1 = f32x4.add(a1, f32x4.mul(v128.load(row1), value));
    a2 = f32x4.add(a2, f32x4.mul(v128.load(row2), value));
    a3 = f32x4.add(a3, f32x4.mul(v128.load(row3), value));
    x += 16;
    row0 += 16;
    row1 += 16;
    row2 += 16;
    row3 += 16;
  } while (x < end);
  v128.store(sums, total(a0, a1, a2, a3));
}

/** Adds the products of the float64 rows to four float32 sums of one channel. */
export function sumCentre(rows: usize, x: usize, bytes: usize, sums: usize): void {
  let row0 = load<usize>(rows);
  let row1 = load<usize>(rows, 4);
  let row2 = load<usize>(rows, 8);
  let row3 = load<usize>(rows, 12);
  const end = x + bytes;
  let a0 = f64x2.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  do {
    const value = f64x2.promote_low_f32x4(v128.load64_zero(x));
    a0 = f64x2.add(a0, f64x2.mul(v128.load(row0), value));
    a1 = f64x2.add(a1, f64x2.mul(v128.load(row1), value));
    a2 = f64x2.add(a2, f64x2.mul(v128.load(row2), value));
    a3 = f64x2.add(a3, f64x2.mul(v128.load(row3), value));
    x += 8;
    row0 += 16;
    row1 += 16;
    row2 += 16;
    row3 += 16;
  } while (x < end);
  store<f32>(sums, centred(a0, load<f32>(sums)));
  store<f32>(sums, centred(a1, load<f32>(sums, 4)), 4);
  store<f32>(sums, centred(a2, load<f32>(sums, 8)), 8);
  store<f32>(sums, centred(a3, load<f32>(sums, 12)), 12);
}

// @ts-ignore: decorator
@inline function centred(a: v128, rest: f32): f32 {
  return <f32>(f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1) + <f64>rest);
}
