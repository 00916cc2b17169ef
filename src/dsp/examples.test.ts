import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Player } from '../../test/kit/patches.js';
import type { AssetView } from './node.js';

const folder = new URL('../../examples/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

/** Two seconds of a falling tone, for the patch that plays a file. */
const tone: AssetView = {
  samples: Float32Array.from({ length: 192_000 }, (_, i) => 0.5 * Math.sin((i >> 1) ** 1.5 / 400)),
  channels: 2,
  frames: 96_000,
  rate: 48_000,
};

describe.each(names)('examples/%s', (name) => {
  it('sounds: no clipping, no silence, no DC, something on both sides', () => {
    const text = readFileSync(new URL(name, folder), 'utf8');
    const player = new Player(text, { streams: [], assets: [tone] });
    const { renderer } = player;
    let [peak, power, left, right, side] = [0, 0, 0, 0, 0];
    const quanta = 8 * 375;
    for (let tick = 0; tick < quanta; tick++) {
      renderer.render();
      for (let i = 0; i < renderer.output.length; i += 2) {
        const [l, r] = [renderer.output[i]!, renderer.output[i + 1]!];
        peak = Math.max(peak, Math.abs(l), Math.abs(r));
        power += l * l + r * r;
        left += l;
        right += r;
        side += (l - r) ** 2;
      }
    }
    const frames = quanta * renderer.quantum;
    expect(peak).toBeLessThan(0.9);
    expect(Math.sqrt(power / frames / 2)).toBeGreaterThan(0.02);
    expect(Math.abs(left / frames)).toBeLessThan(0.005);
    expect(Math.abs(right / frames)).toBeLessThan(0.005);
    expect(side).toBeGreaterThan(0);
    expect(renderer.ignoredCommands).toBe(0);
  });
});

it('and the patches in docs/patches.md compile', () => {
  const page = readFileSync(new URL('../../docs/patches.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/```yaml\n((?:name|nodes):[^`]*)```/g)].map(([, text]) => text!);
  expect(blocks.length).toBeGreaterThanOrEqual(2);
  for (const text of blocks) expect(new Player(text).play(400).some((y) => y !== 0)).toBe(true);
});

it('has at least four patches', () => {
  expect(names.length).toBeGreaterThanOrEqual(4);
});
