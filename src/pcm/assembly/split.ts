/** Puts interleaved frames into planes `stride` bytes apart; what is not finite becomes 0. */
export function split(from: usize, to: usize, stride: usize, channels: i32, frames: i32): void {
  if (channels == 2) {
    splitPair(from, to, stride, frames);
    return;
  }
  if (channels == 1) {
    const fours = frames & ~3;
    copyFinite(from, to, fours);
    from += <usize>fours << 2;
    to += <usize>fours << 2;
    frames &= 3;
  }
  for (let channel = 0; channel < channels; channel++) {
    splitOne(from, to, <usize>channels << 2, frames);
    from += 4;
    to += stride;
  }
}

function splitOne(from: usize, to: usize, frameBytes: usize, frames: i32): void {
  const end = to + (<usize>frames << 2);
  while (to < end) {
    const x = load<f32>(from);
    store<f32>(to, x - x == 0 ? x : 0);
    to += 4;
    from += frameBytes;
  }
}

/** x - x is 0 exactly for the finite numbers. */
// @ts-ignore: decorator
@inline function finite(x: v128): v128 {
  return v128.and(x, f32x4.eq(f32x4.sub(x, x), f32x4.splat(0)));
}

function copyFinite(from: usize, to: usize, samples: i32): void {
  const end = to + (<usize>samples << 2);
  while (to < end) {
    v128.store(to, finite(v128.load(from)));
    from += 16;
    to += 16;
  }
}

function splitPair(from: usize, to: usize, stride: usize, frames: i32): void {
  const fours = to + (<usize>(frames & ~3) << 2);
  while (to < fours) {
    const a = finite(v128.load(from));
    const b = finite(v128.load(from, 16));
    v128.store(to, v128.shuffle<f32>(a, b, 0, 2, 4, 6));
    v128.store(to + stride, v128.shuffle<f32>(a, b, 1, 3, 5, 7));
    from += 32;
    to += 16;
  }
  splitOne(from, to, 8, frames & 3);
  splitOne(from + 4, to + stride, 8, frames & 3);
}
