import { type Tags, tagText } from './codec.js';

/** Comments looked at; the first are the ones that matter. */
const commentsMax = 200;

/** The comment block of Vorbis, Opus and FLAC: length-prefixed `NAME=text` in UTF-8. */
export function parseVorbisComments(bytes: Uint8Array): Tags {
  const tags: Tags = {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const length = () => (at + 4 <= bytes.length ? view.getUint32(at, true) : bytes.length);
  at += 4 + length();
  const count = Math.min(length(), commentsMax);
  at += 4;
  for (let i = 0; i < count && at < bytes.length; i++) {
    const size = length();
    const comment = tagText(bytes.subarray(at + 4, at + 4 + size), 'utf-8');
    at += 4 + size;
    const equals = comment.indexOf('=');
    const name = comment.slice(0, equals).toLowerCase();
    const text = comment.slice(equals + 1);
    if (name === 'title' || name === 'artist' || name === 'album') tags[name] ??= text;
  }
  return tags;
}

/** Which plane of Vorbis order stands at each place of WAVE order, by channel count (RFC 7845, 5.1.1.2). */
const fromVorbis: readonly (readonly number[])[] = [
  [],
  [0],
  [0, 1],
  [0, 2, 1],
  [0, 1, 2, 3],
  [0, 2, 1, 3, 4],
  [0, 2, 1, 5, 3, 4],
  [0, 2, 1, 6, 5, 3, 4],
  [0, 2, 1, 7, 5, 6, 3, 4],
];

/** Puts planes in Vorbis order (left, centre, right, ...) into WAVE order (left, right, centre, ...). */
export function inWaveOrder(planes: Float32Array[]): Float32Array[] {
  return planes.length < 3 ? planes : fromVorbis[planes.length]!.map((from) => planes[from]!);
}
