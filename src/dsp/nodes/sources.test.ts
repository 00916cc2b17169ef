import { describe, expect, it } from 'vitest';
import { Player } from '../../../test/kit/patches.js';
import { commandOps } from '../command.js';
import type { AssetView, StreamView } from '../node.js';

const FRAMES = 1000;
const ramp = Float32Array.from(
  { length: FRAMES * 2 },
  (_, i) => (i % 2 ? -1 : 1) * (i >> 1) * 1e-3,
);
const asset: AssetView = { samples: ramp, channels: 2, frames: FRAMES, rate: 48_000 };

function file(options: string, of: AssetView = asset): Player {
  const text = `
assets: { f: f.wav }
nodes:
  p: { type: player, file: f, ${options} }
  out: { type: out, in: p }
`;
  return new Player(text, { streams: [], assets: [of] });
}

describe('player', () => {
  it('plays a file at the rate of the engine bit for bit, then silence', () => {
    const player = file('loop: false');
    const sound = player.play(10);
    expect(sound.subarray(0, FRAMES)).toEqual(ramp.filter((_, i) => i % 2 === 0));
    expect(sound.subarray(FRAMES).every((sample) => sample === 0)).toBe(true);
  });

  it('loops without a gap', () => {
    const sound = file('loop: true').play(20);
    sound.forEach((sample, i) => {
      expect(sample).toBe(ramp[(i % FRAMES) * 2]);
    });
  });

  it('converts the rate and follows the speed', () => {
    const sound = file('speed: 0.5', { ...asset, rate: 24_000 }).play(10);
    for (let i = 8; i < 1200; i++) expect(sound[i]).toBeCloseTo(i * 0.25e-3, 6);
  });

  it('runs backwards from where it starts', () => {
    const sound = file('speed: -1, start: 10 ms').play(4);
    expect(sound[0]).toBe(Math.fround(0.48));
    expect(sound[480]).toBe(0);
    expect(sound[100]).toBeCloseTo(0.38, 6);
  });

  it('starts when the gate opens and fades when it closes', () => {
    const player = file('gate: 0, loop: true, start: 0.01');
    expect(player.play(2).every((sample) => sample === 0)).toBe(true);
    player.send('p.gate', commandOps.gate, 1, { frame: 5 });
    expect(player.play(1)[5]).toBe(Math.fround(0.48));
    player.send('p.gate', commandOps.gate, 0);
    const end = player.play(4);
    expect(end[0]).toBeGreaterThan(0.5);
    expect(end[200]).toBeGreaterThan(0);
    expect(end[241]).toBe(0);
  });

  it('is silent without the file, and survives a damaged one', () => {
    const text =
      'assets: { f: f.wav }\nnodes: { p: { type: player, file: f }, out: { type: out, in: p } }';
    expect(new Player(text).play(2).every((sample) => sample === 0)).toBe(true);
    const broken = { ...asset, samples: new Float32Array(FRAMES * 2).fill(Number.NaN) };
    expect(
      file('loop: true', broken)
        .play(9)
        .every((sample) => sample === 0),
    ).toBe(true);
  });
});

describe('stream', () => {
  const ring = (): StreamView => ({
    samples: new Float32Array(1024 * 2),
    channels: 2,
    frames: 1024,
  });
  const text = 'nodes: { s: { type: stream }, out: { type: out, in: s } }';

  /** Writes frames [from, to) into the ring; their sound is their number. */
  function write(view: StreamView, from: number, to: number): void {
    for (let i = from; i < to; i++) view.samples.fill(i + 1, (i % 1024) * 2, (i % 1024) * 2 + 2);
  }

  it('plays what has arrived, waits for the rest, and goes round the ring', () => {
    const view = ring();
    const player = new Player(text, { streams: [view], assets: [] });
    expect(player.play(1).every((sample) => sample === 0)).toBe(true);
    write(view, 0, 200);
    player.renderer.setStreamEnd(0, 200);
    const sound = [...player.play(3)];
    expect(sound.slice(0, 200)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    for (let i = 200; i < 384; i++) expect(sound[i]).toBeLessThan(sound[i - 1]!);
    expect(player.play(2).some((sample) => sample !== 0)).toBe(true);
    expect(player.play(1).every((sample) => sample === 0)).toBe(true);
    write(view, 200, 1100);
    player.renderer.setStreamEnd(0, 1100);
    expect([...player.play(8)].slice(0, 900)).toEqual(
      Array.from({ length: 900 }, (_, i) => i + 201),
    );
  });

  it('counts across the wrap of 32 bits', () => {
    const view = ring();
    const player = new Player(text, { streams: [view], assets: [] });
    const { state } = player.renderer.layout.nodes[0]!;
    new Int32Array(player.renderer.memory)[state / 4] = -50;
    view.samples.fill(0.5);
    player.renderer.setStreamEnd(0, 30);
    const sound = player.play(1);
    expect(sound.filter((sample) => sample === 0.5)).toHaveLength(80);
    player.renderer.setStreamEnd(-1, 9);
    player.renderer.setStreamEnd(32, 9);
  });

  it('makes silence of what is no sound', () => {
    const view = ring();
    view.samples.set([Number.NaN, 1, Number.POSITIVE_INFINITY, 1, 1e30, 1, 1e-40, 1, 0.25, 1]);
    const player = new Player(text, { streams: [view], assets: [] });
    player.renderer.setStreamEnd(0, 5);
    expect([...player.play(1).subarray(0, 5)]).toEqual([0, 0, 0, 0, 0.25]);
  });
});
