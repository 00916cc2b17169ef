/**
 * Complex Fourier transform of Stockham's kind, which needs no reordering: a pass of radix r takes
 * x[q + s (p + m k)], k below r, to y[q + s (r p + j)] = w^(j p) sum over k of x e^(-2 pi i j k / r)
 * with w = e^(-2 pi i / (r m)); then m shrinks and s grows by r. Real and imaginary parts are apart;
 * T is f32 or f64, a vector holds neighbouring q. The first pass is of radix 4 with s = 1 and
 * vectors of neighbouring p, so that s is a multiple of the lanes from then on.
 */

// @ts-ignore: decorator
@inline function add<T>(a: v128, b: v128): v128 {
  return v128.add<T>(a, b);
}
// @ts-ignore: decorator
@inline function sub<T>(a: v128, b: v128): v128 {
  return v128.sub<T>(a, b);
}
// @ts-ignore: decorator
@inline function mul<T>(a: v128, b: v128): v128 {
  return v128.mul<T>(a, b);
}
// @ts-ignore: decorator
@inline function splat<T>(x: f64): v128 {
  return v128.splat<T>(<T>x);
}

/** Stores (re, im) times the factor at `factors`, whose parts follow each other. */
// @ts-ignore: decorator
@inline function turn<T>(re: usize, im: usize, x: v128, y: v128, factors: usize): void {
  const c = v128.load_splat<T>(factors);
  const d = v128.load_splat<T>(factors + sizeof<T>());
  v128.store(re, sub<T>(mul<T>(x, c), mul<T>(y, d)));
  v128.store(im, add<T>(mul<T>(x, d), mul<T>(y, c)));
}

/** One stage as it lies in memory: radix, m, s, address of its factors. */
export const STAGE_BYTES: usize = 16;

/** All passes. The result is in the second pair of arrays if their number is odd, else the third. */
export function transform<T>(
  stages: usize,
  count: i32,
  re: usize,
  im: usize,
  re1: usize,
  im1: usize,
  re2: usize,
  im2: usize,
): void {
  firstPass<T>(load<i32>(stages, 4), load<usize>(stages, 12), re, im, re1, im1);
  for (let i = 1; i < count; i++) {
    stages += STAGE_BYTES;
    const radix = load<i32>(stages);
    const m = load<i32>(stages, 4);
    const s = load<usize>(stages, 8);
    const factors = load<usize>(stages, 12);
    if (radix == 4) pass4<T>(m, s, factors, re1, im1, re2, im2);
    else if (radix == 2) pass2<T>(m, s, factors, re1, im1, re2, im2);
    else if (radix == 3) pass3<T>(m, s, factors, re1, im1, re2, im2);
    else if (radix == 5) pass5<T>(m, s, factors, re1, im1, re2, im2);
    else pass7<T>(m, s, factors, re1, im1, re2, im2);
    const re3 = re1;
    const im3 = im1;
    re1 = re2;
    im1 = im2;
    re2 = re3;
    im2 = im3;
  }
}

/** Writes four vectors of neighbouring p, one for each j, as r p + j. */
// @ts-ignore: decorator
@inline function transpose<T>(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  if (sizeof<T>() == 4) {
    const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    const ef = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const gh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
    v128.store(to, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 16);
    v128.store(to, v128.shuffle<f32>(ef, gh, 0, 1, 4, 5), 32);
    v128.store(to, v128.shuffle<f32>(ef, gh, 2, 3, 6, 7), 48);
  } else {
    v128.store(to, v128.shuffle<f64>(a, b, 0, 2));
    v128.store(to, v128.shuffle<f64>(c, d, 0, 2), 16);
    v128.store(to, v128.shuffle<f64>(a, b, 1, 3), 32);
    v128.store(to, v128.shuffle<f64>(c, d, 1, 3), 48);
  }
}

/** Radix 4, s = 1. Factors: for each vector of p, real and imaginary parts for j = 1, 2, 3. */
function firstPass<T>(m: i32, f: usize, re: usize, im: usize, toRe: usize, toIm: usize): void {
  const k = <usize>m * sizeof<T>();
  const end = re + k;
  while (re < end) {
    const x0 = v128.load(re);
    const x1 = v128.load(re + k);
    const x2 = v128.load(re + 2 * k);
    const x3 = v128.load(re + 3 * k);
    const y0 = v128.load(im);
    const y1 = v128.load(im + k);
    const y2 = v128.load(im + 2 * k);
    const y3 = v128.load(im + 3 * k);
    const sx = add<T>(x0, x2);
    const sy = add<T>(y0, y2);
    const dx = sub<T>(x0, x2);
    const dy = sub<T>(y0, y2);
    const tx = add<T>(x1, x3);
    const ty = add<T>(y1, y3);
    const ex = sub<T>(x1, x3);
    const ey = sub<T>(y1, y3);
    const ax = add<T>(dx, ey);
    const ay = sub<T>(dy, ex);
    const bx = sub<T>(sx, tx);
    const by = sub<T>(sy, ty);
    const cx = sub<T>(dx, ey);
    const cy = add<T>(dy, ex);
    const f1 = v128.load(f);
    const g1 = v128.load(f, 16);
    const f2 = v128.load(f, 32);
    const g2 = v128.load(f, 48);
    const f3 = v128.load(f, 64);
    const g3 = v128.load(f, 80);
    transpose<T>(
      toRe,
      add<T>(sx, tx),
      sub<T>(mul<T>(ax, f1), mul<T>(ay, g1)),
      sub<T>(mul<T>(bx, f2), mul<T>(by, g2)),
      sub<T>(mul<T>(cx, f3), mul<T>(cy, g3)),
    );
    transpose<T>(
      toIm,
      add<T>(sy, ty),
      add<T>(mul<T>(ax, g1), mul<T>(ay, f1)),
      add<T>(mul<T>(bx, g2), mul<T>(by, f2)),
      add<T>(mul<T>(cx, g3), mul<T>(cy, f3)),
    );
    re += 16;
    im += 16;
    toRe += 64;
    toIm += 64;
    f += 96;
  }
}

function pass2<T>(m: i32, s: usize, f: usize, re: usize, im: usize, toRe: usize, toIm: usize): void {
  const q = s * sizeof<T>();
  const k = <usize>m * q;
  for (let p = 0; p < m; p++) {
    const end = re + q;
    while (re < end) {
      const x0 = v128.load(re);
      const x1 = v128.load(re + k);
      const y0 = v128.load(im);
      const y1 = v128.load(im + k);
      v128.store(toRe, add<T>(x0, x1));
      v128.store(toIm, add<T>(y0, y1));
      turn<T>(toRe + q, toIm + q, sub<T>(x0, x1), sub<T>(y0, y1), f);
      re += 16;
      im += 16;
      toRe += 16;
      toIm += 16;
    }
    toRe += q;
    toIm += q;
    f += 2 * sizeof<T>();
  }
}

function pass3<T>(m: i32, s: usize, f: usize, re: usize, im: usize, toRe: usize, toIm: usize): void {
  const q = s * sizeof<T>();
  const k = <usize>m * q;
  const half = splat<T>(0.5);
  const sine = splat<T>(0.86602540378443864676);
  for (let p = 0; p < m; p++) {
    const end = re + q;
    while (re < end) {
      const x0 = v128.load(re);
      const x1 = v128.load(re + k);
      const x2 = v128.load(re + 2 * k);
      const y0 = v128.load(im);
      const y1 = v128.load(im + k);
      const y2 = v128.load(im + 2 * k);
      const tx = add<T>(x1, x2);
      const ty = add<T>(y1, y2);
      const ux = sub<T>(x0, mul<T>(tx, half));
      const uy = sub<T>(y0, mul<T>(ty, half));
      const vx = mul<T>(sub<T>(x1, x2), sine);
      const vy = mul<T>(sub<T>(y1, y2), sine);
      v128.store(toRe, add<T>(x0, tx));
      v128.store(toIm, add<T>(y0, ty));
      turn<T>(toRe + q, toIm + q, add<T>(ux, vy), sub<T>(uy, vx), f);
      const g = f + 2 * sizeof<T>();
      turn<T>(toRe + 2 * q, toIm + 2 * q, sub<T>(ux, vy), add<T>(uy, vx), g);
      re += 16;
      im += 16;
      toRe += 16;
      toIm += 16;
    }
    toRe += 2 * q;
    toIm += 2 * q;
    f += 4 * sizeof<T>();
  }
}

function pass4<T>(m: i32, s: usize, f: usize, re: usize, im: usize, toRe: usize, toIm: usize): void {
  const q = s * sizeof<T>();
  const k = <usize>m * q;
  for (let p = 0; p < m; p++) {
    const end = re + q;
    while (re < end) {
      const x0 = v128.load(re);
      const x1 = v128.load(re + k);
      const x2 = v128.load(re + 2 * k);
      const x3 = v128.load(re + 3 * k);
      const y0 = v128.load(im);
      const y1 = v128.load(im + k);
      const y2 = v128.load(im + 2 * k);
      const y3 = v128.load(im + 3 * k);
      const sx = add<T>(x0, x2);
      const sy = add<T>(y0, y2);
      const dx = sub<T>(x0, x2);
      const dy = sub<T>(y0, y2);
      const tx = add<T>(x1, x3);
      const ty = add<T>(y1, y3);
      const ex = sub<T>(x1, x3);
      const ey = sub<T>(y1, y3);
      v128.store(toRe, add<T>(sx, tx));
      v128.store(toIm, add<T>(sy, ty));
      turn<T>(toRe + q, toIm + q, add<T>(dx, ey), sub<T>(dy, ex), f);
      const g = f + 2 * sizeof<T>();
      turn<T>(toRe + 2 * q, toIm + 2 * q, sub<T>(sx, tx), sub<T>(sy, ty), g);
      const h = f + 4 * sizeof<T>();
      turn<T>(toRe + 3 * q, toIm + 3 * q, sub<T>(dx, ey), add<T>(dy, ex), h);
      re += 16;
      im += 16;
      toRe += 16;
      toIm += 16;
    }
    toRe += 3 * q;
    toIm += 3 * q;
    f += 6 * sizeof<T>();
  }
}

function pass5<T>(m: i32, s: usize, f: usize, re: usize, im: usize, toRe: usize, toIm: usize): void {
  const q = s * sizeof<T>();
  const k = <usize>m * q;
  const c1 = splat<T>(0.30901699437494742410);
  const c2 = splat<T>(-0.80901699437494742410);
  const s1 = splat<T>(0.95105651629515357212);
  const s2 = splat<T>(0.58778525229247312917);
  for (let p = 0; p < m; p++) {
    const end = re + q;
    while (re < end) {
      const x0 = v128.load(re);
      const x1 = v128.load(re + k);
      const x2 = v128.load(re + 2 * k);
      const x3 = v128.load(re + 3 * k);
      const x4 = v128.load(re + 4 * k);
      const y0 = v128.load(im);
      const y1 = v128.load(im + k);
      const y2 = v128.load(im + 2 * k);
      const y3 = v128.load(im + 3 * k);
      const y4 = v128.load(im + 4 * k);
      const tx1 = add<T>(x1, x4);
      const ty1 = add<T>(y1, y4);
      const tx2 = add<T>(x2, x3);
      const ty2 = add<T>(y2, y3);
      const dx1 = sub<T>(x1, x4);
      const dy1 = sub<T>(y1, y4);
      const dx2 = sub<T>(x2, x3);
      const dy2 = sub<T>(y2, y3);
      v128.store(toRe, add<T>(x0, add<T>(tx1, tx2)));
      v128.store(toIm, add<T>(y0, add<T>(ty1, ty2)));
      const ux1 = add<T>(x0, add<T>(mul<T>(tx1, c1), mul<T>(tx2, c2)));
      const uy1 = add<T>(y0, add<T>(mul<T>(ty1, c1), mul<T>(ty2, c2)));
      const ux2 = add<T>(x0, add<T>(mul<T>(tx1, c2), mul<T>(tx2, c1)));
      const uy2 = add<T>(y0, add<T>(mul<T>(ty1, c2), mul<T>(ty2, c1)));
      const vx1 = add<T>(mul<T>(dx1, s1), mul<T>(dx2, s2));
      const vy1 = add<T>(mul<T>(dy1, s1), mul<T>(dy2, s2));
      const vx2 = sub<T>(mul<T>(dx1, s2), mul<T>(dx2, s1));
      const vy2 = sub<T>(mul<T>(dy1, s2), mul<T>(dy2, s1));
      let a = toRe + q;
      let b = toIm + q;
      turn<T>(a, b, add<T>(ux1, vy1), sub<T>(uy1, vx1), f);
      a += q;
      b += q;
      turn<T>(a, b, add<T>(ux2, vy2), sub<T>(uy2, vx2), f + 2 * sizeof<T>());
      a += q;
      b += q;
      turn<T>(a, b, sub<T>(ux2, vy2), add<T>(uy2, vx2), f + 4 * sizeof<T>());
      a += q;
      b += q;
      turn<T>(a, b, sub<T>(ux1, vy1), add<T>(uy1, vx1), f + 6 * sizeof<T>());
      re += 16;
      im += 16;
      toRe += 16;
      toIm += 16;
    }
    toRe += 4 * q;
    toIm += 4 * q;
    f += 8 * sizeof<T>();
  }
}

/** a c1 + b c2 + c c3. */
// @ts-ignore: decorator
@inline function three<T>(a: v128, b: v128, c: v128, c1: v128, c2: v128, c3: v128): v128 {
  return add<T>(add<T>(mul<T>(a, c1), mul<T>(b, c2)), mul<T>(c, c3));
}

function pass7<T>(m: i32, s: usize, f: usize, re: usize, im: usize, toRe: usize, toIm: usize): void {
  const q = s * sizeof<T>();
  const k = <usize>m * q;
  const c1 = splat<T>(0.62348980185873353053);
  const c2 = splat<T>(-0.22252093395631440429);
  const c3 = splat<T>(-0.90096886790241912624);
  const s1 = splat<T>(0.78183148246802980871);
  const s2 = splat<T>(0.97492791218182360702);
  const s3 = splat<T>(0.43388373911755812048);
  const n1 = splat<T>(-0.78183148246802980871);
  for (let p = 0; p < m; p++) {
    const end = re + q;
    while (re < end) {
      const x0 = v128.load(re);
      const y0 = v128.load(im);
      const tx1 = add<T>(v128.load(re + k), v128.load(re + 6 * k));
      const dx1 = sub<T>(v128.load(re + k), v128.load(re + 6 * k));
      const tx2 = add<T>(v128.load(re + 2 * k), v128.load(re + 5 * k));
      const dx2 = sub<T>(v128.load(re + 2 * k), v128.load(re + 5 * k));
      const tx3 = add<T>(v128.load(re + 3 * k), v128.load(re + 4 * k));
      const dx3 = sub<T>(v128.load(re + 3 * k), v128.load(re + 4 * k));
      const ty1 = add<T>(v128.load(im + k), v128.load(im + 6 * k));
      const dy1 = sub<T>(v128.load(im + k), v128.load(im + 6 * k));
      const ty2 = add<T>(v128.load(im + 2 * k), v128.load(im + 5 * k));
      const dy2 = sub<T>(v128.load(im + 2 * k), v128.load(im + 5 * k));
      const ty3 = add<T>(v128.load(im + 3 * k), v128.load(im + 4 * k));
      const dy3 = sub<T>(v128.load(im + 3 * k), v128.load(im + 4 * k));
      v128.store(toRe, add<T>(x0, add<T>(tx1, add<T>(tx2, tx3))));
      v128.store(toIm, add<T>(y0, add<T>(ty1, add<T>(ty2, ty3))));
      let ux = add<T>(x0, three<T>(tx1, tx2, tx3, c1, c2, c3));
      let uy = add<T>(y0, three<T>(ty1, ty2, ty3, c1, c2, c3));
      let vx = three<T>(dx1, dx2, dx3, s1, s2, s3);
      let vy = three<T>(dy1, dy2, dy3, s1, s2, s3);
      turn<T>(toRe + q, toIm + q, add<T>(ux, vy), sub<T>(uy, vx), f);
      const last = f + 10 * sizeof<T>();
      turn<T>(toRe + 6 * q, toIm + 6 * q, sub<T>(ux, vy), add<T>(uy, vx), last);
      // The angles of j k, brought back to the first three.
      ux = add<T>(x0, three<T>(tx1, tx2, tx3, c2, c3, c1));
      uy = add<T>(y0, three<T>(ty1, ty2, ty3, c2, c3, c1));
      vx = three<T>(dx1, dx2, dx3, s2, splat<T>(-0.43388373911755812048), n1);
      vy = three<T>(dy1, dy2, dy3, s2, splat<T>(-0.43388373911755812048), n1);
      turn<T>(toRe + 2 * q, toIm + 2 * q, add<T>(ux, vy), sub<T>(uy, vx), f + 2 * sizeof<T>());
      turn<T>(toRe + 5 * q, toIm + 5 * q, sub<T>(ux, vy), add<T>(uy, vx), f + 8 * sizeof<T>());
      ux = add<T>(x0, three<T>(tx1, tx2, tx3, c3, c1, c2));
      uy = add<T>(y0, three<T>(ty1, ty2, ty3, c3, c1, c2));
      vx = three<T>(dx1, dx2, dx3, s3, n1, s2);
      vy = three<T>(dy1, dy2, dy3, s3, n1, s2);
      turn<T>(toRe + 3 * q, toIm + 3 * q, add<T>(ux, vy), sub<T>(uy, vx), f + 4 * sizeof<T>());
      turn<T>(toRe + 4 * q, toIm + 4 * q, sub<T>(ux, vy), add<T>(uy, vx), f + 6 * sizeof<T>());
      re += 16;
      im += 16;
      toRe += 16;
      toIm += 16;
    }
    toRe += 6 * q;
    toIm += 6 * q;
    f += 12 * sizeof<T>();
  }
}
