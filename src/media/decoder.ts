import { assert, TenutoError } from '../errors.js';
import { ByteSource } from './byte-source.js';
import {
  type Codec,
  damaged,
  type MediaFormat,
  type OpenCodec,
  type Tags,
  unknown,
} from './codec.js';
import { openFlac } from './flac-decoder.js';
import { skipId3 } from './id3.js';
import { openMp3 } from './mp3-decoder.js';
import { openOgg } from './ogg-codec.js';
import { openWav } from './wav-reader.js';

export type { MediaFormat, Tags } from './codec.js';

/** Samples beyond this are no sound but damage (96 dB over full scale). */
const sampleMax = 65_536;

/**
 * A sound file being decoded, in bounded memory whatever its length.
 * Not to be used on the audio thread.
 */
export interface Decoder extends AsyncDisposable {
  readonly format: MediaFormat;
  /** Frames per second. */
  readonly rate: number;
  /** 1 to 8, in WAVE order: left, right, centre, low frequencies, back, side. */
  readonly channels: number;
  /** Frames that the file says it has; undefined when it does not. What is read may differ. */
  readonly frames: number | undefined;
  readonly tags: Tags;
  /** Damaged places met so far, each left out. */
  readonly errors: number;
  /**
   * The next block, one plane of equal length for each channel, never empty; null at the end.
   * One call at a time. Encoder delay, padding and pre-skip are taken off.
   *
   * @throws TenutoError `TENUTO_FILE_UNREADABLE` when the file cannot be read further.
   */
  read(): Promise<Float32Array[] | null>;
  /** Gives all memory and the file back; waits for a read under way. May be called again. */
  close(): Promise<void>;
}

/**
 * Opens a sound file by its content, whatever its name says.
 *
 * @throws TenutoError `TENUTO_FILE_UNREADABLE`; `TENUTO_MEDIA_UNKNOWN` when it is no format that
 * we know, with what it is; `TENUTO_MEDIA_DAMAGED` when it is one but holds no sound;
 * `TENUTO_MEDIA_LIMIT` for more channels than can be played.
 */
export async function openDecoder(path: string): Promise<Decoder> {
  const source = await ByteSource.open(path);
  let codec: Codec | undefined;
  try {
    codec = await (await recognise(source))(source);
    const decoder = new OpenedDecoder(source, codec);
    await decoder.prime();
    return decoder;
  } catch (error) {
    codec?.free();
    await source.close();
    throw error;
  }
}

class OpenedDecoder implements Decoder {
  readonly #source: ByteSource;
  readonly #codec: Codec;
  #primed: Float32Array[] | null = null;
  #reading: Promise<Float32Array[] | null> | undefined;
  #closing: Promise<void> | undefined;

  constructor(source: ByteSource, codec: Codec) {
    this.#source = source;
    this.#codec = codec;
  }

  get format(): MediaFormat {
    return this.#codec.format;
  }

  get rate(): number {
    return this.#codec.rate;
  }

  get channels(): number {
    return this.#codec.channels;
  }

  get frames(): number | undefined {
    return this.#codec.frames;
  }

  get tags(): Tags {
    return this.#codec.tags;
  }

  get errors(): number {
    return this.#codec.errors;
  }

  /** Decodes the first block, so that a file without any sound is refused when it is opened. */
  async prime(): Promise<void> {
    this.#primed = await this.#next();
    if (!this.#primed) throw damaged(this.#source, `a ${this.format} file without any sound`);
  }

  async read(): Promise<Float32Array[] | null> {
    assert(!this.#closing, 'the decoder is open');
    assert(!this.#reading, 'one read is under way at a time');
    const primed = this.#primed;
    if (primed) {
      this.#primed = null;
      return primed;
    }
    this.#reading = this.#next();
    try {
      return await this.#reading;
    } finally {
      this.#reading = undefined;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    // Whoever reads gets the failure, if there is one.
    await this.#reading?.catch(() => undefined);
    this.#primed = null;
    this.#codec.free();
    await this.#source.close();
  }

  async #next(): Promise<Float32Array[] | null> {
    for (;;) {
      const planes = await this.#codec.decode();
      if (planes === null) return null;
      if (planes.length === 0 || planes[0]!.length === 0) continue;
      for (const plane of planes) sanitise(plane);
      return planes;
    }
  }
}

/** No file gives anything that is no number, or would be heard as an explosion. */
function sanitise(plane: Float32Array): void {
  for (let i = 0; i < plane.length; i++) {
    if (!(Math.abs(plane[i]!) <= sampleMax)) plane[i] = 0;
  }
}

/** What other files begin with, to say what was given instead. */
const others: readonly [offset: number, magic: string, name: string][] = [
  [4, 'ftyp', 'an MP4 file (AAC or ALAC)'],
  [0, 'FORM', 'an AIFF file'],
  [0, 'RIFX', 'a big-endian WAV file'],
  [0, 'riff', 'a Wave64 file'],
  [0, 'wvpk', 'a WavPack file'],
  [0, 'MAC ', "a Monkey's Audio file"],
  [0, '\x1aE\xdf\xa3', 'a Matroska or WebM file'],
  [0, '0&\xb2u', 'a Windows Media file'],
  [0, '.snd', 'an AU file'],
  [0, 'MThd', 'a MIDI file'],
  [0, '\x89PNG', 'a PNG picture'],
  [0, '\xff\xd8\xff', 'a JPEG picture'],
  [0, '%PDF', 'a PDF document'],
  [0, 'PK\x03\x04', 'a ZIP archive'],
  [0, '\x1f\x8b', 'a gzip archive'],
  [0, '\x7fELF', 'a program'],
];

async function recognise(source: ByteSource): Promise<OpenCodec> {
  if (source.size === 0) throw unknown(source, 'it is empty');
  const head = Buffer.from((await source.peek(64)).subarray(0, 64));
  const starts = (magic: string, at = 0) => {
    return head.subarray(at, at + magic.length).toString('latin1') === magic;
  };
  const riff = starts('RIFF') || starts('RF64') || starts('BW64');
  if (riff && starts('WAVE', 8)) return openWav;
  if (starts('fLaC')) return openFlac;
  if (starts('OggS')) return openOgg;
  if (starts('ID3')) return behindId3(source);
  for (const [at, magic, name] of others) if (starts(magic, at)) throw unknown(source, name);
  if (riff) throw unknown(source, 'a RIFF file that holds no WAVE');
  if (looksLikeText(head)) throw unknown(source, 'a text file');
  // A stream that was recorded from the air begins in the middle of a frame: look for the next.
  return openMp3OrUnknown;
}

/** Some programs put an ID3 tag before FLAC, too. */
async function behindId3(source: ByteSource): Promise<OpenCodec> {
  await skipId3(source);
  const head = Buffer.from((await source.peek(4)).subarray(0, 4));
  if (head.toString('latin1') === 'fLaC') return openFlac;
  source.seek(0);
  return openMp3;
}

const openMp3OrUnknown: OpenCodec = async (source) => {
  const head = Buffer.from((await source.peek(4)).subarray(0, 4)).toString('hex');
  try {
    return await openMp3(source);
  } catch (error) {
    if (!(error instanceof TenutoError) || error.code !== 'TENUTO_MEDIA_UNKNOWN') throw error;
    throw unknown(source, `it begins with ${head}, as no sound file that we know does`);
  }
};

function looksLikeText(head: Buffer): boolean {
  return head.every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13);
}
