import { OpusDecoder } from 'opus-decoder';
import type { ByteSource } from './byte-source.js';
import { checkStated, damaged, type Tags } from './codec.js';
import { Restartable } from './decoder-guard.js';
import { headersMissing, type OggStream } from './ogg-stream.js';
import { inWaveOrder, parseVorbisComments } from './vorbis-comments.js';

interface Head {
  channels: number;
  preSkip: number;
  gain: number;
  family: number;
  streams: number;
  coupled: number;
  mapping: number[];
}

const rate = 48_000;

/** Bytes of one packet for each channel that the decoder has room for. */
const packetBytesPerChannelMax = 3840;

/** Ogg Opus (RFC 7845), always at 48 kHz, with the gain that the file asks for. */
export function beginOpus(source: ByteSource, packet: Uint8Array): OggStream | undefined {
  if (!startsWith(packet, 'OpusHead')) return undefined;
  return new OpusStream(source, parseHead(source, packet));
}

class OpusStream implements OggStream {
  readonly format = 'opus';
  readonly rate = rate;
  readonly channels: number;
  readonly preSkip: number;
  tags: Tags = {};
  errors = 0;
  readonly #source: ByteSource;
  readonly #head: Head;
  #decoder: Restartable<OpusDecoder> | undefined;
  #headers = 1;

  constructor(source: ByteSource, head: Head) {
    this.#source = source;
    this.#head = head;
    this.channels = head.channels;
    this.preSkip = head.preSkip;
  }

  async header(packet: Uint8Array): Promise<boolean> {
    if (this.#headers === 2) return false;
    // The first page was read by whoever found the stream.
    if (!startsWith(packet, 'OpusTags')) throw headersMissing(this.#source);
    this.#headers = 2;
    this.tags = parseVorbisComments(packet.subarray(8));
    const { channels, streams, coupled, mapping } = this.#head;
    this.#decoder = await Restartable.start(async () => {
      const decoder = new OpusDecoder({
        channels,
        streamCount: streams,
        coupledStreamCount: coupled,
        channelMappingTable: mapping,
        preSkip: 0,
      });
      await decoder.ready;
      return decoder;
    });
    return true;
  }

  async decode(packet: Uint8Array): Promise<Float32Array[] | undefined | null> {
    if (packet.length === 0 || packet.length > packetBytesPerChannelMax * this.channels) {
      return undefined;
    }
    const result = await this.#decoder!.run((decoder) => decoder.decodeFrame(packet));
    if (!result) return result;
    this.errors += result.errors.length;
    const planes = result.channelData;
    const { gain, family } = this.#head;
    if (gain !== 1)
      for (const plane of planes) for (let i = 0; i < plane.length; i++) plane[i]! *= gain;
    return family === 1 ? inWaveOrder(planes) : planes;
  }

  free(): void {
    this.#decoder?.free();
  }
}

function parseHead(source: ByteSource, packet: Uint8Array): Head {
  if (packet.length < 19) throw damaged(source, 'its Opus header is cut short');
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const channels = packet[9]!;
  const family = packet[18]!;
  checkStated(source, rate, channels);
  const head: Head = {
    channels,
    preSkip: view.getUint16(10, true),
    // Q7.8 in decibels (RFC 7845, 5.1).
    gain: 10 ** (view.getInt16(16, true) / (20 * 256)),
    family,
    streams: 1,
    coupled: channels - 1,
    mapping: channels === 2 ? [0, 1] : [0],
  };
  if (family === 0 && channels <= 2) return head;
  head.streams = packet[19] ?? 0;
  head.coupled = packet[20] ?? 0;
  head.mapping = [...packet.subarray(21, 21 + channels)];
  const planes = head.streams + head.coupled;
  const possible = head.streams > 0 && head.coupled <= head.streams && planes <= 255;
  const mapped = head.mapping.every((plane) => plane < planes || plane === 255);
  if (!possible || !mapped || head.mapping.length < channels || (packet[8]! & 0xf0) !== 0) {
    throw damaged(source, 'its Opus header contradicts itself');
  }
  return head;
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false;
  return true;
}
