/**
 * What a kernel sees of the arena. A node is a block of 32-bit words, 16-aligned:
 *
 *   [0] banks  [1] state  [2] output  [3] variant  [4..7] free words of the node definition
 *   [8 + 3p ..] port p: pointer, bytes from frame to frame, bytes from bank to bank
 *
 * One v128 is one frame of a bank of four lanes (voices, or left and right; a mono cable carries
 * the same value in all four lanes, and a kernel keeps that without knowing it, for equal lanes
 * stay equal). Lanes beyond the width of a cable hold finite numbers that nobody reads.
 */

/** Frames in one call of a kernel. */
export let quantum: i32 = 128;
/** Frames in a second. */
export let rate: f32 = 48000;

/** Sets `quantum` and `rate`; called once, before any kernel. */
export function configure(quantumFrames: i32, rateHz: f32): void {
  quantum = quantumFrames;
  rate = rateHz;
}

/** The first byte that the module itself does not use; the arena begins at or above it. */
export function arenaBase(): usize {
  return __heap_base;
}

// @ts-ignore: decorator
@inline export function banks(node: usize): i32 {
  return load<i32>(node);
}
// @ts-ignore: decorator
@inline export function state(node: usize): usize {
  return load<usize>(node, 4);
}
/** Where bank `bank` of the output begins. Frames are 16 bytes apart. */
// @ts-ignore: decorator
@inline export function output(node: usize, bank: i32): usize {
  return load<usize>(node, 8) + (<usize>(bank * quantum) << 4);
}
// @ts-ignore: decorator
@inline export function variant(node: usize): i32 {
  return load<i32>(node, 12);
}
/** Free word `index` (0..3) as the definition's `words` gave it, as an integer. */
// @ts-ignore: decorator
@inline export function wordI32(node: usize, index: i32): i32 {
  return load<i32>(node + (<usize>index << 2), 16);
}
/** Free word `index` (0..3) as a float. */
// @ts-ignore: decorator
@inline export function wordF32(node: usize, index: i32): f32 {
  return load<f32>(node + (<usize>index << 2), 16);
}
/** Address of frame 0 of port `index` in `bank`; add `portStep` for each next frame. */
// @ts-ignore: decorator
@inline export function portAt(node: usize, index: i32, bank: i32): usize {
  const port = node + 32 + <usize>index * 12;
  return load<usize>(port) + <usize>bank * load<usize>(port, 8);
}
/** Bytes from frame to frame of port `index`: 16, or 0 when it holds still for this quantum. */
// @ts-ignore: decorator
@inline export function portStep(node: usize, index: i32): usize {
  return load<usize>(node + 32 + <usize>index * 12, 4);
}

/** `x` with every NaN and infinity made 0: x - x is 0 exactly for the finite numbers. */
// @ts-ignore: decorator
@inline export function finite(x: v128): v128 {
  return v128.and(x, f32x4.eq(f32x4.sub(x, x), f32x4.splat(0)));
}
/** `x` held within [low, high]; NaN becomes `low` (`pmax` answers its first operand then). */
// @ts-ignore: decorator
@inline export function clamp(x: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(high, f32x4.pmax(low, x));
}
/** `x` with magnitudes below 1e-18 (-360 dB) made 0, so that no state decays into denormals. */
// @ts-ignore: decorator
@inline export function flush(x: v128): v128 {
  return v128.and(x, f32x4.gt(f32x4.abs(x), f32x4.splat(1e-18)));
}
/** What every kernel applies to what it stores: finite, no denormals, within +-1e9. */
// @ts-ignore: decorator
@inline export function settle(x: v128): v128 {
  return flush(v128.and(clamp(x, f32x4.splat(-1e9), f32x4.splat(1e9)), f32x4.eq(x, x)));
}
