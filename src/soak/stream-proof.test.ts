import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compileText } from '../../test/kit/patches.js';
import { enterGeneration, segmentFor } from '../../test/kit/segment.js';
import { Renderer } from '../dsp/renderer.js';
import { Sealer } from '../engine/sealing.js';
import { wavHeader } from '../media/wav-format.js';
import { findRecord } from '../memory/journal.js';
import { record } from '../memory/layout.js';
import { openStreamSegment, streamBytes, writeStream } from '../memory/stream.js';
import { StreamLedger } from './stream-ledger.js';
import { proveStreams, type StreamMark } from './stream-proof.js';
import { signalFrames, signalSample, signalStep } from './stream-signal.js';
import { makeTemporaryFolder } from './temporary-folder.js';

const folder = makeTemporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const path = join(folder.path, 'streams.wav');

/** Plays two streams of `frames` each for some ticks, and records what a renderer makes of it. */
function record2(frames: number, change: (samples: Float32Array) => void) {
  const segment = segmentFor({ quantum: 128, rateHz: 48_000, channels: 2 });
  const { layout } = segment;
  const streams = [0, 1].map(() => openStreamSegment(new ArrayBuffer(streamBytes(layout)), layout));
  enterGeneration(segment, 1, { position: 0, tick: 0, previous: 0 });
  const sealer = new Sealer(segment, streams, 1);
  const text = 'nodes: { n: { type: gain }, out: { type: out, in: n } }';
  const renderer = new Renderer(compileText(text).program, { streams, assets: [] });
  const ledger = new StreamLedger(segment);
  const marks: StreamMark[] = [0, 1].map((stream) => ({
    stream,
    position: 0,
    seed: 70 + stream,
    frame: 0,
    timeNs: stream,
  }));
  for (const { stream, seed } of marks) {
    const what = { seed, frame: 0, channels: 2, format: 'f32' } as const;
    writeStream(streams[stream]!, signalFrames(what, frames) as Float32Array);
  }
  const ticks = 20;
  const samples = new Float32Array(ticks * 256);
  for (let tick = 0; tick < ticks; tick++) {
    sealer.prepare(tick, 0);
    sealer.commit();
    const at = findRecord(segment, tick);
    for (let i = 0; i < 2; i++) {
      renderer.setStreamEnd(i, segment.words[at + record.streamCursors + i]!);
    }
    renderer.render();
    samples.set(renderer.output, tick * 256);
  }
  ledger.catchUp();
  change(samples);
  const format = { rate: 48_000, channels: 2 };
  writeFileSync(
    path,
    Buffer.concat([wavHeader(format, samples.byteLength), Buffer.from(samples.buffer)]),
  );
  return { layout, ledger, marks };
}

describe('the proof of streams', () => {
  it('accepts what is the exact sum of what was played, falls included', async () => {
    const { layout, ledger, marks } = record2(1000, () => {});
    const proof = await proveStreams(path, layout, ledger, marks);
    expect(proof.firstDifference).toBeNull();
    expect([proof.frames, proof.strangeFrames]).toEqual([2000, 0]);
    expect(Object.fromEntries(proof.playedOf)).toEqual({ 70: 1000, 71: 1000 });
  });

  it.each([
    ['a frame that is lost', (samples: Float32Array) => samples.copyWithin(600, 602)],
    ['a frame that comes twice', (samples: Float32Array) => samples.copyWithin(602, 600)],
    [
      'the last bit of a sample',
      (samples: Float32Array) => {
        new Int32Array(samples.buffer)[1300]! ^= 1;
      },
    ],
    [
      'two frames in the wrong order',
      (samples: Float32Array) => {
        samples.set([...samples.subarray(802, 804), ...samples.subarray(800, 802)], 800);
      },
    ],
    ['a fall that is missing', (samples: Float32Array) => samples.fill(0, 2000, 2480)],
  ])('finds %s', async (_, change) => {
    const { layout, ledger, marks } = record2(1000, change);
    const proof = await proveStreams(path, layout, ledger, marks);
    expect(proof.firstDifference).not.toBeNull();
  });

  it('finds frames that nobody wrote, and a signal in the wrong place', async () => {
    const { layout, ledger, marks } = record2(1000, () => {});
    const without = await proveStreams(path, layout, ledger, marks.slice(0, 1));
    expect(without.strangeFrames).toBe(1000);
    const moved = marks.map((mark) => ({ ...mark, frame: mark.frame + mark.stream }));
    expect((await proveStreams(path, layout, ledger, moved)).firstDifference).toBe(0);
  });
});

describe('the signal of a stream', () => {
  it('is the same in every format, and 32 of them never exceed full scale', () => {
    for (let frame = 0; frame < 2000; frame++) {
      for (const channel of [0, 1]) {
        const step = signalStep(5, frame, channel);
        expect(Number.isInteger(step) && Math.abs(step) * 32 < 32_768).toBe(true);
        expect(Math.fround(signalSample(5, frame, channel)) * 32_768).toBe(step);
      }
    }
    const what = { seed: 5, frame: 17, channels: 2 };
    const floats = [...signalFrames({ ...what, format: 'f32' }, 100)];
    expect([...signalFrames({ ...what, format: 's16' }, 100)].map((s) => s / 2 ** 15)).toEqual(
      floats,
    );
    expect([...signalFrames({ ...what, format: 's24' }, 100)].map((s) => s / 2 ** 23)).toEqual(
      floats,
    );
    expect([...signalFrames({ ...what, format: 's32' }, 100)].map((s) => s / 2 ** 31)).toEqual(
      floats,
    );
  });
});
