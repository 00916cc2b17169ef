import { describe, expect, it } from 'vitest';
import { db, impulse, listen, magnitude, rate } from '../../../test/kit/dsp-listening.js';

const modes = [
  'lowpass',
  'highpass',
  'bandpass',
  'notch',
  'peak',
  'lowshelf',
  'highshelf',
] as const;
type Mode = (typeof modes)[number];

/** b0, b1, b2, a0, a1, a2 as the Audio EQ Cookbook prints them. */
function cookbook(mode: Mode, freq: number, q: number, gainDb: number): number[] {
  const a = 10 ** (gainDb / 40);
  const w = (2 * Math.PI * freq) / rate;
  const c = Math.cos(w);
  const alpha = Math.sin(w) / (2 * q);
  const root = 2 * Math.sqrt(a) * alpha;
  switch (mode) {
    case 'lowpass':
      return [(1 - c) / 2, 1 - c, (1 - c) / 2, 1 + alpha, -2 * c, 1 - alpha];
    case 'highpass':
      return [(1 + c) / 2, -(1 + c), (1 + c) / 2, 1 + alpha, -2 * c, 1 - alpha];
    case 'bandpass':
      return [alpha, 0, -alpha, 1 + alpha, -2 * c, 1 - alpha];
    case 'notch':
      return [1, -2 * c, 1, 1 + alpha, -2 * c, 1 - alpha];
    case 'peak':
      return [1 + alpha * a, -2 * c, 1 - alpha * a, 1 + alpha / a, -2 * c, 1 - alpha / a];
    case 'lowshelf':
      return [
        a * (a + 1 - (a - 1) * c + root),
        2 * a * (a - 1 - (a + 1) * c),
        a * (a + 1 - (a - 1) * c - root),
        a + 1 + (a - 1) * c + root,
        -2 * (a - 1 + (a + 1) * c),
        a + 1 + (a - 1) * c - root,
      ];
    case 'highshelf':
      return [
        a * (a + 1 + (a - 1) * c + root),
        -2 * a * (a - 1 + (a + 1) * c),
        a * (a + 1 + (a - 1) * c - root),
        a + 1 - (a - 1) * c + root,
        2 * (a - 1 - (a + 1) * c),
        a + 1 - (a - 1) * c - root,
      ];
  }
}

function reference(mode: Mode, freq: number, q: number, gainDb: number, hz: number): number {
  const [b0, b1, b2, a0, a1, a2] = cookbook(mode, freq, q, gainDb) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const w = (2 * Math.PI * hz) / rate;
  const modulus = (x0: number, x1: number, x2: number) =>
    Math.hypot(
      x0 + x1 * Math.cos(w) + x2 * Math.cos(2 * w),
      x1 * Math.sin(w) + x2 * Math.sin(2 * w),
    );
  return modulus(b0, b1, b2) / modulus(a0, a1, a2);
}

describe('biquad', () => {
  it.each(modes)('has the frequency response of a %s within 0.1 dB', (mode) => {
    for (const freq of [40, 1000, 12_000]) {
      for (const [q, gain] of [
        [Math.SQRT1_2, 6],
        [4, -12],
      ] as const) {
        const node = `  eq: { type: biquad, in: in, mode: ${mode}, freq: ${freq}, q: ${q}, gain: ${gain} }`;
        const { left } = listen(node, { frames: 1 << 16, last: 'eq', input: impulse });
        for (const ratio of [0.25, 0.5, 0.9, 1, 1.1, 1.8, 4]) {
          const hz = freq * ratio;
          const want = reference(mode, freq, q, gain, hz);
          if (hz > 23_000 || want < 1e-3) continue;
          expect(Math.abs(db(magnitude(left, hz / rate) / want))).toBeLessThan(0.1);
        }
      }
    }
  });

  it('answers the same when a port moves that does not matter', () => {
    for (const mode of ['lowpass', 'highpass', 'bandpass', 'notch']) {
      const filter = (gain: string) =>
        listen(
          `  lfo: { type: lfo, freq: 100 }
  eq: { type: biquad, in: in, mode: ${mode}, freq: 800, q: 3, gain: ${gain} }`,
          { frames: 4800, last: 'eq', input: impulse },
        ).left;
      const still = filter('0');
      const moving = filter('lfo');
      for (let i = 0; i < 4800; i++) expect(Math.abs(still[i]! - moving[i]!)).toBeLessThan(1e-5);
    }
  });
});
