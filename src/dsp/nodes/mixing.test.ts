import { describe, expect, it } from 'vitest';
import { Player } from '../../../test/kit/patches.js';

/** Left and right of the first frame. */
function frame(nodes: string): [number, number] {
  const player = new Player(`nodes:\n${nodes}\n  out: { type: out, in: x }`);
  player.play(1);
  return [player.renderer.output[0]!, player.renderer.output[1]!];
}

describe('mix', () => {
  it('adds mono inputs at their gains', () => {
    const nodes = `
  one: { type: gain, in: 1 }
  x: { type: mix, in1: one, gain1: 0.5, in2: one, gain2: 0.25, in8: one, gain8: -1 }`;
    expect(frame(nodes)).toEqual([-0.25, -0.25]);
  });

  it.each([1, 2, 3, 4, 5, 8, 13, 256])('sums %i voices and no lane beyond them', (voices) => {
    const nodes = `
  v: { type: lfo, shape: square, freq: 0, voices: ${voices} }
  x: { type: mix, in1: v }`;
    expect(frame(nodes)).toEqual([voices, voices]);
  });

  it('keeps stereo apart and places mono in the middle', () => {
    const nodes = `
  one: { type: gain, in: 1 }
  left: { type: pan, in: one, position: -1 }
  x: { type: mix, in1: left, in2: one, gain2: 0.5 }`;
    const [left, right] = frame(nodes);
    expect(left).toBeCloseTo(Math.SQRT2 + 0.5, 5);
    expect(right).toBe(0.5);
  });

  it('spreads voices evenly: all their power on both sides', () => {
    const nodes = `
  v: { type: lfo, shape: square, freq: 0, voices: 6 }
  x: { type: mix, in1: v, spread: 1 }`;
    const [left, right] = frame(nodes);
    expect(left).toBeCloseTo(right, 5);
    expect(left).toBeGreaterThan(5);
  });
});

describe('pan', () => {
  it.each([-1, -0.5, 0, 0.3, 1])('keeps the power at %f', (position) => {
    const [left, right] = frame(`
  one: { type: gain, in: 1 }
  x: { type: pan, in: one, position: ${position} }`);
    expect(left ** 2 + right ** 2).toBeCloseTo(2, 5);
    expect(Math.sign(right - left)).toBe(Math.sign(position));
  });
});

describe('out', () => {
  it('adds up when there are several', () => {
    const player = new Player(`
nodes:
  a: { type: gain, in: 0.25 }
  b: { type: pan, in: a, position: 1 }
  first: { type: out, in: a }
  second: { type: out, in: b }
`);
    player.play(1);
    expect(player.renderer.output[0]).toBe(0.25);
    expect(player.renderer.output[1]).toBeCloseTo(0.25 + 0.25 * Math.SQRT2, 6);
  });
});
