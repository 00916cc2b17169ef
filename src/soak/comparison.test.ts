import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compileText } from '../../test/kit/patches.js';
import { Renderer } from '../dsp/index.js';
import { WavWriter } from '../media/wav-writer.js';
import { compareWithOffline } from './comparison.js';

const folder = mkdtempSync(join(tmpdir(), 'tenuto-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { program } = compileText(`
nodes:
  tone: { type: osc, shape: saw, freq: 110 }
  out: { type: out, in: tone }
`);
const frames = 1000;

/** Renders `frames` frames, lets `change` at them, and writes them to a file. */
function record(
  change: (samples: Float32Array) => Float32Array | undefined = (samples) => samples,
): string {
  const renderer = new Renderer(program, { streams: [], assets: [] });
  const { quantum, channels, rate } = renderer;
  const samples = new Float32Array(Math.ceil(frames / quantum) * quantum * channels);
  for (let at = 0; at < samples.length; at += quantum * channels) {
    renderer.render();
    samples.set(renderer.output, at);
  }
  const cut = samples.subarray(0, frames * channels);
  const path = join(folder, 'record.wav');
  using writer = WavWriter.create(path, { rate, channels });
  writer.append(change(cut) ?? cut);
  return path;
}

const compare = (path: string, whole = true) =>
  compareWithOffline({ program, assets: [], path, frames, whole, quanta: 3 });

describe('the comparison with an offline rendering', () => {
  it('finds no difference where there is none', async () => {
    const found = await compare(record());
    expect(found).toMatchObject({ firstDifference: null, frames, headerEqual: true });
    expect(found.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it('finds one bit', async () => {
    const path = record((samples) => {
      new Int32Array(samples.buffer)[2 * 777 + 1]! ^= 1;
    });
    expect(await compare(path)).toMatchObject({ firstDifference: 777, frames });
  });

  it('finds an end that comes too early or too late', async () => {
    const short = record((samples) => samples.subarray(0, 2 * 900));
    expect(await compare(short)).toMatchObject({ firstDifference: 900, frames: 900 });
    const long = () => record((samples) => Float32Array.of(...samples, 0, 0));
    expect(await compare(long())).toMatchObject({ firstDifference: frames, frames: frames + 1 });
    expect(await compare(long(), false)).toMatchObject({ firstDifference: null });
  });
});
