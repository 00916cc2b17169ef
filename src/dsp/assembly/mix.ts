import { output, portAt, portStep, quantum, settle, state, wordI32 } from './abi';

/**
 * Sums lanes of up to eight inputs of any width: left += sum over lanes of x g wl, right likewise.
 * Ports: 2k x, 2k + 1 g. State: two rows of `quantum` v128 to accumulate in, then for each bank of
 * each connected input {port, bank, 0, 0}, weights of its lanes on the left, and on the right (48
 * bytes). Word 0: how many of these; word 1: 1 for stereo, 0 for mono (left only).
 * The rows are written before they are read in every quantum, so nothing lingers in them; what is
 * not finite in the sum becomes 0, and what is smaller than 1e-18 becomes 0.
 */
export function k_mix(node: usize): void {
  const left = state(node);
  const right = left + (<usize>quantum << 4);
  const first = right + (<usize>quantum << 4);
  const end = first + <usize>wordI32(node, 0) * 48;
  const isStereo = wordI32(node, 1) != 0;
  memory.fill(left, 0, <usize>quantum << 5);
  for (let entry = first; entry < end; entry += 48) {
    const port = load<i32>(entry);
    const bank = load<i32>(entry, 4);
    const x = portAt(node, port, bank);
    const xStep = portStep(node, port);
    const g = portAt(node, port + 1, bank);
    const gStep = portStep(node, port + 1);
    const weightLeft = v128.load(entry, 16);
    const weightRight = v128.load(entry, 32);
    if (gStep != 0) {
      addMoving(left, right, x, xStep, g, weightLeft);
      if (isStereo) addMoving(right, first, x, xStep, g, weightRight);
    } else if (isStereo) {
      const gain = v128.load(g);
      addPair(left, right, x, xStep, f32x4.mul(gain, weightLeft), f32x4.mul(gain, weightRight));
    } else {
      addMoving(left, right, x, xStep, g, weightLeft, 0);
    }
  }
  let y = output(node, 0);
  let at = left;
  do {
    const l = total(v128.load(at));
    const r = isStereo ? total(v128.load(at + (right - left))) : l;
    v128.store(y, settle(v128.shuffle<f32>(l, r, 0, 4, 0, 4)));
    y += 16;
    at += 16;
  } while (at < right);
}

/** row += x g weight, from `row` to `end`. */
function addMoving(
  row: usize,
  end: usize,
  x: usize,
  xStep: usize,
  g: usize,
  weight: v128,
  gStep: usize = 16,
): void {
  do {
    const value = f32x4.mul(f32x4.mul(v128.load(x), v128.load(g)), weight);
    v128.store(row, f32x4.add(v128.load(row), value));
    x += xStep;
    g += gStep;
    row += 16;
  } while (row < end);
}

/** Both rows at once, for a gain that stands still: the usual case. */
function addPair(
  left: usize,
  right: usize,
  x: usize,
  xStep: usize,
  toLeft: v128,
  toRight: v128,
): void {
  const far = right - left;
  let at = left;
  do {
    const value = v128.load(x);
    v128.store(at, f32x4.add(v128.load(at), f32x4.mul(value, toLeft)));
    v128.store(at + far, f32x4.add(v128.load(at + far), f32x4.mul(value, toRight)));
    x += xStep;
    at += 16;
  } while (at < right);
}

/** The sum of the four lanes, in all lanes. */
// @ts-ignore: decorator
@inline function total(x: v128): v128 {
  const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.add(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2));
}
