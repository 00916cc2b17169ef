import { banks, output, portAt, portStep, quantum, settle } from './abi';

/** y[i] = x[i] a[i] + o[i]. Ports: 0 x, 1 a, 2 o. No state. Stores what `settle` leaves. */
export function k_scale(node: usize): void {
  const xStep = portStep(node, 0);
  const aStep = portStep(node, 1);
  const oStep = portStep(node, 2);
  for (let bank = 0, count = banks(node); bank < count; bank++) {
    let x = portAt(node, 0, bank);
    let a = portAt(node, 1, bank);
    let o = portAt(node, 2, bank);
    let y = output(node, bank);
    const end = y + (<usize>quantum << 4);
    do {
      const product = f32x4.mul(v128.load(x), v128.load(a));
      v128.store(y, settle(f32x4.add(product, v128.load(o))));
      x += xStep;
      a += aStep;
      o += oStep;
      y += 16;
    } while (y < end);
  }
}
