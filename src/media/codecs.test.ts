import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  audioFolder,
  bestShift,
  encode,
  joinBlocks,
  signalToNoiseDb,
  testSignal,
  writePlainWav,
} from '../../test/kit/audio-files.js';
import { type Decoder, openDecoder } from './decoder.js';

let folder: Awaited<ReturnType<typeof audioFolder>>;
beforeAll(async () => {
  folder = await audioFolder();
});
afterAll(() => folder.remove());

async function decodeAll(path: string): Promise<{ planes: Float32Array[]; decoder: Decoder }> {
  const decoder = await openDecoder(path);
  const blocks: Float32Array[][] = [];
  for (let block = await decoder.read(); block; block = await decoder.read()) {
    expect(block.length).toBe(decoder.channels);
    for (const plane of block) expect(plane.length).toBe(block[0]!.length);
    blocks.push(block);
  }
  await decoder.close();
  return { planes: joinBlocks(blocks, decoder.channels), decoder };
}

interface Case {
  name: string;
  rate: number;
  channels: number;
  bits: 16 | 24 | 32;
  /** Makes `to` from the WAV file `from`. */
  make(from: string, to: string): Promise<unknown>;
}

let made = 0;
async function prepare(kind: Case, seconds = 1.5) {
  const { rate, channels, bits } = kind;
  // No multiple of any codec's block, so that padding shows.
  const frames = Math.round(rate * seconds) + 77;
  const planes = testSignal({ frames, channels, rate, bits: Math.min(bits, 24) });
  const name = join(folder.path, `${++made}`);
  await writePlainWav(`${name}.wav`, planes, { rate, bits });
  // Without an extension that could give the format away.
  await kind.make(`${name}.wav`, name);
  return { planes, path: name, frames };
}

const flac =
  (...args: string[]) =>
  (from: string, to: string) =>
    encode('flac', ['--silent', '--force', ...args, '-o', to, from]);
// `flac` takes more than two channels only with a speaker mask, which sox writes.
const extensibleFlac = async (from: string, to: string) => {
  await sox('-t', 'wav')(from, `${to}.extensible`);
  await flac('-5')(`${to}.extensible`, to);
};
const lame =
  (...args: string[]) =>
  (from: string, to: string) =>
    encode('lame', ['--quiet', ...args, from, to]);
const vorbis =
  (...args: string[]) =>
  (from: string, to: string) =>
    encode('oggenc', ['--quiet', ...args, '-o', to, from]);
const opus =
  (...args: string[]) =>
  (from: string, to: string) =>
    encode('opusenc', ['--quiet', ...args, from, to]);
const sox =
  (...args: string[]) =>
  (from: string, to: string) =>
    encode('sox', ['-D', from, ...args, to]);

describe('lossless formats are bit-exact', () => {
  const cases: Case[] = [
    { name: 'wav 16', rate: 44_100, channels: 2, bits: 16, make: sox('-t', 'wav') },
    { name: 'wav 24', rate: 96_000, channels: 1, bits: 24, make: sox('-t', 'wav') },
    {
      name: 'wav 24 to 32',
      rate: 48_000,
      channels: 2,
      bits: 24,
      make: sox('-t', 'wav', '-b', '32'),
    },
    { name: 'wav float', rate: 192_000, channels: 2, bits: 32, make: sox('-t', 'wav') },
    {
      name: 'wav float 64',
      rate: 8000,
      channels: 2,
      bits: 24,
      make: sox('-t', 'wav', '-e', 'floating-point', '-b', '64'),
    },
    { name: 'wav 5.1 extensible', rate: 48_000, channels: 6, bits: 16, make: sox('-t', 'wav') },
    { name: 'flac 16', rate: 44_100, channels: 2, bits: 16, make: flac('-8') },
    { name: 'flac 24 mono', rate: 192_000, channels: 1, bits: 24, make: flac('-5') },
    {
      name: 'flac 8 kHz, tiny blocks',
      rate: 8000,
      channels: 1,
      bits: 16,
      make: flac('-b', '16', '--lax'),
    },
    {
      name: 'flac large blocks',
      rate: 44_100,
      channels: 2,
      bits: 16,
      make: flac('-b', '65535', '--lax'),
    },
    { name: 'flac odd rate', rate: 12_347, channels: 2, bits: 16, make: flac('--lax') },
    { name: 'flac 5.1', rate: 48_000, channels: 6, bits: 24, make: extensibleFlac },
    { name: 'flac in ogg', rate: 44_100, channels: 2, bits: 16, make: flac('--ogg') },
  ];
  it.each(cases)('$name', async (kind) => {
    const { planes, path, frames } = await prepare(kind);
    const { planes: decoded, decoder } = await decodeAll(path);
    expect(decoder.errors).toBe(0);
    expect([decoder.rate, decoder.channels]).toEqual([kind.rate, kind.channels]);
    expect(decoder.frames).toBe(frames);
    for (let channel = 0; channel < kind.channels; channel++) {
      expect(
        Buffer.from(decoded[channel]!.buffer).equals(Buffer.from(planes[channel]!.buffer)),
      ).toBe(true);
    }
  });
});

describe('lossy formats are in place, whole and close', () => {
  const cases: (Case & { snrDb: number; format: string })[] = [
    {
      name: 'mp3',
      rate: 44_100,
      channels: 2,
      bits: 16,
      make: lame('-b', '256'),
      snrDb: 20,
      format: 'mp3',
    },
    {
      name: 'mp3 mono',
      rate: 44_100,
      channels: 1,
      bits: 16,
      make: lame('-b', '128'),
      snrDb: 20,
      format: 'mp3',
    },
    {
      name: 'mp3 vbr',
      rate: 48_000,
      channels: 2,
      bits: 16,
      make: lame('-V', '2'),
      snrDb: 20,
      format: 'mp3',
    },
    {
      name: 'mp3 mpeg 2',
      rate: 22_050,
      channels: 2,
      bits: 16,
      make: lame('-b', '128'),
      snrDb: 20,
      format: 'mp3',
    },
    {
      name: 'mp3 mpeg 2.5',
      rate: 8000,
      channels: 1,
      bits: 16,
      make: lame('-b', '64'),
      snrDb: 20,
      format: 'mp3',
    },
    {
      name: 'vorbis',
      rate: 44_100,
      channels: 2,
      bits: 16,
      make: vorbis('-q', '8'),
      snrDb: 20,
      format: 'vorbis',
    },
    {
      name: 'vorbis mono 8 kHz',
      rate: 8000,
      channels: 1,
      bits: 16,
      make: vorbis('-q', '8'),
      snrDb: 15,
      format: 'vorbis',
    },
    {
      name: 'vorbis 192 kHz',
      rate: 192_000,
      channels: 2,
      bits: 24,
      make: vorbis('-q', '8'),
      snrDb: 15,
      format: 'vorbis',
    },
    {
      name: 'vorbis 5.1',
      rate: 48_000,
      channels: 6,
      bits: 16,
      make: vorbis('-q', '8'),
      snrDb: 15,
      format: 'vorbis',
    },
    {
      name: 'opus',
      rate: 48_000,
      channels: 2,
      bits: 16,
      make: opus('--bitrate', '256'),
      snrDb: 15,
      format: 'opus',
    },
    {
      name: 'opus mono',
      rate: 48_000,
      channels: 1,
      bits: 16,
      make: opus('--bitrate', '128'),
      snrDb: 15,
      format: 'opus',
    },
    {
      name: 'opus 5.1',
      rate: 48_000,
      channels: 6,
      bits: 16,
      make: opus('--bitrate', '510'),
      snrDb: 12,
      format: 'opus',
    },
  ];
  it.each(cases)('$name', async (kind) => {
    const { planes, path, frames } = await prepare(kind);
    const { planes: decoded, decoder } = await decodeAll(path);
    expect(decoder.errors).toBe(0);
    expect(decoder.format).toBe(kind.format);
    expect([decoder.rate, decoder.channels]).toEqual([kind.rate, kind.channels]);
    expect(decoded[0]!.length).toBe(frames);
    expect(decoder.frames).toBe(frames);
    const lfe = kind.channels === 6 ? 3 : -1;
    for (let channel = 0; channel < kind.channels; channel++) {
      expect(bestShift(planes[channel]!, decoded[channel]!, 32), `channel ${channel}`).toBe(0);
      // Encoders cut the low frequency channel off at 120 Hz.
      if (channel === lfe) continue;
      const snr = signalToNoiseDb(planes[channel]!, decoded[channel]!);
      expect(snr, `channel ${channel}`).toBeGreaterThan(kind.snrDb);
    }
  });
});
