import { banks, output, portAt, portStep, quantum, settle } from './abi';

/**
 * y[i] = x[i] g[i]. Ports: 0 x, 1 g. No state. What is not finite becomes 0, and what is smaller
 * than 1e-18 becomes 0.
 *
 * A kernel's loop over frames is a `do` loop: V8 then computes what does not change only once, where
 * in a `for` loop it computes it anew for each frame.
 */
export function k_gain(node: usize): void {
  const xStep = portStep(node, 0);
  const gStep = portStep(node, 1);
  for (let bank = 0, count = banks(node); bank < count; bank++) {
    let x = portAt(node, 0, bank);
    let g = portAt(node, 1, bank);
    let y = output(node, bank);
    const end = y + (<usize>quantum << 4);
    do {
      v128.store(y, settle(f32x4.mul(v128.load(x), v128.load(g))));
      x += xStep;
      g += gStep;
      y += 16;
    } while (y < end);
  }
}
