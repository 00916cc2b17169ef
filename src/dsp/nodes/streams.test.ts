import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileText } from '../../../test/kit/patches.js';
import type { StreamView } from '../node.js';
import { Renderer } from '../renderer.js';

const frames = 1024;
const silence = 'nodes: { n: { type: gain }, out: { type: out, in: n } }';

/** Three stereo rings; stream s holds s + 1 steps of 2^-10 and its position, left and right. */
function rings(): StreamView[] {
  return [0, 1, 2].map((stream) => ({
    samples: Float32Array.from(
      { length: frames * 2 },
      (_, i) => ((i >> 1) + 1 + stream * 0.25) * (i % 2 ? -1 : 1) * 2 ** -10,
    ),
    channels: 2,
    frames,
  }));
}

function render(renderer: Renderer, quanta: number): Float32Array {
  const sound = new Float32Array(quanta * renderer.output.length);
  for (let i = 0; i < quanta; i++) {
    renderer.render();
    sound.set(renderer.output, i * renderer.output.length);
  }
  return sound;
}

describe('streams that no node names', () => {
  it('are added to the output unaltered, and fall silent within 5 ms', () => {
    const renderer = new Renderer(compileText(silence).program, { streams: rings(), assets: [] });
    renderer.setStreamEnd(1, 100);
    const sound = render(renderer, 4);
    const [, view] = rings();
    expect(sound.subarray(0, 200)).toEqual(view!.samples.subarray(0, 200));
    for (let i = 200; i < 200 + 480; i += 2) {
      expect(sound[i]).toBeGreaterThan(0);
      expect(sound[i]).toBeLessThan(sound[i - 2]!);
      expect(sound[i + 1]).toBe(-sound[i]!);
    }
    expect(sound.subarray(680).every((sample) => sample === 0)).toBe(true);
  });

  it('go on with the next frame, whatever was still falling', () => {
    const renderer = new Renderer(compileText(silence).program, { streams: rings(), assets: [] });
    const [view] = rings();
    renderer.setStreamEnd(0, 300);
    render(renderer, 3);
    renderer.setStreamEnd(0, 400);
    const sound = render(renderer, 1);
    expect(sound.subarray(0, 200)).toEqual(view!.samples.subarray(600, 800));
  });

  it('leave out those that the patch plays itself', () => {
    const text =
      'nodes: { s: { type: stream, stream: 1 }, m: { type: mix, in1: s, gain1: 0 }, out: { type: out, in: m } }';
    const renderer = new Renderer(compileText(text).program, { streams: rings(), assets: [] });
    renderer.setStreamEnd(1, 64);
    expect(render(renderer, 1).every((sample) => sample === 0)).toBe(true);
    renderer.setStreamEnd(2, 64);
    expect(render(renderer, 1).some((sample) => sample !== 0)).toBe(true);
  });

  it('make silence of what is no sound', () => {
    const [view] = rings();
    view!.samples.set([Number.NaN, 1, Number.POSITIVE_INFINITY, 1, 1e30, 1, 1e-40, 1, 0.25, 0]);
    const renderer = new Renderer(compileText(silence).program, { streams: [view!], assets: [] });
    renderer.setStreamEnd(0, 5);
    const sound = render(renderer, 1);
    expect([...sound.subarray(0, 10)]).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0.25, 0]);
  });

  it('are played on as many channels as there are', () => {
    const mono = compileText(silence, { channels: 1 as 2 });
    const view = { samples: new Float32Array(frames).fill(0.5), channels: 1, frames };
    const renderer = new Renderer(mono.program, { streams: [view], assets: [] });
    renderer.setStreamEnd(0, 128);
    expect(render(renderer, 1).every((sample) => sample === 0.5)).toBe(true);
  });

  it('count across the wrap of 32 bits, and continue with equal bits after any snapshot', () => {
    const steps = fc.array(fc.tuple(fc.nat(2), fc.nat(200)), { minLength: 1, maxLength: 30 });
    const { program } = compileText(silence);
    fc.assert(
      fc.property(steps, fc.constantFrom(0, -100, 2 ** 31 - 150), (list, start) => {
        const make = () => new Renderer(program, { streams: rings(), assets: [] });
        const first = make();
        const ends = [start, start, start];
        // Places the streams where the counts are about to wrap.
        const { state } = first.layout.nodes.at(-1)!;
        const i32 = new Int32Array(first.memory);
        for (let stream = 0; stream < 3; stream++) {
          i32[state / 4 + stream] = start;
          first.setStreamEnd(stream, start);
        }
        for (const [stream, more] of list) {
          ends[stream] = (ends[stream]! + Math.min(more, first.quantum)) | 0;
          first.setStreamEnd(stream, ends[stream]!);
          first.render();
          expect(i32[state / 4 + stream]).toBe(ends[stream]);
          const second = make();
          second.arena.set(first.arena);
          const follow = [render(first, 1), render(second, 1)];
          expect(follow[1]).toEqual(follow[0]);
        }
      }),
      { numRuns: 30 },
    );
  });
});
