import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  audioFolder,
  encode,
  signalToNoiseDb,
  testSignal,
  writePlainWav,
} from '../../test/kit/audio-files.js';
import { openDecoder } from './decoder.js';

let folder: Awaited<ReturnType<typeof audioFolder>>;
beforeAll(async () => {
  folder = await audioFolder();
});
afterAll(() => folder.remove());

let made = 0;
async function put(...parts: Uint8Array[]): Promise<string> {
  const path = join(folder.path, `${++made}`);
  await writeFile(path, Buffer.concat(parts));
  return path;
}

function chunk(id: string, body: Uint8Array, size = body.length): Buffer {
  const head = Buffer.alloc(8);
  head.write(id, 0, 'latin1');
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length & 1)]);
}

function riff(id = 'RIFF', size = 1000): Buffer {
  return Buffer.concat([chunk(id, Buffer.alloc(0), size), Buffer.from('WAVE')]);
}

interface Fmt {
  tag?: number;
  channels?: number;
  rate?: number;
  frameBytes?: number;
  bits?: number;
}

function fmt({ tag = 1, channels = 1, rate = 8000, frameBytes = 2, bits = 16 }: Fmt = {}): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt16LE(tag, 0);
  body.writeUInt16LE(channels, 2);
  body.writeUInt32LE(rate, 4);
  body.writeUInt32LE((rate * frameBytes) >>> 0, 8);
  body.writeUInt16LE(frameBytes, 12);
  body.writeUInt16LE(bits, 14);
  return chunk('fmt ', body);
}

async function samplesOf(path: string): Promise<{ samples: number[]; errors: number }> {
  const decoder = await openDecoder(path);
  const samples: number[] = [];
  for (let block = await decoder.read(); block; block = await decoder.read()) {
    samples.push(...block[0]!);
  }
  await decoder.close();
  return { samples, errors: decoder.errors };
}

const int16 = (...values: number[]) => Buffer.from(Int16Array.from(values).buffer);

describe('WAV samples', () => {
  it('have the scale that their format says', async () => {
    const cases: [Fmt, Uint8Array, number[]][] = [
      [{ bits: 8, frameBytes: 1 }, Uint8Array.of(0, 128, 255), [-1, 0, 127 / 128]],
      [{}, int16(-32_768, 0, 32_767), [-1, 0, 32_767 / 32_768]],
      [{ bits: 12 }, int16(-32_768, 0x7ff0), [-1, 0x7ff0 / 32_768]],
      [
        { bits: 24, frameBytes: 3 },
        Uint8Array.of(0, 0, 0x80, 0xff, 0xff, 0x7f),
        [-1, 1 - 2 ** -23],
      ],
      [{ bits: 24, frameBytes: 4 }, Uint8Array.of(0, 0, 0, 0xc0), [-0.5]],
      [
        { bits: 32, frameBytes: 4 },
        Buffer.from(Int32Array.of(-(2 ** 31), 2 ** 30).buffer),
        [-1, 0.5],
      ],
      [
        { tag: 3, bits: 32, frameBytes: 4 },
        Buffer.from(Float32Array.of(1.5, -0.1).buffer),
        [1.5, Math.fround(-0.1)],
      ],
      [{ tag: 3, bits: 64, frameBytes: 8 }, Buffer.from(Float64Array.of(0.25).buffer), [0.25]],
    ];
    for (const [format, data, expected] of cases) {
      const { samples, errors } = await samplesOf(
        await put(riff(), fmt(format), chunk('data', data)),
      );
      expect(samples).toEqual(expected);
      expect(errors).toBe(0);
    }
  });

  it.each(['a-law', 'mu-law'])('of %s come back as another program decodes them', async (law) => {
    const signal = testSignal({ frames: 8000, channels: 1, rate: 8000 });
    const plain = join(folder.path, `${++made}.wav`);
    await writePlainWav(plain, signal, { rate: 8000, bits: 16 });
    const coded = join(folder.path, `${++made}.wav`);
    await encode('sox', ['-D', plain, '-e', law, coded]);
    const back = join(folder.path, `${++made}.wav`);
    await encode('sox', ['-D', coded, '-e', 'signed', '-b', '16', back]);
    const { samples } = await samplesOf(coded);
    expect(samples).toEqual((await samplesOf(back)).samples);
    expect(signalToNoiseDb(signal[0]!, Float32Array.from(samples))).toBeGreaterThan(30);
  });

  it('that are no numbers, or no sound, become silence', async () => {
    const wild = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, -1e30, 0.5);
    const format = fmt({ tag: 3, bits: 32, frameBytes: 4 });
    const path = await put(riff(), format, chunk('data', Buffer.from(wild.buffer)));
    expect((await samplesOf(path)).samples).toEqual([0, 0, 0, 0.5]);
  });
});

describe('WAV files', () => {
  const data = chunk('data', int16(1, 2, 3));
  const played = [1, 2, 3].map((value) => value / 32_768);

  it('may hold other chunks, odd ones too, before and behind the samples', async () => {
    const odd = chunk('odd ', Buffer.from('abc'));
    const path = await put(riff(), odd, fmt(), odd, odd, data, odd);
    expect(await samplesOf(path)).toEqual({ samples: played, errors: 0 });
  });

  it('say who made them', async () => {
    const info = Buffer.concat([
      Buffer.from('INFO'),
      chunk('INAM', Buffer.from('Name\u0007 of it\0')),
      chunk('IART', Buffer.from('Who\0')),
    ]);
    const decoder = await openDecoder(await put(riff(), fmt(), chunk('LIST', info), data));
    expect(decoder.tags).toEqual({ title: 'Name of it', artist: 'Who' });
    await decoder.close();
  });

  it('may be RF64 or BW64, with sizes in ds64', async () => {
    const ds64 = Buffer.alloc(28);
    ds64.writeBigUInt64LE(6n, 8);
    const large = chunk('data', int16(1, 2, 3, 4), 0xffff_ffff);
    for (const id of ['RF64', 'BW64']) {
      const path = await put(riff(id, 0xffff_ffff), chunk('ds64', ds64), fmt(), large);
      expect(await samplesOf(path)).toEqual({ samples: played, errors: 0 });
    }
  });

  it('that were cut play as far as they go', async () => {
    const cut = chunk('data', int16(1, 2, 3), 1_000_000).subarray(0, -1);
    expect(await samplesOf(await put(riff(), fmt(), cut))).toEqual({
      samples: played.slice(0, 2),
      errors: 1,
    });
  });

  it('from a pipe, which could not know their size, play to the end', async () => {
    const open = chunk('data', int16(1, 2, 3), 0xffff_ffff);
    expect(await samplesOf(await put(riff('RIFF', 0xffff_ffff), fmt(), open))).toEqual({
      samples: played,
      errors: 0,
    });
  });

  const extensible = (tail: number) => {
    const body = Buffer.alloc(40);
    fmt({ tag: 0xfffe }).copy(body, 0, 8, 24);
    body.writeUInt16LE(1, 24);
    body[39] = tail;
    return chunk('fmt ', body);
  };

  it.each<[string, string, Buffer[]]>([
    ['no format', 'TENUTO_MEDIA_DAMAGED', [riff(), data]],
    ['no samples', 'TENUTO_MEDIA_DAMAGED', [riff(), fmt()]],
    [
      'an empty data chunk',
      'TENUTO_MEDIA_DAMAGED',
      [riff(), fmt(), chunk('data', Buffer.alloc(0))],
    ],
    ['no whole frame', 'TENUTO_MEDIA_DAMAGED', [riff(), fmt(), chunk('data', Buffer.alloc(1))]],
    ['nothing but a name', 'TENUTO_MEDIA_DAMAGED', [riff()]],
    ['half a format', 'TENUTO_MEDIA_DAMAGED', [riff(), chunk('fmt ', Buffer.alloc(9)), data]],
    ['a format beyond its end', 'TENUTO_MEDIA_DAMAGED', [riff(), fmt().subarray(0, 20)]],
    ['no channels', 'TENUTO_MEDIA_DAMAGED', [riff(), fmt({ channels: 0 }), data]],
    ['9 channels', 'TENUTO_MEDIA_LIMIT', [riff(), fmt({ channels: 9, frameBytes: 18 }), data]],
    ['65535 channels', 'TENUTO_MEDIA_LIMIT', [riff(), fmt({ channels: 65_535 }), data]],
    ['a rate of 0', 'TENUTO_MEDIA_DAMAGED', [riff(), fmt({ rate: 0 }), data]],
    ['a rate of 4 GHz', 'TENUTO_MEDIA_DAMAGED', [riff(), fmt({ rate: 0xffff_ffff }), data]],
    ['frames of no bytes', 'TENUTO_MEDIA_DAMAGED', [riff(), fmt({ frameBytes: 0 }), data]],
    [
      'frames too small for their samples',
      'TENUTO_MEDIA_DAMAGED',
      [riff(), fmt({ bits: 32 }), data],
    ],
    [
      'frames that do not divide',
      'TENUTO_MEDIA_DAMAGED',
      [riff(), fmt({ channels: 2, frameBytes: 5 }), data],
    ],
    ['samples of 65535 bytes', 'TENUTO_MEDIA_UNKNOWN', [riff(), fmt({ frameBytes: 65_535 }), data]],
    ['a compressed format', 'TENUTO_MEDIA_UNKNOWN', [riff(), fmt({ tag: 0x55 }), data]],
    ['a format of its own', 'TENUTO_MEDIA_UNKNOWN', [riff(), extensible(0), data]],
    [
      'a chunk that is larger than the file',
      'TENUTO_MEDIA_DAMAGED',
      [riff(), chunk('LIST', Buffer.from('INFO'), 0xffff_fff0), fmt(), data],
    ],
  ])('with %s are refused', async (_, code, parts) => {
    await expect(openDecoder(await put(...parts))).rejects.toMatchObject({ code });
  });
});
