import { describe, expect, it } from 'vitest';
import { db, impulse, listen, magnitude, peak, rate } from '../../../test/kit/dsp-listening.js';

const frames = 1 << 16;
const modes = ['lowpass', 'bandpass', 'highpass', 'notch'] as const;

/**
 * |H| of the analogue prototype at the frequency that the bilinear transform maps to `hz`, from
 * H(s) = N(s) / (s^2 + k s + 1).
 */
function reference(mode: (typeof modes)[number], cutoff: number, k: number, hz: number): number {
  const w = Math.tan((Math.PI * hz) / rate) / Math.tan((Math.PI * cutoff) / rate);
  const below = Math.hypot(1 - w * w, k * w);
  const above = { lowpass: 1, bandpass: k * w, highpass: w * w, notch: Math.abs(1 - w * w) };
  return above[mode] / below;
}

describe('svf', () => {
  it.each(modes)('has the frequency response of a %s within 0.1 dB', (mode) => {
    for (const cutoff of [40, 440, 5000, 15_000]) {
      for (const resonance of [0, 0.5, 0.95]) {
        const node = `  svf: { type: svf, in: in, mode: ${mode}, cutoff: ${cutoff}, resonance: ${resonance} }`;
        const { left } = listen(node, { frames, last: 'svf', input: impulse });
        for (const ratio of [0.25, 0.5, 0.9, 1.1, 2, 4]) {
          const hz = cutoff * ratio;
          const want = reference(mode, cutoff, 2 - 1.98 * resonance, hz);
          if (hz > 22_000 || want < 1e-3) continue;
          expect(Math.abs(db(magnitude(left, hz / rate) / want))).toBeLessThan(0.1);
        }
      }
    }
  });

  it('answers the same when its cutoff moves by nothing', () => {
    for (const mode of modes) {
      const filter = (cutoff: string) =>
        listen(
          `  lfo: { type: lfo, freq: 100 }
  svf: { type: svf, in: in, mode: ${mode}, cutoff: ${cutoff}, resonance: 0.7 }`,
          { frames: 4800, last: 'svf', input: impulse },
        ).left;
      const still = filter('1000');
      const moving = filter('{ from: lfo, amount: 0.001, offset: 1000 }');
      for (let i = 0; i < 4800; i++) expect(Math.abs(still[i]! - moving[i]!)).toBeLessThan(1e-5);
    }
  });

  it('stays calm when the cutoff is thrown about at audio rate', () => {
    for (const mode of modes) {
      const nodes = `  mod: { type: osc, shape: square, freq: 7001 }
  svf: { type: svf, in: in, mode: ${mode}, cutoff: { from: mod, amount: 11900, offset: 12000 }, resonance: 1 }`;
      const { left } = listen(nodes, {
        frames: 2 * rate,
        last: 'svf',
        input: (frame) => Math.sin(frame * 0.1),
      });
      // +-16 is where `out` would hold it.
      expect(peak(left)).toBeLessThan(15);
    }
  });
});
