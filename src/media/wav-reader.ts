import { limits } from '../limits.js';
import type { ByteSource } from './byte-source.js';
import { type Codec, checkStated, damaged, type Tags, tagText, unknown } from './codec.js';
import { formatTags, sizeInDs64, subFormatTail } from './wav-format.js';
import { type SampleConverter, sampleConverter } from './wav-samples.js';

/** Bytes of samples converted at a time. */
const blockBytes = 64 << 10;

/** Chunks before the samples; more than any real file has, few enough to be gone at once. */
const chunksMax = 4096;

interface Layout {
  rate: number;
  channels: number;
  frameBytes: number;
  tag: number;
}

/**
 * WAV, RF64 and BW64 with integer PCM of 8 to 32 bits, float of 32 and 64, A-law and mu-law.
 * A data chunk that ends early plays as far as it goes and counts as one error.
 */
export async function openWav(source: ByteSource): Promise<Codec> {
  const head = await source.take(12);
  if (!head) throw damaged(source, 'a WAV file that ends in its header');
  const large = text(head, 0) !== 'RIFF';
  let layout: Layout | undefined;
  let largeBytes: number | undefined;
  const tags: Tags = {};

  for (let i = 0; i < chunksMax; i++) {
    const chunk = await source.take(8);
    if (!chunk) break;
    const size = view(chunk).getUint32(4, true);
    const id = text(chunk, 0);
    if (id === 'data') {
      if (!layout) throw damaged(source, 'its samples come before their format');
      return new WavCodec(source, layout, dataBytes(source, size, large, largeBytes), tags);
    }
    // The padding byte belongs to no chunk.
    const next = source.position + size + (size & 1);
    if (id === 'fmt ' || id === 'ds64' || id === 'LIST') {
      const known = Math.min(size, id === 'LIST' ? limits.mediaTagBytesMax : 64);
      const bytes = (await source.peek(known)).subarray(0, known);
      if (id === 'fmt ') layout = parseFormat(source, bytes);
      else if (id === 'LIST') parseInfo(bytes, tags);
      else if (bytes.length >= 16) largeBytes = Number(view(bytes).getBigUint64(8, true));
    }
    source.seek(next);
  }
  throw damaged(source, layout ? 'a WAV file without samples' : 'a WAV file without a format');
}

class WavCodec implements Codec {
  readonly format = 'wav';
  readonly rate: number;
  readonly channels: number;
  readonly frames: number;
  readonly tags: Tags;
  errors: number;
  readonly #source: ByteSource;
  readonly #frameBytes: number;
  readonly #convert: SampleConverter;
  #left: number;

  constructor(
    source: ByteSource,
    layout: Layout,
    data: { bytes: number; cut: boolean },
    tags: Tags,
  ) {
    this.rate = layout.rate;
    this.channels = layout.channels;
    this.frames = Math.floor(data.bytes / layout.frameBytes);
    this.tags = tags;
    this.errors = data.cut ? 1 : 0;
    this.#source = source;
    this.#frameBytes = layout.frameBytes;
    const convert = sampleConverter(layout.tag, layout.frameBytes / layout.channels);
    if (!convert) {
      const bits = (layout.frameBytes / layout.channels) * 8;
      throw unknown(source, `WAV with format tag 0x${layout.tag.toString(16)} of ${bits} bits`);
    }
    this.#convert = convert;
    this.#left = this.frames;
  }

  async decode(): Promise<Float32Array[] | null> {
    const wanted = Math.min(this.#left, Math.max(1, Math.floor(blockBytes / this.#frameBytes)));
    if (wanted === 0) return null;
    const bytes = await this.#source.peek(wanted * this.#frameBytes);
    const frames = Math.min(wanted, Math.floor(bytes.length / this.#frameBytes));
    if (frames < wanted) {
      // The file was cut while it was read.
      this.errors++;
      this.#left = 0;
    } else this.#left -= frames;
    const planes = Array.from({ length: this.channels }, () => new Float32Array(frames));
    this.#convert(bytes, frames, planes);
    this.#source.skip(frames * this.#frameBytes);
    return planes;
  }

  free(): void {}
}

/** How many bytes of samples there are, whatever is stated. */
function dataBytes(
  source: ByteSource,
  stated: number,
  large: boolean,
  largeBytes: number | undefined,
): { bytes: number; cut: boolean } {
  const there = source.remaining;
  const size = large && stated === sizeInDs64 && largeBytes !== undefined ? largeBytes : stated;
  // A writer to a pipe cannot know the size and says the largest that it can.
  if (size === sizeInDs64) return { bytes: there, cut: false };
  return { bytes: Math.min(size, there), cut: size > there };
}

function parseFormat(source: ByteSource, body: Uint8Array): Layout {
  if (body.length < 16) throw damaged(source, 'a WAV file with a format cut short');
  const fields = view(body);
  let tag = fields.getUint16(0, true);
  const channels = fields.getUint16(2, true);
  const rate = fields.getUint32(4, true);
  const frameBytes = fields.getUint16(12, true);
  const bits = fields.getUint16(14, true);
  checkStated(source, rate, channels);
  if (tag === formatTags.extensible) {
    if (body.length < 40) throw damaged(source, 'a WAV file with a format cut short');
    const tail = body.subarray(26, 40);
    if (!subFormatTail.every((byte, i) => byte === tail[i])) {
      throw unknown(source, 'WAV with samples of a format of its own');
    }
    tag = fields.getUint16(24, true);
  }
  if (frameBytes === 0 || frameBytes % channels !== 0 || bits > (frameBytes / channels) * 8) {
    const says = `${channels} channels of ${bits} bits in ${frameBytes} bytes`;
    throw damaged(source, `its header contradicts itself (${says})`);
  }
  return { rate, channels, frameBytes, tag };
}

/** The INFO list: chunks of text, each with its size (Multimedia Programming Interface, 1991). */
function parseInfo(list: Uint8Array, tags: Tags): void {
  if (text(list, 0) !== 'INFO') return;
  const names: Record<string, keyof Tags> = { INAM: 'title', IART: 'artist', IPRD: 'album' };
  let at = 4;
  while (at + 8 <= list.length) {
    const size = view(list).getUint32(at + 4, true);
    const name = names[text(list, at)];
    if (name) tags[name] = tagText(list.subarray(at + 8, at + 8 + size), 'utf-8');
    at += 8 + size + (size & 1);
  }
}

function text(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
