import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePatch, parsePatch } from '../compiler.js';
import {
  checkFinite,
  checkQuiet,
  checkSmooth,
  checkSnapshot,
  music,
  Rig,
  rigVariants,
} from '../contract.js';
import { Renderer } from '../renderer.js';
import { nodesByType, registry } from './index.js';

const plan = fc.record({
  ticks: fc.nat(60),
  after: fc.constant(12),
  seed: fc.nat(1_000_000),
});

describe.each(registry.map((definition) => [definition.type, definition] as const))(
  'the node contract: %s',
  (_, definition) => {
    const variants = rigVariants(definition);

    describe.each(variants.map((variant) => [variant.name, variant] as const))(
      '%s',
      (_, variant) => {
        it('continues with equal bits after a snapshot at any tick', () => {
          const cabled = { ...variant, stimulus: music };
          const numbers = { ...cabled, isPlain: true };
          fc.assert(
            fc.property(plan, fc.boolean(), (each, isPlain) => {
              checkSnapshot(definition, isPlain ? numbers : cabled, each);
            }),
            { numRuns: 5 },
          );
        });

        it('stays finite for any input', () => {
          checkFinite(definition, { ...variant, stimulus: music });
        });

        it('keeps no denormal numbers in silence', () => {
          checkQuiet(definition, { ...variant, stimulus: music }, 500);
        });
      },
    );

    const smooth = definition.ports.filter((port) => port.smoothingMs > 0);
    const [plainest] = variants;
    it.each(smooth.map((port) => [port.name, port] as const))(
      'ramps `%s` without clicks',
      (_, port) => {
        checkSmooth(definition, { ...plainest!, stimulus: music }, port);
      },
    );

    it('keeps the lanes of a mono cable equal', () => {
      const [variant] = variants;
      const rig = new Rig(definition, { ...variant!, width: 'mono', stimulus: music });
      for (let tick = 0; tick < 50; tick++) {
        const output = rig.render();
        const { ctx } = rig.renderer.layout.nodes[rig.index]!;
        if (ctx.lanes !== 1 || definition.lanes === 'sink') return;
        for (let at = 0; at < output.length; at += 4) {
          for (let lane = 1; lane < 4; lane++) expect(output[at + lane]).toBe(output[at]);
        }
      }
    });
  },
);

describe.each(registry.filter(({ feedback }) => feedback).map(({ type }) => type))(
  '%s in a loop',
  (type) => {
    it('continues with equal bits after a snapshot', () => {
      const text = `
nodes:
  source: { type: noise }
  burst: { type: lfo, shape: square, freq: 5 }
  gated: { type: gain, in: source, gain: burst }
  loop: { type: ${type}, in: [gated, { from: tone, amount: -0.9 }], time: 20 ms }
  tone: { type: svf, in: loop }
  out: { type: out, in: tone }
`;
      const format = { rate: 48_000, quantum: 128, channels: 2 };
      const { program } = compilePatch(parsePatch(text, 'loop.yaml'), format);
      const first = new Renderer(program, { streams: [], assets: [] });
      for (let tick = 0; tick < 75; tick++) first.render();
      const second = new Renderer(program, { streams: [], assets: [] });
      second.arena.set(first.arena);
      for (let tick = 0; tick < 75; tick++) {
        first.render();
        second.render();
        expect(second.output).toEqual(first.output);
      }
      expect(first.output.some((sample) => sample !== 0)).toBe(true);
    });
  },
);

it('names every node once', () => {
  expect(nodesByType.size).toBe(registry.length);
});
