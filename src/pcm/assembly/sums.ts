/**
 * Sums of products of rows, whose addresses are words in memory, with one stretch of the input.
 * AssemblyScript does not vectorise. Four rows by two channels take 6 loads for 8 products, six
 * rows by one 7 for 6, and the sums do not wait for each other. Vector i of the input goes to lane
 * by lane of vector i of a sum, ascending: the input is at a multiple of four frames, so a row's
 * sum is the same whatever other rows are summed with it.
 */

/** Bytes of four vectors, which are read in one turn of a loop. */
const TURN: usize = 64;

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

/** sum + row * x */
// @ts-ignore: decorator
@inline function plus(sum: v128, row: v128, x: v128): v128 {
  return f32x4.add(sum, f32x4.mul(row, x));
}

/** Four rows by two channels, `stride` bytes apart: four sums of the one, then of the other. */
export function sumPair(
  rows: usize,
  skip: usize,
  x: usize,
  stride: usize,
  bytes: usize,
  sums: usize,
): void {
  let row0 = load<usize>(rows) + skip;
  let row1 = load<usize>(rows, 4) + skip;
  let row2 = load<usize>(rows, 8) + skip;
  let row3 = load<usize>(rows, 12) + skip;
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
  let left: v128;
  let right: v128;
  let h: v128;
  do {
    left = v128.load(x);
    right = v128.load(y);
    h = v128.load(row0);
    a0 = plus(a0, h, left);
    b0 = plus(b0, h, right);
    h = v128.load(row1);
    a1 = plus(a1, h, left);
    b1 = plus(b1, h, right);
    h = v128.load(row2);
    a2 = plus(a2, h, left);
    b2 = plus(b2, h, right);
    h = v128.load(row3);
    a3 = plus(a3, h, left);
    b3 = plus(b3, h, right);
    if (x + 16 >= end) break;
    left = v128.load(x, 16);
    right = v128.load(y, 16);
    h = v128.load(row0, 16);
    a0 = plus(a0, h, left);
    b0 = plus(b0, h, right);
    h = v128.load(row1, 16);
    a1 = plus(a1, h, left);
    b1 = plus(b1, h, right);
    h = v128.load(row2, 16);
    a2 = plus(a2, h, left);
    b2 = plus(b2, h, right);
    h = v128.load(row3, 16);
    a3 = plus(a3, h, left);
    b3 = plus(b3, h, right);
    if (x + 32 >= end) break;
    left = v128.load(x, 32);
    right = v128.load(y, 32);
    h = v128.load(row0, 32);
    a0 = plus(a0, h, left);
    b0 = plus(b0, h, right);
    h = v128.load(row1, 32);
    a1 = plus(a1, h, left);
    b1 = plus(b1, h, right);
    h = v128.load(row2, 32);
    a2 = plus(a2, h, left);
    b2 = plus(b2, h, right);
    h = v128.load(row3, 32);
    a3 = plus(a3, h, left);
    b3 = plus(b3, h, right);
    if (x + 48 >= end) break;
    left = v128.load(x, 48);
    right = v128.load(y, 48);
    h = v128.load(row0, 48);
    a0 = plus(a0, h, left);
    b0 = plus(b0, h, right);
    h = v128.load(row1, 48);
    a1 = plus(a1, h, left);
    b1 = plus(b1, h, right);
    h = v128.load(row2, 48);
    a2 = plus(a2, h, left);
    b2 = plus(b2, h, right);
    h = v128.load(row3, 48);
    a3 = plus(a3, h, left);
    b3 = plus(b3, h, right);
    x += TURN;
    y += TURN;
    row0 += TURN;
    row1 += TURN;
    row2 += TURN;
    row3 += TURN;
  } while (x < end);
  v128.store(sums, total(a0, a1, a2, a3));
  v128.store(sums, total(b0, b1, b2, b3), 16);
}

/** Six rows by one channel. */
export function sumOne(rows: usize, skip: usize, x: usize, bytes: usize, sums: usize): void {
  let row0 = load<usize>(rows) + skip;
  let row1 = load<usize>(rows, 4) + skip;
  let row2 = load<usize>(rows, 8) + skip;
  let row3 = load<usize>(rows, 12) + skip;
  let row4 = load<usize>(rows, 16) + skip;
  let row5 = load<usize>(rows, 20) + skip;
  const end = x + bytes;
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let a4 = a0;
  let a5 = a0;
  let value: v128;
  do {
    value = v128.load(x);
    a0 = plus(a0, v128.load(row0), value);
    a1 = plus(a1, v128.load(row1), value);
    a2 = plus(a2, v128.load(row2), value);
    a3 = plus(a3, v128.load(row3), value);
    a4 = plus(a4, v128.load(row4), value);
    a5 = plus(a5, v128.load(row5), value);
    if (x + 16 >= end) break;
    value = v128.load(x, 16);
    a0 = plus(a0, v128.load(row0, 16), value);
    a1 = plus(a1, v128.load(row1, 16), value);
    a2 = plus(a2, v128.load(row2, 16), value);
    a3 = plus(a3, v128.load(row3, 16), value);
    a4 = plus(a4, v128.load(row4, 16), value);
    a5 = plus(a5, v128.load(row5, 16), value);
    if (x + 32 >= end) break;
    value = v128.load(x, 32);
    a0 = plus(a0, v128.load(row0, 32), value);
    a1 = plus(a1, v128.load(row1, 32), value);
    a2 = plus(a2, v128.load(row2, 32), value);
    a3 = plus(a3, v128.load(row3, 32), value);
    a4 = plus(a4, v128.load(row4, 32), value);
    a5 = plus(a5, v128.load(row5, 32), value);
    if (x + 48 >= end) break;
    value = v128.load(x, 48);
    a0 = plus(a0, v128.load(row0, 48), value);
    a1 = plus(a1, v128.load(row1, 48), value);
    a2 = plus(a2, v128.load(row2, 48), value);
    a3 = plus(a3, v128.load(row3, 48), value);
    a4 = plus(a4, v128.load(row4, 48), value);
    a5 = plus(a5, v128.load(row5, 48), value);
    x += TURN;
    row0 += TURN;
    row1 += TURN;
    row2 += TURN;
    row3 += TURN;
    row4 += TURN;
    row5 += TURN;
  } while (x < end);
  v128.store(sums, total(a0, a1, a2, a3));
  v128.store(sums, total(a4, a5, a4, a5), 16);
}

/** Adds the products of two float64 rows to two float32 sums of one channel. */
export function sumCentre(rows: usize, skip: usize, x: usize, bytes: usize, sums: usize): void {
  let row0 = load<usize>(rows) + skip;
  let row1 = load<usize>(rows, 4) + skip;
  const end = x + bytes;
  let a0 = f64x2.splat(0);
  let a1 = a0;
  do {
    const value = f64x2.promote_low_f32x4(v128.load64_zero(x));
    a0 = f64x2.add(a0, f64x2.mul(v128.load(row0), value));
    a1 = f64x2.add(a1, f64x2.mul(v128.load(row1), value));
    x += 8;
    row0 += 16;
    row1 += 16;
  } while (x < end);
  store<f32>(sums, centred(a0, load<f32>(sums)));
  store<f32>(sums, centred(a1, load<f32>(sums, 4)), 4);
}

// @ts-ignore: decorator
@inline function centred(a: v128, rest: f32): f32 {
  return <f32>(f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1) + <f64>rest);
}
