import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis';
import { assert } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import { checkStated, damaged, type Tags } from './codec.js';
import { guarded, Restartable } from './decoder-guard.js';
import { headersMissing, type OggStream } from './ogg-stream.js';
import { inWaveOrder, parseVorbisComments } from './vorbis-comments.js';

/** Bytes that the decoder has room for. */
const packetBytesMax = 128 << 10;

/**
 * The decoder of packets inside of `OggVorbisDecoder`. Its container parser is not used: it trusts
 * pages that do not match their checksum, and is dead after the first error that it throws.
 */
interface PacketDecoder {
  sendSetupHeader(packet: Uint8Array): void;
  initDsp(): void;
  decodePackets(packets: Uint8Array[]): {
    channelData: Float32Array[];
    samplesDecoded: number;
    errors: unknown[];
  };
  free(): void;
  _errorsLength: { buf: Int32Array };
}

/** Ogg Vorbis I. */
export function beginVorbis(source: ByteSource, packet: Uint8Array): OggStream | undefined {
  return isHeader(packet, 1) ? new VorbisStream(source, packet) : undefined;
}

class VorbisStream implements OggStream {
  readonly format = 'vorbis';
  readonly rate: number;
  readonly channels: number;
  readonly preSkip = 0;
  tags: Tags = {};
  errors = 0;
  readonly #source: ByteSource;
  readonly #identification: Uint8Array;
  #decoder: Restartable<PacketDecoder> | undefined;

  constructor(source: ByteSource, identification: Uint8Array) {
    if (identification.length < 30) throw damaged(source, 'its Vorbis header is cut short');
    const view = new DataView(identification.buffer, identification.byteOffset);
    this.channels = identification[11]!;
    this.rate = view.getUint32(12, true);
    checkStated(source, this.rate, this.channels);
    this.#source = source;
    this.#identification = identification.slice();
  }

  async header(packet: Uint8Array): Promise<boolean> {
    if (this.#decoder) return false;
    if (isHeader(packet, 3)) {
      this.tags = parseVorbisComments(packet.subarray(7));
      return true;
    }
    if (!isHeader(packet, 5)) throw headersMissing(this.#source);
    if (packet.length > packetBytesMax) throw damaged(this.#source, 'its codebooks are too large');
    const setup = packet.slice();
    this.#decoder = await Restartable.start(() => this.#start(setup));
    return true;
  }

  async decode(packet: Uint8Array): Promise<Float32Array[] | undefined | null> {
    // The lowest bit tells a header from audio; the length is the decoder's room.
    if (packet.length === 0 || packet.length > packetBytesMax || (packet[0]! & 1) !== 0) {
      return undefined;
    }
    const result = await this.#decoder!.run((decoder) => decoder.decodePackets([packet]));
    if (!result) return result;
    this.errors += result.errors.length;
    if (result.channelData.length !== this.channels) return undefined;
    return inWaveOrder(result.channelData);
  }

  free(): void {
    this.#decoder?.free();
  }

  async #start(setup: Uint8Array): Promise<PacketDecoder> {
    const outer = new OggVorbisDecoder();
    await outer.ready;
    const decoder = packetDecoder(outer);
    try {
      guarded(() => {
        decoder.sendSetupHeader(this.#identification);
        decoder.sendSetupHeader(setup);
        if (decoder._errorsLength.buf[0] !== 0) throw new Error('the headers were refused');
        decoder.initDsp();
      });
    } catch (cause) {
      throw damaged(this.#source, 'its Vorbis headers cannot be used', cause);
    }
    return decoder;
  }
}

function packetDecoder(outer: OggVorbisDecoder): PacketDecoder {
  const decoder = (outer as unknown as { _decoder: PacketDecoder })._decoder;
  assert(
    typeof decoder?.decodePackets === 'function' && decoder._errorsLength?.buf.length === 1,
    'the Vorbis decoder has the inside of version 0.1.20',
  );
  return decoder;
}

function isHeader(packet: Uint8Array, type: number): boolean {
  return packet[0] === type && Buffer.from(packet.subarray(1, 7)).toString('latin1') === 'vorbis';
}
