/** Writes four lanes into each of `frames` frames from byte `y` on: values that are held. */
export function hold(y: usize, frames: i32, a: f32, b: f32, c: f32, d: f32): void {
  let lanes = f32x4.splat(a);
  lanes = f32x4.replace_lane(lanes, 1, b);
  lanes = f32x4.replace_lane(lanes, 2, c);
  lanes = f32x4.replace_lane(lanes, 3, d);
  const end = y + (<usize>frames << 4);
  while (y < end) {
    v128.store(y, lanes);
    y += 16;
  }
}
