import { describe, expect, it } from 'vitest';
import { Fourier } from './fourier.js';
import { spectrumOf, triggerAt } from './spectrum.js';

const sine = (hz: number, amplitude: number) =>
  Float32Array.from(
    { length: 8192 },
    (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / 48_000 - 1),
  );

describe('the spectrum', () => {
  it('tells frequency and level of a tone', async () => {
    const fourier = await Fourier.load();
    for (const hz of [440, 997.3, 12_345.6]) {
      const { peakHz, peakDb } = spectrumOf(fourier, sine(hz, 0.1), 48_000);
      expect(Math.abs(peakHz - hz)).toBeLessThan(0.2);
      expect(Math.abs(peakDb + 20)).toBeLessThan(0.2);
    }
  });

  it('of silence has a level, and no frequency that is not a number', async () => {
    const { peakHz, peakDb } = spectrumOf(await Fourier.load(), new Float32Array(1024), 48_000);
    expect(peakDb).toBe(-200);
    expect(peakHz).toBeGreaterThanOrEqual(0);
  });
});

describe('the trigger', () => {
  it('finds where a wave rises through its level', () => {
    const wave = sine(1000, 0.5);
    const at = triggerAt(wave, 0.1, 4096);
    expect(wave[at]).toBeGreaterThanOrEqual(0.1);
    expect(wave[at - 1]).toBeLessThan(0.1);
    expect(triggerAt(wave, 0.9, 4096)).toBe(0);
  });
});
