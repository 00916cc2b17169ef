import { limits } from '../limits.js';
import type { ByteSource } from './byte-source.js';
import { type Tags, tagText } from './codec.js';

/** Tags that may stand one behind the other before the sound. */
const tagsMax = 8;

const names: Record<string, keyof Tags> = {
  TIT2: 'title',
  TPE1: 'artist',
  TALB: 'album',
  TT2: 'title',
  TP1: 'artist',
  TAL: 'album',
};

/** Passes the ID3v2 tags at the position, and gives what they say (id3.org, "ID3 tag version 2"). */
export async function skipId3(source: ByteSource): Promise<Tags> {
  const tags: Tags = {};
  for (let i = 0; i < tagsMax; i++) {
    const head = (await source.peek(10)).slice(0, 10);
    if (head.length < 10 || Buffer.from(head.subarray(0, 3)).toString('latin1') !== 'ID3') break;
    const size = syncSafe(head, 6) + ((head[5]! & 0x10) !== 0 ? 10 : 0);
    const next = source.position + 10 + size;
    source.skip(10);
    const known = Math.min(size, limits.mediaTagBytesMax);
    parseFrames((await source.peek(known)).subarray(0, known), head[3]!, tags);
    source.seek(next);
  }
  return tags;
}

function parseFrames(bytes: Uint8Array, version: number, tags: Tags): void {
  const nameBytes = version === 2 ? 3 : 4;
  const headBytes = version === 2 ? 6 : 10;
  let at = 0;
  while (at + headBytes <= bytes.length && bytes[at] !== 0) {
    const name = Buffer.from(bytes.subarray(at, at + nameBytes)).toString('latin1');
    const size = frameSize(bytes, at + nameBytes, version);
    const body = bytes.subarray(at + headBytes, at + headBytes + size);
    const tag = names[name];
    if (tag && body.length > 1) tags[tag] ??= text(body);
    at += headBytes + size;
  }
}

function frameSize(bytes: Uint8Array, at: number, version: number): number {
  if (version === 2) return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
  if (version >= 4) return syncSafe(bytes, at);
  return new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0);
}

function text(body: Uint8Array): string {
  const encoding = body[0]!;
  if (encoding === 0) return tagText(body.subarray(1), 'latin1');
  if (encoding === 1) return tagText(body.subarray(1), 'utf-16');
  return tagText(body.subarray(1), 'utf-8');
}

/** Four bytes of seven bits each, so that no tag looks like a frame of sound. */
function syncSafe(bytes: Uint8Array, at: number): number {
  const [a, b, c, d] = bytes.subarray(at, at + 4);
  return ((a! & 0x7f) << 21) | ((b! & 0x7f) << 14) | ((c! & 0x7f) << 7) | (d! & 0x7f);
}
