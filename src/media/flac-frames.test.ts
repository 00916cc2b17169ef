import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { audioFolder } from '../../test/kit/audio-files.js';
import { ByteSource } from './byte-source.js';
import { FlacFrames, headerLength, parseStreamInfo } from './flac-frames.js';

let folder: Awaited<ReturnType<typeof audioFolder>>;
beforeAll(async () => {
  folder = await audioFolder();
});
afterAll(() => folder.remove());

/** STREAMINFO for blocks of 65,535 frames of 8 channels with 32 bits: the longest frames. */
function widestInfo(): Uint8Array {
  const info = new Uint8Array(34);
  const view = new DataView(info.buffer);
  view.setUint16(0, 65_535);
  view.setUint16(2, 65_535);
  view.setBigUint64(10, (48_000n << 44n) | (7n << 41n) | (31n << 36n));
  return info;
}

function withCrc8(header: number[]): Uint8Array {
  for (let crc = 0; crc < 256; crc++) {
    const bytes = Uint8Array.from([...header, crc, ...new Array(16).fill(0)]);
    if (headerLength(bytes, 0, 8) > 0) return bytes.subarray(0, header.length + 1);
  }
  throw new Error('one of 256 checksums is right');
}

it('a frame header is valid with its own checksum and the stream’s channels only', () => {
  const header = withCrc8([0xff, 0xf8, 0xc9, 0x7e, 0x00]);
  const bytes = Uint8Array.from([...header, 0, 0, 0]);
  expect(headerLength(bytes, 0, 8)).toBe(6);
  expect(headerLength(bytes, 0, 2)).toBe(0);
  for (let i = 0; i < 6; i++) {
    for (let bit = 0; bit < 8; bit++) {
      const wrong = bytes.slice();
      wrong[i]! ^= 1 << bit;
      expect(headerLength(wrong, 0, 8), `bit ${bit} of byte ${i}`).toBe(0);
    }
  }
});

it('a file of nothing but headers is searched in time that grows with its length only', async () => {
  const header = withCrc8([0xff, 0xf8, 0xc9, 0x7e, 0x00]);
  const content = new Uint8Array(24 << 20);
  for (let at = 0; at + header.length <= content.length; at += header.length)
    content.set(header, at);
  const path = join(folder.path, 'headers');
  await writeFile(path, content);
  const source = await ByteSource.open(path);
  const frames = new FlacFrames(source, parseStreamInfo(widestInfo()));
  let found = 0;
  while (await frames.next()) found++;
  await source.close();
  expect(found).toBeLessThan(content.length / header.length);
  expect(frames.errors).toBeGreaterThan(0);
});
