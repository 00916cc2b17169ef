import { describe, expect, it } from 'vitest';
import { db, impulse, listen, rate, rms, spectrum } from '../../../test/kit/dsp-listening.js';

function room(text: string, seconds: number) {
  return listen(`  reverb: { type: reverb, in: in, mix: 1, ${text} }`, {
    frames: Math.round(seconds * rate),
    last: 'reverb',
    input: impulse,
  });
}

/** Seconds for 60 dB, from -5 to -35 dB of what is left (Schroeder's backward integration). */
function reverberationSec(x: Float64Array): number {
  const left = new Float64Array(x.length + 1);
  for (let i = x.length - 1; i >= 0; i--) left[i] = left[i + 1]! + x[i]! ** 2;
  const at = (level: number) => left.findIndex((energy) => energy < left[0]! * 10 ** (level / 10));
  return (2 * (at(-35) - at(-5))) / rate;
}

/** A fourth-order moment: 3 for what is as dense as noise, much more for separate echoes. */
function kurtosis(x: Float64Array): number {
  const square = rms(x) ** 2;
  return x.reduce((sum, value) => sum + value ** 4, 0) / x.length / square ** 2;
}

describe('reverb', () => {
  it('decays by 60 dB in the time asked for, within 10 %', () => {
    for (const [decay, size] of [
      [0.6, 0.2],
      [0.8, 1],
      [2, 0.6],
      [5, 0.9],
    ] as const) {
      const { left, right } = room(`decay: ${decay}, size: ${size}, damping: 0`, 1.2 * decay);
      for (const side of [left, right]) {
        expect(Math.abs(reverberationSec(side) / decay - 1)).toBeLessThan(0.1);
      }
    }
  });

  it('is dense soon', () => {
    const { left } = room('decay: 3, size: 0.6, damping: 0', 1);
    expect(kurtosis(left.slice(0.15 * rate, 0.2 * rate))).toBeLessThan(4.5);
    expect(kurtosis(left.slice(0.3 * rate, 0.35 * rate))).toBeLessThan(4);
  });

  it('does not ring: no tone stands out of the tail', () => {
    const { left } = room('decay: 4, size: 0.6, damping: 0', 1.7);
    const tail = left.slice(rate, rate + (1 << 15));
    const lines = spectrum(tail);
    // Of 500 bins of noise the largest is about 8 dB above their mean power.
    for (let from = 70; from < 10_000; from += 500) {
      const part = lines.slice(from, from + 500);
      expect(db(part.reduce((top, line) => Math.max(top, line), 0) / rms(part))).toBeLessThan(13);
    }
  });

  it('gives each side a sound of its own, as loud as the other', () => {
    const { left, right } = room('decay: 2', 2);
    const dot = left.reduce((sum, x, i) => sum + x * right[i]!, 0) / left.length;
    expect(Math.abs(dot / (rms(left) * rms(right)))).toBeLessThan(0.2);
    expect(Math.abs(db(rms(left) / rms(right)))).toBeLessThan(1.5);
  });

  it('damps the treble faster', () => {
    const treble = (damping: number) => {
      const lines = spectrum(room(`decay: 3, damping: ${damping}`, 2).left.slice(0, 1 << 16));
      const part = (hz: number) => Math.round((hz * (1 << 16)) / rate);
      return db(
        rms(lines.slice(part(6000), part(12_000))) / rms(lines.slice(part(200), part(400))),
      );
    };
    expect(treble(0)).toBeGreaterThan(-3);
    expect(treble(0.5)).toBeLessThan(treble(0) - 6);
    expect(treble(0.9)).toBeLessThan(treble(0.5) - 6);
  });

  it('ends in exact silence', () => {
    const { left, right } = room('decay: 0.05, size: 0, damping: 0', 3);
    expect(Math.max(...left.slice(-128), ...right.slice(-128))).toBe(0);
  });
});
