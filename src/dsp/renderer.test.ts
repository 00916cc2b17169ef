import { expect, it } from 'vitest';
import { compilePatch, parsePatch } from './compiler.js';
import { Renderer } from './renderer.js';

it('renders', () => {
  const p = parsePatch(
    `
nodes:
  a: { type: gain, in: 0.5, gain: 0.5 }
  b: { type: gain, in: { from: a, amount: 2, offset: 0.25}, gain: -6 dB }
  out: { type: out, in: [b, a, 0.25] }
`,
    'x.yaml',
  );
  const c = compilePatch(p, { rate: 48000, quantum: 128, channels: 2 });
  console.log(c.hash, c.program.length, JSON.stringify(c.names));
  const r = new Renderer(c.program, { streams: [], assets: [] });
  r.render();
  expect(r.output[0]).toBeCloseTo(0.75 * 10 ** (-6 / 20) + 0.25 + 0.25, 5);
  for (const bad of [
    'nodes:\n  a: { type: gian }',
    'nodes:\n  a: { type: gain, in: b, x: 1 }',
    'nodes:\n  a: { type: gain, in: b }\n  b: { type: gain, in: a}',
    'nodes: [',
    '',
    'nodes:\n  a: { type: gain, in: 12 Hz, gain: [1, 99999999, {lanes: [1,2]}] }',
  ]) {
    try {
      compilePatch(parsePatch(bad, 'x.yaml'), { rate: 48000, quantum: 128, channels: 2 });
    } catch (e) {
      console.log(String(e));
    }
  }
});
