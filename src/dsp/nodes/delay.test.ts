import { describe, expect, it } from 'vitest';
import { db, impulse, listen, magnitude, quantum, rate } from '../../../test/kit/dsp-listening.js';

/** Frames that are not silent, with what is there. */
function echoes(x: Float64Array): [number, number][] {
  return [...x.entries()].filter(([, value]) => Math.abs(value) > 1e-6);
}

function delayed(text: string, frames = 4800): Float64Array {
  return listen(`  delay: { type: delay, in: in, ${text} }`, {
    frames,
    last: 'delay',
    input: impulse,
  }).left;
}

describe('delay', () => {
  it('is exact to the frame', () => {
    for (const frames of [0, 1, 2, 100, quantum, 1000, 4799]) {
      expect(echoes(delayed(`time: ${frames / rate}`))).toEqual([[frames, 1]]);
    }
  });

  it('passes between the frames, flat up to 5 kHz', () => {
    for (const frames of [20.5, 301.25, 1000.75]) {
      const x = delayed(`time: ${frames / rate}`);
      for (const hz of [100, 1000, 5000]) {
        expect(Math.abs(db(magnitude(x, hz / rate)))).toBeLessThan(0.15);
      }
      // The centre of the echo lies where the sound was sent.
      const centre = x.reduce((sum, value, i) => sum + value * i, 0);
      expect(centre).toBeCloseTo(frames, 2);
    }
  });

  it('repeats with its feedback, and mixes', () => {
    const x = delayed(`time: ${500 / rate}, feedback: 0.5, mix: 0.25`);
    [0.75, 0.25, 0.125, 0.0625].forEach((level, n) => {
      expect(x[500 * n]).toBeCloseTo(level, 6);
    });
  });

  it('gives each voice and each frame a time of its own', () => {
    const nodes = `  lfo: { type: lfo, freq: 3 }
  delay: { type: delay, in: in, time: { from: lfo, amount: 0.002, offset: 0.01 } }`;
    const input = (frame: number) => Math.sin((2 * Math.PI * 200 * frame) / rate);
    const { left } = listen(nodes, { frames: 9600, last: 'delay', input });
    const lfo = listen('  lfo: { type: lfo, freq: 3 }', { frames: 9600, last: 'lfo' }).left;
    for (let i = 2000; i < 9600; i++) {
      expect(left[i]).toBeCloseTo(input(i - (0.002 * lfo[i]! + 0.01) * rate), 3);
    }
  });

  it('closes a loop in as many frames as it was given, one quantum at least', () => {
    const loop = (frames: number) =>
      echoes(
        listen(
          `  sum: { type: mix, in1: in, in2: delay, gain2: 0.5 }
  delay: { type: delay, in: sum, time: ${frames / rate} }`,
          { frames: 1200, last: 'sum', input: impulse },
        ).left,
      ).map(([frame]) => frame);
    expect(loop(400).slice(0, 3)).toEqual([0, 400, 800]);
    expect(loop(quantum).slice(0, 3)).toEqual([0, quantum, 2 * quantum]);
    expect(loop(1).slice(0, 3)).toEqual([0, quantum, 2 * quantum]);
  });
});
