import { MPEGDecoder } from 'mpg123-decoder';
import type { ByteSource } from './byte-source.js';
import { type Codec, type Tags, unknown } from './codec.js';
import { Restartable } from './decoder-guard.js';
import { skipId3 } from './id3.js';
import { type FrameHeader, Mp3Frames } from './mp3-frames.js';
import { parseStreamFacts, type StreamFacts } from './mp3-info.js';

/** Frames of sound by which every decoder is late: its filter bank's length and one. */
const decoderDelay = 529;

/** MPEG audio of layers 1 to 3, after any ID3v2 tag. */
export async function openMp3(source: ByteSource): Promise<Codec> {
  const tags = await skipId3(source);
  const frames = await Mp3Frames.find(source);
  if (!frames) throw unknown(source, 'it begins like MPEG audio, but no frames follow');
  const first = await frames.next();
  const facts = first ? parseStreamFacts(first.bytes, first.header) : undefined;
  const decoder = await Restartable.start(async () => {
    // The encoder's delay is taken off here: the decoder's own way counts the information frame.
    const made = new MPEGDecoder({ enableGapless: false });
    await made.ready;
    return made;
  });
  return new Mp3Codec(frames, decoder, tags, facts, facts ? null : first);
}

type Mp3Frame = { bytes: Uint8Array; header: FrameHeader };

class Mp3Codec implements Codec {
  readonly format = 'mp3';
  readonly rate: number;
  readonly channels: number;
  readonly frames: number | undefined;
  readonly tags: Tags;
  readonly #frames: Mp3Frames;
  readonly #decoder: Restartable<MPEGDecoder>;
  #pending: Mp3Frame | null;
  #lost = 0;
  /** Frames of sound still to be left out at the beginning. */
  #drop = 0;
  /** Frames of sound still to be given; without the encoder's word, all. */
  #left = Number.POSITIVE_INFINITY;
  /** Frames of sound fed and not yet come out: the decoder wants to see the next header first. */
  #owed = 0;
  #last: Uint8Array | undefined;

  constructor(
    frames: Mp3Frames,
    decoder: Restartable<MPEGDecoder>,
    tags: Tags,
    facts: StreamFacts | undefined,
    first: Mp3Frame | null,
  ) {
    this.#frames = frames;
    this.#decoder = decoder;
    this.#pending = first;
    this.rate = frames.first.rate;
    this.channels = frames.first.channels;
    this.tags = tags;
    const total =
      facts?.mpegFrames === undefined ? undefined : facts.mpegFrames * frames.first.frames;
    this.frames = total;
    if (facts?.delay === undefined) return;
    this.#drop = facts.delay + decoderDelay;
    if (total === undefined) return;
    this.frames = Math.max(0, total - facts.delay - (facts.padding ?? 0));
    this.#left = this.frames;
  }

  get errors(): number {
    return this.#frames.errors + this.#lost;
  }

  async decode(): Promise<Float32Array[] | null> {
    if (this.#left === 0) return null;
    const frame = this.#pending ?? (await this.#frames.next());
    this.#pending = null;
    if (frame) {
      this.#last = frame.bytes;
      this.#owed += frame.header.frames;
      return this.#feed(frame.bytes);
    }
    if (this.#owed <= 0 || !this.#last) return null;
    // Behind the last frame, the same again pushes out what the decoder still holds.
    const rest = this.#owed;
    const planes = await this.#feed(this.#last);
    this.#owed = 0;
    return planes ? planes.map((plane) => plane.subarray(0, rest)) : null;
  }

  free(): void {
    this.#decoder.free();
  }

  async #feed(bytes: Uint8Array): Promise<Float32Array[] | null> {
    const result = await this.#decoder.run((decoder) => decoder.decodeFrame(bytes));
    if (result === null) return null;
    if (!result) {
      this.#lost++;
      this.#owed = 0;
      return [];
    }
    this.#lost += result.errors.length;
    const frames = result.samplesDecoded;
    this.#owed -= frames;
    const start = Math.min(this.#drop, frames);
    this.#drop -= start;
    const end = Math.min(frames, start + this.#left);
    this.#left -= end - start;
    // It always gives two channels; mono comes twice.
    return result.channelData.slice(0, this.channels).map((plane) => plane.subarray(start, end));
  }
}
