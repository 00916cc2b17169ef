import { clamp, output, portAt, portStep, quantum, settle } from './abi';

/**
 * Equal power: left = x sqrt((1 - p) / 2), right = x sqrt((1 + p) / 2), times sqrt 2 so that the
 * middle passes unchanged; the square root is exact, so no sine is needed. A stereo input is
 * balanced by the same factors. Ports: 0 x, 1 p in -1..1. No state. NaN becomes 0.
 */
export function k_pan(node: usize): void {
  const one = f32x4.splat(1);
  // The sign of p by lane: left, right, left, right.
  const side = f32x4(-1, 1, -1, 1);
  const xStep = portStep(node, 0);
  const pStep = portStep(node, 1);
  let x = portAt(node, 0, 0);
  let p = portAt(node, 1, 0);
  let y = output(node, 0);
  const end = y + (<usize>quantum << 4);
  do {
    const position = clamp(v128.load(p), f32x4.splat(-1), one);
    const power = f32x4.add(one, f32x4.mul(position, side));
    v128.store(y, settle(f32x4.mul(v128.load(x), f32x4.sqrt(power))));
    x += xStep;
    p += pStep;
    y += 16;
  } while (y < end);
}
