import { describe, expect, it } from 'vitest';
import { Player } from '../../../test/kit/patches.js';
import { commandOps } from '../command.js';

function play(node: string, quanta: number): Float32Array {
  return new Player(`nodes:\n  x: ${node}\n  out: { type: out, in: x }\n`).play(quanta);
}

describe('adsr', () => {
  const envelope = '{ type: adsr, attack: 10 ms, decay: 50 ms, sustain: 0.5, release: 100 ms }';

  it('rises in its attack, rests at its sustain, and is gone after its release', () => {
    const player = new Player(`nodes:\n  x: ${envelope}\n  out: { type: out, in: x }\n`);
    expect(player.play(4).every((sample) => sample === 0)).toBe(true);
    player.send('x.gate', commandOps.gate, 1);
    const open = player.play(100);
    const top = open.indexOf(1);
    expect(top).toBeGreaterThan(475);
    expect(top).toBeLessThan(485);
    expect(open.at(-1)).toBeCloseTo(0.5, 3);
    // 60 dB below the top it has fallen: what is left of the way to 0.5 is a thousandth of it.
    expect(open[top + 2400]! - 0.5).toBeCloseTo(0.0005, 4);
    player.send('x.gate', commandOps.gate, 0);
    const closed = player.play(100);
    expect(closed[4800]).toBeCloseTo(0.0005, 4);
    expect(closed.at(-1)).toBe(0);
  });

  it('starts again from where it is, without a step', () => {
    const player = new Player(`nodes:\n  x: ${envelope}\n  out: { type: out, in: x }\n`);
    const sound: number[] = [];
    for (let i = 0; i < 20; i++) {
      player.send('x.gate', commandOps.gate, i % 2, { frame: (i * 37) % 128 });
      sound.push(...player.play(3));
    }
    const steps = sound.slice(1).map((sample, i) => Math.abs(sample - sound[i]!));
    expect(Math.max(...steps)).toBeLessThan(0.01);
  });

  it('multiplies by the velocity that the gate found', () => {
    const player = new Player(
      'nodes:\n  x: { type: adsr, velocity: 0.25, sustain: 1 }\n  out: { type: out, in: x }\n',
    );
    player.send('x.gate', commandOps.gate, 1);
    expect(player.play(20).at(-1)).toBeCloseTo(0.25, 5);
    player.send('x.velocity', commandOps.set, 1);
    expect(player.play(20).at(-1)).toBeCloseTo(0.25, 5);
  });
});

describe('lfo', () => {
  const at = (shape: string, turn: number) =>
    play(`{ type: lfo, shape: ${shape}, freq: 1, phase: ${turn} }`, 1)[0]!;

  it.each([
    ['sine', [0, 1, 0, -1]],
    ['triangle', [0, 1, 0, -1]],
    ['square', [1, 1, -1, -1]],
  ])('%s is where it should be at each quarter turn', (shape, expected) => {
    expected.forEach((value, i) => {
      expect(at(shape, i / 4 + 1e-6)).toBeCloseTo(value, 3);
    });
  });

  it('goes round as often as `freq` says', () => {
    const sound = play('{ type: lfo, shape: square, freq: 10 }', 375);
    const rises = sound.filter((value, i) => i > 0 && value > sound[i - 1]!).length;
    expect(rises).toBe(9);
  });

  it('draws levels that fill the range, and drifts between them without a step', () => {
    const random = new Set(play('{ type: lfo, shape: random, freq: 1000 }', 400));
    expect(random.size).toBeGreaterThan(900);
    expect(Math.min(...random)).toBeLessThan(-0.95);
    expect(Math.max(...random)).toBeGreaterThan(0.95);
    const drift = play('{ type: lfo, shape: drift, freq: 20 }', 400);
    const steps = drift.slice(1).map((value, i) => Math.abs(value - drift[i]!));
    expect(Math.max(...steps)).toBeLessThan(0.002);
  });
});
