import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  audioFolder,
  encode,
  signalToNoiseDb,
  testSignal,
  writePlainWav,
} from '../../test/kit/audio-files.js';
import { deinterleave, interleave } from '../pcm/index.js';
import { decodeWhole, openPcm } from './pcm-source.js';
import { WavWriter } from './wav-writer.js';

let folder: Awaited<ReturnType<typeof audioFolder>>;
let cd: Float32Array[];
const cdFrames = 50_000;
const at = (name: string) => join(folder.path, name);

beforeAll(async () => {
  folder = await audioFolder();
  cd = testSignal({ frames: cdFrames, channels: 2, rate: 44_100 });
  await writePlainWav(at('cd.wav'), cd, { rate: 44_100, bits: 16 });
  await encode('flac', ['-s', '-o', at('cd.flac'), at('cd.wav')]);
});
afterAll(() => folder.remove());

async function readAll(path: string, format: { rate?: number; channels?: number }) {
  const source = await openPcm(path, format);
  const expected = source.frames;
  const blocks: number[] = [];
  let frames = 0;
  for (let block = await source.read(); block; block = await source.read()) {
    expect(block.length).toBeGreaterThan(0);
    expect(block.length % source.channels).toBe(0);
    frames += block.length / source.channels;
    expect(source.position).toBe(frames);
    for (const sample of block) blocks.push(sample);
  }
  expect(await source.read()).toBeNull();
  await source.close();
  return { samples: Float32Array.from(blocks), frames, expected, source };
}

describe('openPcm', () => {
  it('gives the file as it is when nothing else is asked for', async () => {
    for (const format of [{}, { rate: 44_100, channels: 2 }]) {
      const { samples, frames, expected, source } = await readAll(at('cd.flac'), format);
      expect(samples).toEqual(interleave(cd));
      expect([frames, expected]).toEqual([cdFrames, cdFrames]);
      expect(source.media).toMatchObject({ format: 'flac', rate: 44_100, channels: 2 });
    }
  });

  it.each([
    [48_000, 2],
    [48_000, 1],
    [48_000, 6],
    [8000, 2],
    [192_000, 1],
    [44_100, 8],
    [47_999, 2],
  ])('gives %d Hz and %d channels, to the frame', async (rate, channels) => {
    const { frames, expected, source } = await readAll(at('cd.flac'), { rate, channels });
    expect(frames).toBe(Math.round((cdFrames * rate) / 44_100));
    expect(expected).toBe(frames);
    expect([source.rate, source.channels, source.errors]).toEqual([rate, channels, 0]);
  });

  it('there and back is the same sound', async () => {
    const up = at('up.wav');
    const { samples } = await readAll(at('cd.wav'), { rate: 48_000 });
    const writer = WavWriter.create(up, { rate: 48_000, channels: 2 });
    writer.append(samples);
    writer.close();
    const back = deinterleave((await readAll(up, { rate: 44_100 })).samples, 2);
    for (const channel of [0, 1]) {
      // Its noise reaches beyond the pass band, and its ends are cut hard.
      const inside = (plane: Float32Array) => plane.subarray(1000, cdFrames - 1000);
      expect(signalToNoiseDb(inside(cd[channel]!), inside(back[channel]!))).toBeGreaterThan(35);
    }
  });

  it('needs no more memory for a longer file', async () => {
    const hour = at('hour.wav');
    const writer = WavWriter.create(hour, { rate: 48_000, channels: 2 });
    const second = new Float32Array(48_000 * 2);
    for (let i = 0; i < 600; i++) writer.append(second);
    writer.close();
    const peakKb = () =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
    const before = peakKb();
    const source = await openPcm(hour, { rate: 48_000, channels: 1 });
    for (let block = await source.read(); block; block = await source.read());
    expect(source.position).toBe(600 * 48_000);
    await source.close();
    // The file has 230 MB.
    expect(peakKb() - before).toBeLessThan(150_000);
  });
});

describe('decodeWhole', () => {
  it('gives all samples, in the file’s own format or another', async () => {
    const own = await decodeWhole(at('cd.flac'));
    expect(own).toMatchObject({ frames: cdFrames, rate: 44_100, channels: 2, errors: 0 });
    expect(own.samples).toEqual(interleave(cd));
    const other = await decodeWhole(at('cd.flac'), { rate: 48_000, channels: 1 });
    expect(other.samples.length).toBe(other.frames);
    expect(other.frames).toBe(Math.round((cdFrames * 48_000) / 44_100));
  });

  it('refuses what is larger than allowed, early', async () => {
    const maxBytes = cdFrames * 8;
    await expect(decodeWhole(at('cd.wav'), { maxBytes })).resolves.toBeDefined();
    const refused = { code: 'TENUTO_MEDIA_LIMIT' };
    await expect(decodeWhole(at('cd.wav'), { maxBytes: maxBytes - 1 })).rejects.toMatchObject(
      refused,
    );
    const unknown = await readFile(at('cd.flac'));
    // Without the total in its header, only decoding can tell.
    unknown[21]! &= 0xf0;
    unknown.fill(0, 22, 26);
    await writeFile(at('unknown.flac'), unknown);
    await expect(decodeWhole(at('unknown.flac'), { maxBytes: 1000 })).rejects.toMatchObject(
      refused,
    );
  });
});
