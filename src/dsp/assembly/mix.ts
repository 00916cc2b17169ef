import { output, portAt, portStep, quantum, settle, state, variant, wordI32 } from './abi';

/**
 * Sums lanes of up to eight inputs of any width: left += sum over lanes of x g wl, right likewise.
 * Ports: 2k x, 2k + 1 g. State: two rows of `quantum` v128 to accumulate in, then for each bank of
 * each connected input {port, bank, 0, 0}, weights of its lanes on the left, and on the right (48
 * bytes). Word 0: how many of these. Variant 1: stereo, 0: mono (left only).
 * The rows are written before they are read in every quantum.
 */
export function k_mix(node: usize): void {
  const left = state(node);
  const right = left + (<usize>quantum << 4);
  const entries = wordI32(node, 0);
  const isStereo = variant(node) != 0;
  memory.fill(left, 0, <usize>quantum << 5);
  let entry = right + (<usize>quantum << 4);
  for (let k = 0; k < entries; k++, entry += 48) {
    const port = load<i32>(entry);
    const bank = load<i32>(entry, 4);
    const weightLeft = v128.load(entry, 16);
    const weightRight = v128.load(entry, 32);
    const xStep = portStep(node, port);
    const gStep = portStep(node, port + 1);
    let x = portAt(node, port, bank);
    let g = portAt(node, port + 1, bank);
    let at = left;
    const far = right - left;
    for (let i = 0; i < quantum; i++) {
      const value = settle(f32x4.mul(v128.load(x), v128.load(g)));
      v128.store(at, f32x4.add(v128.load(at), f32x4.mul(value, weightLeft)));
      if (isStereo) {
        v128.store(at + far, f32x4.add(v128.load(at + far), f32x4.mul(value, weightRight)));
      }
      x += xStep;
      g += gStep;
      at += 16;
    }
  }
  let y = output(node, 0);
  for (let i: usize = 0, end = <usize>quantum << 4; i < end; i += 16, y += 16) {
    const l = total(v128.load(left + i));
    const r = isStereo ? total(v128.load(right + i)) : l;
    v128.store(y, settle(v128.shuffle<f32>(l, r, 0, 4, 0, 4)));
  }
}

/** The sum of the four lanes, in all lanes. */
// @ts-ignore: decorator
@inline function total(x: v128): v128 {
  const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.add(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2));
}
