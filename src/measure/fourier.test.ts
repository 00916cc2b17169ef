import { describe, expect, it } from 'vitest';
import { Fourier } from './fourier.js';

describe('Fourier transforms', () => {
  it('are one for a process, so that measurements take no memory after the first', async () => {
    expect(await Fourier.load()).toBe(await Fourier.load());
  });

  it('there and back give the same samples', async () => {
    const fourier = await Fourier.load();
    for (const frames of [64, 1000, 6001]) {
      const samples = Float32Array.from({ length: frames }, (_, i) => Math.sin(i * i));
      const length = Fourier.lengthFor(frames);
      const back = fourier.backward(fourier.forward(samples, length));
      for (let i = 0; i < frames; i++) expect(Math.abs(back[i]! - samples[i]!)).toBeLessThan(1e-5);
    }
  });

  it('of more lengths than are kept are right as well', async () => {
    const fourier = await Fourier.load();
    for (let k = 0; k < 40; k++) {
      const length = 64 * (1 + (k % 12));
      const wave = Float32Array.from({ length }, (_, i) =>
        Math.cos((2 * Math.PI * 3 * i) / length),
      );
      if (Fourier.lengthFor(length) !== length) continue;
      expect(fourier.forward(wave, length)[6]).toBeCloseTo(length / 2, 2);
    }
  });

  it('have a length for every number of frames, and little more than that', () => {
    for (let frames = 1; frames < 20_000; frames += 37) {
      const length = Fourier.lengthFor(frames);
      expect(length).toBeGreaterThanOrEqual(frames);
      expect(length % 32).toBe(0);
      if (frames > 512) expect(length / frames).toBeLessThan(1.36);
    }
  });
});
