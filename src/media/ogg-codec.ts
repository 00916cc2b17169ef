import type { ByteSource } from './byte-source.js';
import { type Codec, type MediaFormat, type Tags, unknown } from './codec.js';
import { beginOggFlac } from './flac-decoder.js';
import { lastGranule, OggDemuxer, type OggPage } from './ogg-demuxer.js';
import type { BeginOggStream, OggStream } from './ogg-stream.js';
import { beginOpus } from './opus-decoder.js';
import { beginVorbis } from './vorbis-decoder.js';

const codecs: readonly BeginOggStream[] = [beginOpus, beginVorbis, beginOggFlac];

/** Streams looked at before the file is said to hold none of ours. */
const streamsMax = 64;

/** Ogg with Opus, Vorbis or FLAC, also several one after the other; other streams are passed by. */
export async function openOgg(source: ByteSource): Promise<Codec> {
  const demuxer = new OggDemuxer(source);
  for (let i = 0; i < streamsMax; i++) {
    const page = await demuxer.next();
    if (!page) break;
    const stream = begin(source, page);
    if (!stream) continue;
    demuxer.follow(page.serial);
    const last = await lastGranule(source, page.serial);
    return new OggCodec(source, demuxer, stream, last);
  }
  throw unknown(source, 'an Ogg file without Opus, Vorbis or FLAC');
}

function begin(source: ByteSource, page: OggPage): OggStream | undefined {
  const packet = page.packets[0];
  if (!page.first || !packet) return undefined;
  for (const codec of codecs) {
    const stream = codec(source, packet);
    if (stream) return stream;
  }
  return undefined;
}

class OggCodec implements Codec {
  readonly #source: ByteSource;
  readonly #demuxer: OggDemuxer;
  readonly #lastGranule: number | undefined;
  #stream: OggStream;
  #links = 1;
  #lost = 0;
  #earlierErrors = 0;
  #inHeaders = true;
  /** Position of the first decoded frame, from the first page that states one. */
  #base: number | undefined;
  /** Frames decoded of this stream. */
  #decoded = 0;
  /** Frames still to be left out at the beginning. */
  #drop = 0;

  constructor(
    source: ByteSource,
    demuxer: OggDemuxer,
    stream: OggStream,
    last: number | undefined,
  ) {
    this.#source = source;
    this.#demuxer = demuxer;
    this.#stream = stream;
    this.#lastGranule = last;
    this.#drop = stream.preSkip;
  }

  get format(): MediaFormat {
    return this.#stream.format;
  }

  get rate(): number {
    return this.#stream.rate;
  }

  get channels(): number {
    return this.#stream.channels;
  }

  get tags(): Tags {
    return this.#stream.tags;
  }

  get errors(): number {
    return this.#demuxer.errors + this.#earlierErrors + this.#stream.errors + this.#lost;
  }

  get frames(): number | undefined {
    if (this.#lastGranule === undefined || this.#links > 1) return undefined;
    const base = Math.max(0, this.#base ?? 0);
    return Math.max(0, this.#lastGranule - base - this.#stream.preSkip);
  }

  async decode(): Promise<Float32Array[] | null> {
    const page = await this.#demuxer.next();
    if (!page) return null;
    if (page.first) return this.#chain(page) ? [] : null;
    const blocks: Float32Array[][] = [];
    for (const packet of page.packets) {
      if (this.#inHeaders) {
        if (await this.#stream.header(packet)) continue;
        this.#inHeaders = false;
      }
      const block = await this.#stream.decode(packet);
      if (block === null) return null;
      if (block) blocks.push(block);
      else this.#lost++;
    }
    if (this.#inHeaders) return [];
    return this.#trim(concatenated(blocks, this.channels), page);
  }

  free(): void {
    this.#stream.free();
  }

  /** Another stream begins where this one has ended: internet radio and joined files do that. */
  #chain(page: OggPage): boolean {
    if (this.#inHeaders) return true;
    const next = begin(this.#source, page);
    if (!next) return true;
    if (next.rate !== this.rate || next.channels !== this.channels) {
      next.free();
      this.#lost++;
      return false;
    }
    this.#earlierErrors += this.#stream.errors;
    this.#stream.free();
    this.#stream = next;
    this.#demuxer.follow(page.serial);
    this.#links++;
    this.#inHeaders = true;
    this.#base = undefined;
    this.#decoded = 0;
    this.#drop = next.preSkip;
    return true;
  }

  /**
   * Leaves out what the positions of the pages say is not to be heard: the pre-skip, what Vorbis
   * decodes before position 0, and what the last page has beyond its position (RFC 7845, 4).
   */
  #trim(planes: Float32Array[], page: OggPage): Float32Array[] {
    const frames = planes[0]!.length;
    this.#decoded += frames;
    if (this.#base === undefined && page.granule !== undefined && this.#decoded > 0) {
      this.#base = page.last ? 0 : page.granule - this.#decoded;
      if (this.#base < 0) this.#drop = Math.max(this.#drop, -this.#base);
    }
    let end = frames;
    if (page.last && page.granule !== undefined) {
      const beyond = this.#decoded - (page.granule - (this.#base ?? 0));
      if (beyond > 0) end = Math.max(0, frames - beyond);
    }
    const start = Math.min(this.#drop, end);
    this.#drop -= start;
    return start === 0 && end === frames ? planes : planes.map((p) => p.subarray(start, end));
  }
}

function concatenated(blocks: readonly Float32Array[][], channels: number): Float32Array[] {
  if (blocks.length === 1) return blocks[0]!;
  const frames = blocks.reduce((sum, block) => sum + block[0]!.length, 0);
  return Array.from({ length: channels }, (_, channel) => {
    const plane = new Float32Array(frames);
    let at = 0;
    for (const block of blocks) {
      plane.set(block[channel]!, at);
      at += block[channel]!.length;
    }
    return plane;
  });
}
