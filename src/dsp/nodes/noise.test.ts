import { describe, expect, it } from 'vitest';
import { db, listen, rate, rms, spectrum } from '../../../test/kit/dsp-listening.js';

const frames = 1 << 17;

function play(text: string): Float64Array {
  return listen(`  noise: { type: noise, ${text} }`, { frames, last: 'noise' }).left;
}

/** Mean power of the bins from `low` to `high` Hz, in dB. */
function density(x: Float64Array, low: number, high: number): number {
  const lines = spectrum(x);
  const [from, to] = [low, high].map((hz) => Math.round((hz * frames) / rate));
  return db(rms(lines.slice(from, to)));
}

function correlation(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0) / a.length / (rms(a) * rms(b));
}

describe('noise', () => {
  it('is white: even in level and over the spectrum', () => {
    const x = play('color: white');
    const mean = x.reduce((sum, value) => sum + value, 0) / frames;
    expect(Math.abs(mean)).toBeLessThan(0.01);
    // A number that is anywhere from -1 to 1 has a mean square of a third.
    expect(rms(x) ** 2).toBeCloseTo(1 / 3, 2);
    const low = density(x, 50, 1000);
    expect(Math.abs(density(x, 1000, 10_000) - low)).toBeLessThan(0.5);
    expect(Math.abs(density(x, 10_000, 23_000) - low)).toBeLessThan(0.5);
  });

  it('is pink: 3 dB less from octave to octave', () => {
    const x = play('color: pink');
    for (let hz = 100; hz < 8000; hz *= 2) {
      const fall = density(x, hz, 2 * hz) - density(x, 2 * hz, 4 * hz);
      expect(Math.abs(fall - 3.01)).toBeLessThan(1);
    }
    expect(db(rms(x))).toBeGreaterThan(-20);
    expect(db(rms(x))).toBeLessThan(-10);
  });

  it('differs from voice to voice, node to node and seed to seed, and repeats from run to run', () => {
    const voices = `  noise: { type: noise, voices: 2 }
  mix: { type: mix, in1: noise, spread: 1 }`;
    const { left, right } = listen(voices, { frames, last: 'mix' });
    expect(Math.abs(correlation(left, right))).toBeLessThan(0.02);
    const [one, other] = [play('seed: 0'), play('seed: 1')];
    expect(Math.abs(correlation(one, other))).toBeLessThan(0.02);
    expect(play('seed: 0')).toEqual(one);
  });
});
