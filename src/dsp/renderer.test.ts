import { describe, expect, it } from 'vitest';
import { compileText, noSources, Player } from '../../test/kit/patches.js';
import { commandOps } from './command.js';
import { Renderer } from './renderer.js';

const level = 'nodes: { level: { type: gain, in: 0.5, gain: 0.5 }, out: { type: out, in: level } }';
const gate =
  'nodes: { pulse: { type: adsr, attack: 0.5 ms }, out: { type: out, in: level }, level: { type: gain, in: 1, gain: 0 } }';

describe('a renderer', () => {
  it('plays what the patch says', () => {
    const player = new Player(level);
    expect(new Set(player.play(2))).toEqual(new Set([0.25]));
    expect(new Set(player.play(1, 1))).toEqual(new Set([0.25]));
    expect(player.renderer.tick).toBe(3);
  });

  it('ramps a parameter from the frame of the command and ends exactly at its value', () => {
    const player = new Player(level);
    player.send('level.gain', commandOps.set, 1, { frame: 10, frames: 1000 });
    const sound = player.play(8);
    expect(new Set(sound.subarray(0, 10))).toEqual(new Set([0.25]));
    expect(new Set(sound.subarray(1009))).toEqual(new Set([0.5]));
    const steps = sound.subarray(11, 1010).map((sample, i) => sample - sound[10 + i]!);
    for (const step of steps) expect(step).toBeCloseTo(0.25 / 1000, 6);
  });

  it('smooths a jump by the time that the port names', () => {
    const player = new Player(level);
    player.send('level.gain', commandOps.set, 0);
    const sound = player.play(5);
    expect(sound[479]).toBe(0);
    expect(sound[470]).toBeGreaterThan(0);
  });

  it('takes several commands for one port in one quantum', () => {
    const player = new Player(gate);
    player.send('level.gain', commandOps.gate, 1, { frame: 5 });
    player.send('level.gain', commandOps.gate, 0, { frame: 50 });
    player.send('level.gain', commandOps.gate, 0.5, { frame: 100 });
    const sound = player.play(2);
    const expected = Float32Array.from({ length: 256 }, (_, i) =>
      i < 5 ? 0 : i < 50 ? 1 : i < 100 ? 0 : 0.5,
    );
    expect(sound).toEqual(expected);
  });

  it('lets a trigger fall back after its frames, even in a later quantum', () => {
    const player = new Player(gate);
    player.send('level.gain', commandOps.trigger, 1, { frame: 100, frames: 200 });
    const sound = player.play(4);
    expect([...sound.keys()].filter((i) => sound[i] === 1)).toEqual(
      Array.from({ length: 200 }, (_, i) => 100 + i),
    );
  });

  it('holds values within the range of the port', () => {
    const player = new Player(level);
    player.send('level.gain', commandOps.gate, 1e9);
    expect(player.play(1)[5]).toBe(500);
  });

  it('ignores and counts commands that name nothing', () => {
    const player = new Player(level);
    const records = [
      [1, 99, 0, 0],
      [1, -1, 0, 0],
      [1, 0, 7, 0],
      [1, 0, -1, 0],
      [9, 0, 0, 0],
      [0, 0, 0, 0],
      [1, 0, 0, 0x7fc00000],
    ];
    for (const record of records) {
      player.renderer.apply(Int32Array.of(...record, 0, 0, 0, 0), 0);
    }
    expect(player.renderer.ignoredCommands).toBe(records.length);
    expect(player.play(1)[0]).toBe(0.25);
  });

  it('moves every parameter at once, and gives the slots back', () => {
    const nodes = Array.from({ length: 40 }, (_, i) => `  g${i}: { type: gain, in: 1, gain: 0 }`);
    const player = new Player(`nodes:\n${nodes.join('\n')}\n  out: { type: out, in: g39 }`);
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 40; i++) {
        player.send(`g${i}.gain`, commandOps.set, (i + round) % 7, { frames: 100 + 37 * i });
      }
      player.play(3);
    }
    player.play(30);
    expect(player.play(1)[0]).toBe((39 + 19) % 7);
    expect(player.renderer.ignoredCommands).toBe(0);
  });

  it('continues in the middle of a ramp after a snapshot', () => {
    const first = new Player(level);
    first.send('level.gain', commandOps.set, 2, { frame: 3, frames: 5000 });
    first.play(10);
    const second = new Player(level);
    second.renderer.arena.set(first.renderer.arena);
    expect(second.play(40)).toEqual(first.play(40));
    expect(second.renderer.arena).toEqual(first.renderer.arena);
  });

  it('measures with a meter', () => {
    const text = 'nodes: { m: { type: meter, in: o }, o: { type: osc, freq: 1000 } }';
    const player = new Player(text);
    player.play(800);
    const { node } = player.compiled.names.nodes.m!;
    const levels = player.renderer.readMeter(node)!;
    expect(levels.peak).toHaveLength(1);
    expect(levels.peak[0]).toBeCloseTo(1, 2);
    expect(levels.rms[0]).toBeCloseTo(Math.SQRT1_2, 2);
    expect(player.renderer.readMeter(node + 1)).toBeUndefined();
    expect(player.renderer.readMeter(-1)).toBeUndefined();
  });

  it.each([1, 2, 4, 8])('plays on a device of %i channels', (channels) => {
    const text = 'nodes: { a: { type: pan, in: 0.5, position: -1 }, out: { type: out, in: a } }';
    const renderer = new Renderer(compileText(text, { channels } as never).program, noSources);
    renderer.render();
    const frame = [...renderer.output.subarray(0, channels)];
    const left = Math.fround(Math.SQRT2) / 2;
    const expected = channels === 1 ? [left / 2] : [left, ...new Array(channels - 1).fill(0)];
    frame.forEach((sample, i) => {
      expect(sample).toBeCloseTo(expected[i]!, 6);
    });
  });

  it.each([32, 64, 480, 1024])('renders quanta of %i frames', (quantum) => {
    const text = 'nodes: { a: { type: osc, shape: saw }, out: { type: out, in: a } }';
    const sound = (frames: number) => {
      const renderer = new Renderer(
        compileText(text, { quantum: frames } as never).program,
        noSources,
      );
      const all: number[] = [];
      while (all.length < 4096) {
        renderer.render();
        all.push(...renderer.output);
      }
      return all.slice(0, 4096);
    };
    expect(sound(quantum)).toEqual(sound(128));
  });
});
