import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audioFolder, encode, testSignal, writePlainWav } from '../../test/kit/audio-files.js';
import { type Decoder, openDecoder } from './decoder.js';

let folder: Awaited<ReturnType<typeof audioFolder>>;
const files: Record<string, string> = {};
const frames = 3 * 44_100;

beforeAll(async () => {
  folder = await audioFolder();
  const at = (name: string) => join(folder.path, name);
  const planes = testSignal({ frames, channels: 2, rate: 44_100 });
  await writePlainWav(at('a.wav'), planes, { rate: 44_100, bits: 16 });
  const wav = at('a.wav');
  await encode('flac', [
    '-s',
    '-T',
    'TITLE=Ünïcode',
    '-T',
    'artist=Someone',
    '-o',
    at('a.flac'),
    wav,
  ]);
  await encode('flac', ['-s', '--ogg', '-T', 'TITLE=Ünïcode', '-o', at('a.oga'), wav]);
  await encode('lame', [
    '--quiet',
    '--tt',
    'Ünïcode',
    '--ta',
    'Someone',
    '--add-id3v2',
    wav,
    at('a.mp3'),
  ]);
  await encode('oggenc', ['-Q', '-t', 'Ünïcode', '-a', 'Someone', '-o', at('a.ogg'), wav]);
  await encode('opusenc', [
    '--quiet',
    '--title',
    'Ünïcode',
    '--artist',
    'Someone',
    wav,
    at('a.opus'),
  ]);
  for (const name of ['wav', 'flac', 'oga', 'mp3', 'ogg', 'opus']) files[name] = at(`a.${name}`);
});
afterAll(() => folder.remove());

let made = 0;
async function put(content: Uint8Array | string): Promise<string> {
  const path = join(folder.path, `${++made}.wav`);
  await writeFile(path, content);
  return path;
}

async function drain(decoder: Decoder): Promise<number> {
  let count = 0;
  for (let block = await decoder.read(); block; block = await decoder.read())
    count += block[0]!.length;
  await decoder.close();
  return count;
}

const compressed = ['flac', 'oga', 'mp3', 'ogg', 'opus'];

describe('openDecoder', () => {
  it.each(['flac', 'oga', 'mp3', 'ogg', 'opus'])(
    'tells what a %s file says of itself',
    async (name) => {
      const decoder = await openDecoder(files[name]!);
      expect(decoder.tags.title).toBe('Ünïcode');
      if (name !== 'oga') expect(decoder.tags.artist).toBe('Someone');
      await decoder.close();
    },
  );

  it('says what was given when it is no sound file', async () => {
    const cases: [Uint8Array | string, RegExp][] = [
      ['', /is empty/],
      ['just some words\n', /a text file/],
      ['x', /a text file/],
      [Buffer.from('\x89PNG\r\n\x1a\n'), /begins with c2|PNG/],
      [Buffer.from('89504e470d0a1a0a', 'hex'), /a PNG picture/],
      ['\0\0\0\x20ftypM4A ', /MP4/],
      ['RIFF\0\0\0\0AVI LIST', /no WAVE/],
      [Buffer.alloc(100_000), /begins with 00000000/],
      [Buffer.from('ID3\x04\0\0\0\0\0\x05hello and no frames'), /no frames follow/],
    ];
    for (const [content, message] of cases) {
      const path = await put(content);
      const error = await openDecoder(path).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'TENUTO_MEDIA_UNKNOWN' });
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message).toContain(path);
    }
  });

  it('refuses what is no file, and does not wait for it', async () => {
    const pipe = join(folder.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const code = 'TENUTO_FILE_UNREADABLE';
    await mkdir(join(folder.path, 'folder'));
    for (const path of [pipe, join(folder.path, 'folder'), '/dev/zero', '/nowhere', '']) {
      await expect(openDecoder(path)).rejects.toMatchObject({ code });
    }
  });

  it.each(compressed)('refuses the head of a %s file that holds no sound', async (name) => {
    const content = await readFile(files[name]!);
    const path = await put(content.subarray(0, 60));
    await expect(openDecoder(path)).rejects.toMatchObject({
      code: expect.stringMatching(/^TENUTO_MEDIA_(DAMAGED|UNKNOWN)$/),
    });
  });

  it.each(compressed)('plays a %s file that ends early as far as it goes', async (name) => {
    const content = await readFile(files[name]!);
    const decoder = await openDecoder(await put(content.subarray(0, content.length >> 1)));
    const count = await drain(decoder);
    expect(count).toBeGreaterThan(frames * 0.3);
    expect(count).toBeLessThan(frames * 0.7);
  });

  it.each(compressed)('leaves a damaged place in a %s file out and counts it', async (name) => {
    const content = await readFile(files[name]!);
    content.fill(0x55, content.length >> 1, (content.length >> 1) + 3000);
    const decoder = await openDecoder(await put(content));
    const count = await drain(decoder);
    expect(decoder.errors).toBeGreaterThan(0);
    expect(count).toBeGreaterThan(frames * 0.5);
    expect(count).toBeLessThanOrEqual(frames * 1.1);
  });

  it('notices that a file was cut while it was read', async () => {
    const path = await put(await readFile(files.wav!));
    const decoder = await openDecoder(path);
    await decoder.read();
    await truncate(path, 200_000);
    expect(await drain(decoder)).toBeLessThan(frames / 2);
    expect(decoder.errors).toBe(1);
  });

  it('finds MPEG frames behind a cut one, and passes the tags around them', async () => {
    const mp3 = await readFile(files.mp3!);
    const frame = mp3.indexOf(Buffer.from([0xff, 0xfb]));
    const cut = mp3.subarray(frame + 500);
    const tag = Buffer.alloc(128);
    tag.write('TAG');
    const decoder = await openDecoder(await put(Buffer.concat([cut, tag])));
    expect(decoder.format).toBe('mp3');
    expect(await drain(decoder)).toBeGreaterThan(frames * 0.9);
    expect(decoder.errors).toBe(0);
  });

  it('plays one Ogg stream after the other', async () => {
    for (const name of ['ogg', 'opus']) {
      const one = await readFile(files[name]!);
      const alone = await drain(await openDecoder(files[name]!));
      // Another serial number would be usual, but joined copies of one file exist, too.
      const decoder = await openDecoder(await put(Buffer.concat([one, one])));
      expect(await drain(decoder)).toBe(2 * alone);
      expect(decoder.errors).toBe(0);
    }
  });

  it('accepts FLAC behind an ID3 tag', async () => {
    const tag = Buffer.from('ID3\x04\0\0\0\0\0\x05hello');
    const decoder = await openDecoder(await put(Buffer.concat([tag, await readFile(files.flac!)])));
    expect(decoder.format).toBe('flac');
    expect(await drain(decoder)).toBe(frames);
  });
});

describe('Decoder', () => {
  it.each(['wav', ...compressed])(
    'of %s closes in mid-file, twice, and during a read',
    async (name) => {
      const decoder = await openDecoder(files[name]!);
      await decoder.read();
      const reading = decoder.read();
      const closing = decoder.close();
      await expect(reading).resolves.not.toBeNull();
      await closing;
      await decoder.close();
      await expect(decoder.read()).rejects.toThrow('the decoder is open');
    },
  );

  it('refuses two reads at a time', async () => {
    await using decoder = await openDecoder(files.wav!);
    await decoder.read();
    const first = decoder.read();
    await expect(decoder.read()).rejects.toThrow('one read');
    expect(await first).not.toBeNull();
  });

  it('leaves no descriptor behind, whether it opened or not', async () => {
    const broken = await put('no sound');
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    for (let i = 0; i < 20; i++) {
      await drain(await openDecoder(files.ogg!));
      await openDecoder(broken).catch(() => undefined);
    }
    expect(open()).toBe(before);
  });

  it('gives its memory back', async () => {
    const mappedKb = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
    const round = async () => {
      for (let i = 0; i < 10; i++)
        for (const name of compressed) await (await openDecoder(files[name]!)).close();
    };
    await round();
    const before = mappedKb();
    for (let i = 0; i < 4; i++) await round();
    // 200 decoders of 16 MB each, of which the collector may keep some for a while.
    expect(mappedKb() - before).toBeLessThan(400_000);
  });
});
