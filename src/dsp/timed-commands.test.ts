import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileText, noSources } from '../../test/kit/patches.js';
import { limits } from '../limits.js';
import { commandFlags, commandOps, commandWord, commandWords } from './command.js';
import { Renderer } from './renderer.js';
import { TimedCommands, timedWords } from './timed-commands.js';

const text = `
nodes:
  level: { type: gain, in: 0 }
  out: { type: out, in: level }
`;

function record(tick: number, frame: number, tag = 0): Int32Array {
  const words = new Int32Array(commandWords);
  words[0] = commandOps.set | commandFlags.timed | (frame << 16);
  words[commandWord.tick] = tick;
  words[commandWord.idLow] = tag;
  return words;
}

function list(): TimedCommands {
  const timed = new TimedCommands(new Int32Array(timedWords + 8), 8);
  timed.prepare();
  return timed;
}

describe('the list of timed commands', () => {
  it('gives what is due by tick and frame, and what came first of those alike', () => {
    const entry = fc.record({
      tick: fc.integer({ min: -3, max: 6 }),
      frame: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 200 }), (entries) => {
        const words = new Int32Array(timedWords + 8);
        const timed = new TimedCommands(words, 8);
        timed.prepare();
        entries.forEach(({ tick, frame }, tag) => {
          expect(timed.add(record(tick, frame, tag), 0)).toBeGreaterThan(0);
        });
        const expected = entries
          .map((one, tag) => ({ ...one, tag }))
          .sort((a, b) => a.tick - b.tick || a.frame - b.frame || a.tag - b.tag);
        const given: number[] = [];
        for (let now = -4; now <= 6; now++) {
          for (let at = timed.due(now); at >= 0; at = timed.due(now)) {
            given.push(words[at + commandWord.idLow]!);
            timed.drop();
          }
          expect(given.length).toBe(expected.filter(({ tick }) => tick <= now).length);
        }
        expect(given).toEqual(expected.map(({ tag }) => tag));
        expect(timed.count).toBe(0);
      }),
    );
  });

  it('takes as many as it holds, and goes across the wrap of the tick', () => {
    const timed = list();
    for (let i = 0; i < limits.timedCommandsMax; i++) timed.add(record(2 ** 31 - 1, 0), 0);
    expect(timed.add(record(0, 0), 0)).toBe(-1);
    expect(timed.due(2 ** 31 - 2)).toBe(-1);
    expect(timed.due(-(2 ** 31))).toBeGreaterThan(0);
  });
});

describe('a renderer', () => {
  const { program, names } = compileText(text);
  const { node, port } = names.nodes.level!.ports.in!;

  function timed(tick: number, frame: number, value: number): Int32Array {
    const words = record(tick, frame);
    words[commandWord.node] = node;
    words[commandWord.port] = port;
    words[commandWord.value] = new Int32Array(Float32Array.of(value).buffer)[0]!;
    return words;
  }

  /** Renders and returns the first channel. */
  function run(renderer: Renderer, ticks: number): number[] {
    const samples: number[] = [];
    for (let i = 0; i < ticks; i++) {
      renderer.render();
      for (let at = 0; at < renderer.output.length; at += renderer.channels) {
        samples.push(renderer.output[at]!);
      }
    }
    return samples;
  }

  it('begins a timed command on its frame, from a snapshot too', () => {
    const renderer = new Renderer(program, noSources);
    const { quantum } = renderer;
    renderer.apply(timed(7, 13, 1), 0);
    expect(run(renderer, 3).every((sample) => sample === 0)).toBe(true);
    const successor = new Renderer(program, noSources);
    successor.arena.set(renderer.arena);
    for (const one of [renderer, successor]) {
      const first = run(one, 10).findIndex((sample) => sample !== 0);
      expect(first + 3 * quantum).toBe(7 * quantum + 13);
    }
  });

  it('applies at once what comes too late', () => {
    const renderer = new Renderer(program, noSources);
    run(renderer, 5);
    renderer.apply(timed(2, 50, 1), 0);
    expect(run(renderer, 1).findIndex((sample) => sample !== 0)).toBe(0);
  });

  it('fades to silence and back, and goes on meanwhile', () => {
    const renderer = new Renderer(program, noSources);
    const { quantum } = renderer;
    renderer.apply(timed(0, 0, 1), 0);
    run(renderer, 10);
    const command = (op: number, frame: number, frames: number) => {
      const words = new Int32Array(commandWords);
      words[0] = op | (frame << 16);
      words[commandWord.frames] = frames;
      renderer.apply(words, 0);
    };
    command(commandOps.stop, 10, 100);
    const stopped = run(renderer, 4);
    expect(stopped.slice(0, 10).every((sample) => sample === 1)).toBe(true);
    expect(stopped[10]).toBeCloseTo(0.99, 5);
    expect(stopped[59]).toBeCloseTo(0.5, 5);
    expect(stopped.slice(109).every((sample) => sample === 0)).toBe(true);
    command(commandOps.start, 0, quantum);
    const started = run(renderer, 2);
    expect(started[0]).toBeCloseTo(1 / quantum, 5);
    expect(started.slice(quantum - 1).every((sample) => sample === 1)).toBe(true);
  });
});
