import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { audioFolder, encode, testSignal, writePlainWav } from '../../test/kit/audio-files.js';
import { TenutoError } from '../errors.js';
import { openDecoder } from './decoder.js';
import { oggChecksum } from './ogg-demuxer.js';

let folder: Awaited<ReturnType<typeof audioFolder>>;
const files: Record<string, Buffer> = {};

beforeAll(async () => {
  folder = await audioFolder();
  const at = (name: string) => join(folder.path, name);
  const planes = testSignal({ frames: 20_000, channels: 2, rate: 44_100 });
  const wav = at('a.wav');
  await writePlainWav(wav, planes, { rate: 44_100, bits: 16 });
  await encode('flac', ['-s', '-o', at('a.flac'), wav]);
  await encode('flac', ['-s', '--ogg', '-o', at('a.oga'), wav]);
  await encode('lame', ['--quiet', '--tt', 'Title', '--add-id3v2', wav, at('a.mp3')]);
  await encode('oggenc', ['-Q', '-o', at('a.ogg'), wav]);
  await encode('opusenc', ['--quiet', wav, at('a.opus')]);
  for (const name of ['wav', 'flac', 'oga', 'mp3', 'ogg', 'opus']) {
    files[name] = await readFile(at(`a.${name}`));
  }
});
afterAll(() => folder.remove());

/** One damage: bytes overwritten, taken out, doubled, or all behind a place cut off. */
const damage = fc.record({
  kind: fc.constantFrom('set', 'flip', 'remove', 'double', 'cut', 'ones', 'zeros'),
  // Half of them where the headers are.
  place: fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 0.02, noNaN: true }),
  ),
  length: fc.oneof(fc.constant(1), fc.nat(8), fc.nat(3000)),
  value: fc.nat(255),
});

function apply(
  content: Buffer,
  { kind, place, length, value }: typeof damage extends fc.Arbitrary<infer T> ? T : never,
): Buffer {
  if (content.length === 0) return content;
  const from = Math.min(content.length - 1, Math.floor(place * content.length));
  const to = Math.min(content.length, from + length + 1);
  const copy = Buffer.from(content);
  if (kind === 'set') copy.fill(value, from, to);
  else if (kind === 'ones') copy.fill(0xff, from, to);
  else if (kind === 'zeros') copy.fill(0, from, to);
  else if (kind === 'flip') copy[from]! ^= 1 << (value & 7);
  else if (kind === 'cut') return copy.subarray(0, from + 1);
  else if (kind === 'remove') return Buffer.concat([copy.subarray(0, from), copy.subarray(to)]);
  else return Buffer.concat([copy.subarray(0, to), copy.subarray(from)]);
  return copy;
}

/** Makes the checksums of Ogg pages right again, so that the damage reaches the codec. */
function mend(content: Buffer): Buffer {
  for (let at = content.indexOf('OggS'); at >= 0; at = content.indexOf('OggS', at + 4)) {
    const segments = content[at + 26];
    if (segments === undefined) break;
    const table = content.subarray(at + 27, at + 27 + segments);
    const end = at + 27 + segments + table.reduce((sum, lacing) => sum + lacing, 0);
    if (end <= content.length)
      content.writeUInt32LE(oggChecksum(content.subarray(at, end)), at + 22);
  }
  return content;
}

it.each(['wav', 'flac', 'oga', 'mp3', 'ogg', 'opus'])(
  'a damaged %s file is played in part or refused, and never more',
  async (name) => {
    const original = files[name]!;
    const path = join(folder.path, `damaged-${name}`);
    const property = fc.asyncProperty(
      fc.array(damage, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (damages, mended) => {
        const content = damages.reduce<Buffer>((bytes, one) => apply(bytes, one), original);
        await writeFile(path, mended ? mend(content) : content);
        let decoder: Awaited<ReturnType<typeof openDecoder>>;
        try {
          decoder = await openDecoder(path);
        } catch (error) {
          expect(error).toBeInstanceOf(TenutoError);
          expect((error as TenutoError).code).toMatch(/^TENUTO_MEDIA_/);
          return;
        }
        let frames = 0;
        for (let block = await decoder.read(); block; block = await decoder.read()) {
          expect(block.length).toBe(decoder.channels);
          for (const plane of block) {
            expect(plane.length).toBe(block[0]!.length);
            expect(plane.every(Number.isFinite)).toBe(true);
          }
          frames += block[0]!.length;
        }
        await decoder.close();
        // Headers may claim other block sizes and rates, but bytes do not turn into hours.
        expect(frames).toBeLessThan(60_000_000);
      },
    );
    await fc.assert(property, {
      numRuns: 100_000,
      interruptAfterTimeLimit: 4000,
      markInterruptAsFailure: false,
    });
  },
);
