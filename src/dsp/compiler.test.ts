import { describe, expect, it } from 'vitest';
import { compileText, Player } from '../../test/kit/patches.js';
import { commandOps } from './command.js';
import { decodeProgram } from './program.js';

/** Types in the order in which they render, with their lanes. */
function shape(text: string): string[] {
  const { nodes } = decodeProgram(compileText(text).program);
  // The last one is what the compiler adds to every patch.
  expect(nodes.at(-1)?.definition.type).toBe('streams');
  return nodes.slice(0, -1).map(({ definition, lanes }) => `${definition.type} ${lanes}`);
}

describe('the compiler', () => {
  it('orders nodes by what they read, else as written', () => {
    const text = `
nodes:
  out: { type: out, in: c }
  c: { type: gain, in: [b, a] }
  b: { type: svf, in: a }
  a: { type: osc }
`;
    expect(shape(text)).toEqual(['osc 1', 'svf 1', 'scale 1', 'gain 1', 'out 1']);
  });

  it('gives the same bytes and hash every time, and others for another patch', () => {
    const text = 'nodes: { a: { type: osc }, out: { type: out, in: a } }';
    expect(compileText(text)).toEqual(compileText(text));
    expect(compileText(text).hash).toMatch(/^[0-9a-f]{16}$/);
    expect(compileText(`seed: 1\n${text}`.replace('seed: 1\n', 'seed: 1\n')).hash).not.toBe(
      compileText(text).hash,
    );
  });

  it('finds the width of each node from its cables', () => {
    const text = `
nodes:
  s: { type: seq, voices: 6 }
  o: { type: osc, freq: s.freq }
  l: { type: lfo }
  f: { type: svf, in: o, cutoff: { from: l, amount: 100, offset: 500 } }
  m: { type: mix, in1: f }
  w: { type: mix, in1: f, spread: 1 }
  p: { type: pan, in: m }
  g: { type: gain, in: p, gain: l }
`;
    const { nodes } = compileText(text).names;
    const { nodes: program } = decodeProgram(compileText(text).program);
    const lanes = Object.entries(nodes).map(([name, { node }]) => [name, program[node]!.lanes]);
    expect(Object.fromEntries(lanes)).toEqual({
      s: 6,
      o: 6,
      l: 1,
      f: 6,
      m: 1,
      w: 2,
      p: 2,
      g: 2,
    });
  });

  it('finds widths round a loop', () => {
    const text = `
nodes:
  a: { type: osc, voices: 5 }
  d: { type: delay, in: [a, { from: f, amount: 0.5 }] }
  f: { type: svf, in: d }
`;
    expect(shape(text).every((each) => each.endsWith(' 5') || each === 'scale 5')).toBe(true);
  });

  it('adds numbers, cables and scaled cables at a port', () => {
    const text = `
nodes:
  one: { type: gain, in: 1 }
  two: { type: gain, in: 2 }
  sum: { type: gain, in: [0.5, one, { from: two, amount: 10, offset: 0.25 }] }
  out: { type: out, in: { from: sum, amount: { from: one, amount: 0.5 } } }
`;
    expect(new Player(text).play(1)[0]).toBe((0.5 + 1 + 20.25) / 2);
  });

  it('lets control reach the number inside of a modulated port', () => {
    const text = `
nodes:
  one: { type: gain, in: 1 }
  a: { type: gain, in: { from: one, amount: 2, offset: 3 } }
  out: { type: out, in: a }
`;
    const player = new Player(text);
    expect(player.compiled.names.nodes.a!.ports.in).toMatchObject({ value: 3, unit: 'gain' });
    expect(player.compiled.names.nodes.out!.ports).toEqual({});
    player.send('a.in', commandOps.gate, 5);
    expect(player.play(1)[0]).toBe(7);
  });

  it('reads units: kHz, ms, beats at the tempo, dB', () => {
    const text = `
tempo: 90
nodes:
  o: { type: osc, freq: 1.5 kHz }
  d: { type: delay, in: o, time: 3/4 beats }
  g: { type: gain, in: d, gain: -6 dB }
  e: { type: adsr, attack: 20 ms }
  s: { type: seq }
`;
    const { nodes } = compileText(text).names;
    expect(nodes.o!.ports.freq!.value).toBe(1500);
    expect(nodes.d!.ports.time!.value).toBe(0.5);
    expect(nodes.g!.ports.gain!.value).toBeCloseTo(0.501, 3);
    expect(nodes.e!.ports.attack!.value).toBe(0.02);
    expect(nodes.s!.ports.tempo!.value).toBe(90);
  });

  it('holds the time of a delay in a loop to what is asked, from a quantum up', () => {
    const loop = (time: string) => `
nodes:
  click: { type: gain, in: 0, gain: 1 }
  d: { type: delay, in: [click, { from: back, amount: 0.5 }], time: ${time} }
  back: { type: gain, in: d }
  out: { type: out, in: d }
`;
    const player = new Player(loop('10 ms'));
    player.send('click.gain', commandOps.gate, 1);
    player.send('click.in', commandOps.trigger, 1, { frame: 20, frames: 1 });
    const sound = player.play(16);
    const heard = [...sound.keys()].filter((i) => Math.abs(sound[i]!) > 0.01);
    expect(heard).toEqual([500, 980, 1460, 1940]);
    expect([...heard.map((i) => sound[i])]).toEqual([1, 0.5, 0.25, 0.125]);
  });
});
