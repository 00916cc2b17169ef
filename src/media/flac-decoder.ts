import { FLACDecoder } from '@wasm-audio-decoders/flac';
import { limits } from '../limits.js';
import type { ByteSource } from './byte-source.js';
import { type Codec, checkStated, damaged, type Tags } from './codec.js';
import { Restartable } from './decoder-guard.js';
import { FlacFrames, parseStreamInfo, type StreamInfo, streamInfoBytes } from './flac-frames.js';
import type { OggStream } from './ogg-stream.js';
import { parseVorbisComments } from './vorbis-comments.js';

/** Metadata blocks before the sound; more than any real file has. */
const blocksMax = 1024;

const blockTypes = { streamInfo: 0, comments: 4 } as const;

/** Native FLAC (RFC 9639), from its `fLaC` on. */
export async function openFlac(source: ByteSource): Promise<Codec> {
  source.skip(4);
  let info: StreamInfo | undefined;
  let tags: Tags = {};
  for (let i = 0; i < blocksMax; i++) {
    const head = await source.take(4);
    if (!head) break;
    const size = (head[1]! << 16) | (head[2]! << 8) | head[3]!;
    const next = source.position + size;
    const type = head[0]! & 0x7f;
    if (type === blockTypes.streamInfo && size >= streamInfoBytes) {
      const bytes = await source.take(streamInfoBytes);
      if (bytes) info = checkedInfo(source, bytes);
    } else if (type === blockTypes.comments) {
      const known = Math.min(size, limits.mediaTagBytesMax);
      tags = parseVorbisComments((await source.peek(known)).subarray(0, known));
    }
    source.seek(next);
    if ((head[0]! & 0x80) !== 0) break;
  }
  if (!info) throw damaged(source, 'a FLAC file without its stream information');
  return new FlacCodec(new FlacFrames(source, info), info, tags, await startDecoder(info));
}

class FlacCodec implements Codec {
  readonly format = 'flac';
  readonly rate: number;
  readonly channels: number;
  readonly frames: number | undefined;
  readonly tags: Tags;
  readonly #frames: FlacFrames;
  readonly #info: StreamInfo;
  readonly #decoder: Restartable<FLACDecoder>;
  #lost = 0;

  constructor(frames: FlacFrames, info: StreamInfo, tags: Tags, decoder: Restartable<FLACDecoder>) {
    this.rate = info.rate;
    this.channels = info.channels;
    this.frames = info.frames;
    this.tags = tags;
    this.#frames = frames;
    this.#info = info;
    this.#decoder = decoder;
  }

  get errors(): number {
    return this.#frames.errors + this.#lost;
  }

  async decode(): Promise<Float32Array[] | null> {
    const frame = await this.#frames.next();
    if (!frame) return null;
    const planes = await decodeFrame(this.#decoder, frame, this.#info);
    if (planes === null) return null;
    if (planes) return planes;
    this.#lost++;
    return [];
  }

  free(): void {
    this.#decoder.free();
  }
}

/** FLAC in Ogg: one frame in each packet (RFC 9639, 10.1). */
export function beginOggFlac(source: ByteSource, packet: Uint8Array): OggStream | undefined {
  const isFlac = packet[0] === 0x7f && Buffer.from(packet.subarray(1, 5)).toString() === 'FLAC';
  if (!isFlac) return undefined;
  const bytes = packet.subarray(17);
  if (bytes.length < streamInfoBytes) throw damaged(source, 'its FLAC header is cut short');
  return new OggFlacStream(checkedInfo(source, bytes));
}

class OggFlacStream implements OggStream {
  readonly format = 'flac';
  readonly rate: number;
  readonly channels: number;
  readonly preSkip = 0;
  readonly errors = 0;
  tags: Tags = {};
  readonly #info: StreamInfo;
  #decoder: Restartable<FLACDecoder> | undefined;

  constructor(info: StreamInfo) {
    this.#info = info;
    this.rate = info.rate;
    this.channels = info.channels;
  }

  async header(packet: Uint8Array): Promise<boolean> {
    if (packet[0] === 0xff) {
      this.#decoder = await startDecoder(this.#info);
      return false;
    }
    if ((packet[0]! & 0x7f) === blockTypes.comments) {
      this.tags = parseVorbisComments(packet.subarray(4));
    }
    return true;
  }

  async decode(packet: Uint8Array): Promise<Float32Array[] | undefined | null> {
    return decodeFrame(this.#decoder!, packet, this.#info);
  }

  free(): void {
    this.#decoder?.free();
  }
}

function checkedInfo(source: ByteSource, bytes: Uint8Array): StreamInfo {
  const info = parseStreamInfo(bytes);
  checkStated(source, info.rate, info.channels);
  return info;
}

async function startDecoder(info: StreamInfo): Promise<Restartable<FLACDecoder>> {
  // Frames may leave their rate and depth to the stream information, so each decoder gets it.
  const start = new Uint8Array(8 + streamInfoBytes);
  start.set([0x66, 0x4c, 0x61, 0x43, 0x80, 0, 0, streamInfoBytes]);
  start.set(info.bytes, 8);
  return Restartable.start(async () => {
    const decoder = new FLACDecoder();
    await decoder.ready;
    await decoder.decodeFrames([start]);
    return decoder;
  });
}

async function decodeFrame(
  restartable: Restartable<FLACDecoder>,
  frame: Uint8Array,
  info: StreamInfo,
): Promise<Float32Array[] | undefined | null> {
  const result = await restartable.run((decoder) => decoder.decodeFrames([frame]));
  if (!result) return result;
  if (result.errors.length > 0 || result.channelData.length !== info.channels) return undefined;
  for (const plane of result.channelData) rescale(plane, info.bits);
  return result.channelData;
}

/**
 * The decoder divides by 2^(bits - 1) - 1, which gives no sample exactly and the lowest one beyond
 * -1. Up to 24 bits the integer can be had back without doubt, and is scaled as in every WAV.
 */
function rescale(plane: Float32Array, bits: number): void {
  if (bits > 24) return;
  const scale = 2 ** (bits - 1);
  for (let i = 0; i < plane.length; i++) plane[i] = Math.round(plane[i]! * (scale - 1)) / scale;
}
