import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compileText, format, noSources } from '../../test/kit/patches.js';
import { createPerformance } from './carry.js';
import { commandOps } from './command.js';
import type { Sources } from './node.js';
import { type Performance, switchFlags, switchOp } from './performance.js';
import { Renderer } from './renderer.js';

type Band = Performance<Renderer>;

/** A performance that holds these patches as programs 1, 2, ... and plays the first. */
function perform(texts: readonly string[], sources: Sources = noSources): Band {
  const band = createPerformance(format);
  texts.forEach((text, i) => {
    band.add(i + 1, new Renderer(compileText(text).program, sources));
  });
  band.begin(1, 0);
  return band;
}

function change(band: Band, program: number, options: { fade?: number; flags?: number } = {}) {
  const { fade = 960, flags = 0 } = options;
  band.apply(Int32Array.of(switchOp, program, flags, 0, fade, 0, 0, 0), 0);
}

function send(band: Band, text: string, address: string, value: number, frames = 0) {
  const [node = '', port = ''] = address.split('.');
  const place = compileText(text).names.nodes[node]!.ports[port]!;
  const bits = new Int32Array(Float32Array.of(value).buffer)[0]!;
  band.apply(Int32Array.of(commandOps.set, place.node, place.port, bits, frames, 0, 0, 0), 0);
}

function play(band: Band, quanta: number): Float32Array {
  const { length } = band.output;
  const sound = new Float32Array(quanta * length);
  for (let tick = 0; tick < quanta; tick++) {
    band.render();
    sound.set(band.output, tick * length);
  }
  return sound;
}

/** The largest step between neighbouring samples of a channel. */
function largestStep(sound: Float32Array): number {
  let largest = 0;
  for (let i = 2; i < sound.length; i++) {
    largest = Math.max(largest, Math.abs(sound[i]! - sound[i - 2]!));
  }
  return largest;
}

/** The largest difference. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

/** Compares bit for bit, without the long time that naming every difference would take. */
function expectSame(a: ArrayBufferView, b: ArrayBufferView): void {
  const bytes = (of: ArrayBufferView) => Buffer.from(of.buffer, of.byteOffset, of.byteLength);
  expect(bytes(a).equals(bytes(b))).toBe(true);
}

const tone = (freq: number, more = '') =>
  `nodes: { tone: { type: osc, shape: sine, freq: ${freq} }, out: { type: out, in: level }, ` +
  `level: { type: gain, in: tone, gain: 0.5 }${more} }`;

const folder = new URL('../../examples/', import.meta.url);
const examples = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => [name, readFileSync(new URL(name, folder), 'utf8')] as const);

describe('a program that follows another', () => {
  it.each(examples)('of %s goes on where the same one was, bit for bit', (_name, text) => {
    const changed = perform([text, text]);
    const steady = perform([text]);
    play(changed, 300);
    play(steady, 300);
    change(changed, 2);
    const through = play(changed, 8);
    const beside = play(steady, 8);
    expect(distance(through, beside)).toBeLessThan(1e-6);
    expect(changed.isSettled).toBe(true);
    expect(changed.program).toBe(2);
    expectSame(play(changed, 200), play(steady, 200));
  });

  it('keeps the state of nodes by their names, wherever they stand in the text', () => {
    const other = tone(440, ', aaa: { type: noise }, zzz: { type: meter, in: tone }');
    const changed = perform([tone(440), other]);
    const steady = perform([tone(440)]);
    play(changed, 50);
    play(steady, 50);
    change(changed, 2);
    play(changed, 8);
    play(steady, 8);
    expectSame(play(changed, 20), play(steady, 20));
  });

  it('takes what was edited from the text and leaves what was turned by hand as it is', () => {
    const edited = tone(440).replace('sine', 'saw').replace('gain: 0.5', 'gain: 0.2');
    for (const [text, level] of [
      [tone(440), 0.9],
      [edited, 0.2],
    ] as const) {
      const changed = perform([tone(440), text]);
      send(changed, tone(440), 'level.gain', 0.9);
      play(changed, 20);
      change(changed, 2);
      play(changed, 20);
      const loudest = play(changed, 100).reduce((most, one) => Math.max(most, Math.abs(one)), 0);
      expect(loudest).toBeGreaterThan(level * 0.9);
      expect(loudest).toBeLessThan(level * 1.2);
    }
  });

  it('goes on with a ramp that is under way', () => {
    const changed = perform([tone(440), tone(440)]);
    const steady = perform([tone(440)]);
    for (const band of [changed, steady]) send(band, tone(440), 'level.gain', 0, 20_000);
    play(changed, 30);
    play(steady, 30);
    change(changed, 2);
    play(changed, 8);
    play(steady, 8);
    expectSame(play(changed, 200), play(steady, 200));
  });

  it('makes no step that its fade does not allow', () => {
    const loud = perform([tone(100), tone(101).replaceAll('tone', 'other')]);
    const before = largestStep(play(loud, 100));
    change(loud, 2);
    const during = largestStep(play(loud, 20));
    const after = largestStep(play(loud, 100));
    // Two sines that fade into each other: the steps of both, and that of the fade.
    expect(during).toBeLessThan(Math.max(before, after) * 1.1 + 1.5 / 960);
  });

  it('plays on the stream that the one before played, from the frame that comes next', () => {
    const frames = 1 << 14;
    const samples = Float32Array.from({ length: frames * 2 }, (_, i) => Math.sin((i >> 1) / 30));
    const sources: Sources = { streams: [{ samples, channels: 2, frames }], assets: [] };
    const named = 'nodes: { client: { type: stream, stream: 0 }, out: { type: out, in: client } }';
    const silent = 'nodes: { quiet: { type: gain, in: 0 }, out: { type: out, in: quiet } }';
    const changed = perform([silent, named, silent], sources);
    const steady = perform([silent], sources);
    const run = (band: Band, from: number, quanta: number) => {
      const sound: number[] = [];
      for (let tick = from; tick < from + quanta; tick++) {
        band.setStreamEnd(0, (tick + 1) * 128);
        sound.push(...play(band, 1));
      }
      return sound;
    };
    run(changed, 0, 20);
    run(steady, 0, 20);
    for (const [program, from] of [
      [2, 20],
      [3, 50],
    ] as const) {
      change(changed, program);
      const through = run(changed, from, 30);
      const beside = run(steady, from, 30);
      expect(distance(through, beside)).toBeLessThan(1e-6);
    }
  });
});

describe('a change in the middle of another', () => {
  it('steps no more than one, to a third program and back to the first', () => {
    const texts = [tone(100), tone(90), tone(110)].map((text, i) =>
      text.replaceAll('tone', `tone${i}`),
    );
    const band = perform(texts);
    const before = largestStep(play(band, 100));
    let during = 0;
    for (const program of [2, 3, 1, 2, 1]) {
      change(band, program);
      during = Math.max(during, largestStep(play(band, 3)));
    }
    during = Math.max(during, largestStep(play(band, 20)));
    expect(during).toBeLessThan(before * 1.3 + 1.5 / 960 + 1 / 240);
    expect(band.program).toBe(1);
  });
});

describe('a program that is withdrawn', () => {
  it('falls silent at once, and the one before fades in', () => {
    const band = perform([tone(100), tone(101).replaceAll('tone', 'other')]);
    const before = largestStep(play(band, 100));
    change(band, 2);
    play(band, 20);
    expect(band.previous).toBe(1);
    let rendered = 0;
    const bad = band.part(2)!;
    bad.render = () => rendered++;
    band.revert();
    const during = largestStep(play(band, 20));
    expect(rendered).toBe(0);
    expect(during).toBeLessThan(before + 1 / 240 + 1.5 / 960);
    expect(band.program).toBe(1);
    expect(band.previous).toBe(0);
    band.revert();
    expect(band.program).toBe(1);
  });

  it('is withdrawn by a command too', () => {
    const band = perform([tone(100), tone(200)]);
    change(band, 2);
    play(band, 2);
    change(band, 1, { flags: switchFlags.withdraw });
    play(band, 20);
    expect(band.program).toBe(1);
    expect(band.previous).toBe(0);
  });
});

describe('who joins', () => {
  it.each([0, 3, 7, 30])('renders the same %i quanta after a change', (after) => {
    const texts = examples.slice(0, 2).map(([, text]) => text);
    const first = perform(texts);
    play(first, 100);
    const arena = first.arena.slice();
    const second = perform(texts);
    play(second, 7);
    change(second, 2);
    play(second, 3);
    expect(second.begin(first.program, first.previous)).toBe(true);
    second.arena.set(arena);
    for (const band of [first, second]) {
      play(band, 5);
      change(band, 2);
      play(band, after);
      if (after === 3) band.revert();
    }
    expectSame(play(first, 40), play(second, 40));
    expectSame(first.arena, second.arena);
  });

  it('is told that it lacks a program', () => {
    const band = perform([tone(100)]);
    expect(band.begin(7, 0)).toBe(false);
    change(band, 7);
    expect(band.isLost).toBe(true);
  });
});
