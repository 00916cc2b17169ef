import { banks, clamp, flush, output, portAt, portStep, quantum, rate, settle, state } from './abi';

/**
 * Passes x through and measures it. Peak: the largest |x|, falling by 20 dB in 1.5 s (IEC 60268-10,
 * type I, whose return time that is). Mean square: m += (x^2 - m) / (0.3 s of frames), the time
 * of a VU meter (IEC 60268-17). State by bank: {peak, mean square}, 32 bytes. NaN counts as 0.
 */
export function k_meter(node: usize): void {
  const xStep = portStep(node, 0);
  // 10^(-20 dB / 20 / (1.5 s * rate)) = e^(-1.535 / rate), to first order for so small a step.
  const fall = f32x4.splat(1 - 1.535057 / rate);
  const follow = f32x4.splat(1 / (0.3 * rate));
  for (let bank = 0, count = banks(node); bank < count; bank++) {
    const memory = state(node) + (<usize>bank << 5);
    let peak = v128.load(memory);
    let mean = v128.load(memory, 16);
    let x = portAt(node, 0, bank);
    let y = output(node, bank);
    const end = y + (<usize>quantum << 4);
    do {
      const value = settle(v128.load(x));
      v128.store(y, value);
      const level = f32x4.abs(value);
      peak = f32x4.max(level, f32x4.mul(peak, fall));
      const bounded = clamp(level, f32x4.splat(0), f32x4.splat(1e6));
      const square = f32x4.mul(bounded, bounded);
      mean = f32x4.add(mean, f32x4.mul(f32x4.sub(square, mean), follow));
      x += xStep;
      y += 16;
    } while (y < end);
    v128.store(memory, flush(peak));
    v128.store(memory, flush(mean), 16);
  }
}
