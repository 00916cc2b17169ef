import { endianness } from 'node:os';
import { assert } from '../errors.js';

// Samples are copied between files and Float32Arrays as they are; WAV is little-endian.
assert(endianness() === 'LE', 'the machine is little-endian');

export const formatTags = {
  pcm: 0x0001,
  float: 0x0003,
  aLaw: 0x0006,
  muLaw: 0x0007,
  extensible: 0xfffe,
} as const;

/**
 * The last 14 bytes of the sub-format of WAVE_FORMAT_EXTENSIBLE; the first two are the format tag.
 * Microsoft, "Multiple channel audio data and WAVE files" (KSDATAFORMAT_SUBTYPE_*).
 */
export const subFormatTail = new Uint8Array([
  0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71,
]);

/** Largest size that a 32-bit chunk size can say; the value above it means "see ds64". */
export const riffBytesMax = 0xffff_fffe;
export const sizeInDs64 = 0xffff_ffff;

/** Bytes of the ds64 chunk's body: three 64-bit sizes and an empty table (EBU Tech 3306). */
const ds64Bytes = 28;

/** Speaker masks by channel count, in the order of `pcm/channels.ts`; index 0 is not used. */
const speakerMasks = [0, 0x4, 0x3, 0x7, 0x33, 0x37, 0x3f, 0x70f, 0x63f];

/** What every file that we write has to say. */
export interface WavFormat {
  /** Frames per second. */
  rate: number;
  /** 1 to 8, in WAVE order. */
  channels: number;
  /** Float32, the default, or whole numbers of 16 bits. */
  samples?: WavSamples;
}

export type WavSamples = 'f32' | 's16';

/** Bytes of a frame in a file that `WavWriter` makes. */
export function wavFrameBytes({ channels, samples }: WavFormat): number {
  return channels * (samples === 's16' ? 2 : 4);
}

/** Bytes before the first sample in a file that `WavWriter` makes. */
export function wavHeaderBytes(channels: number): number {
  return 12 + 8 + ds64Bytes + 8 + fmtBytes(channels) + 8 + 4 + 8;
}

/**
 * The header of a file: RIFF, a JUNK chunk in which ds64 finds its place when the file
 * outgrows 32-bit sizes, `fmt `, `fact` and the head of `data`. It depends on nothing but its
 * arguments, so that equal samples make equal files.
 */
export function wavHeader(
  format: WavFormat,
  dataBytes: number,
  riffMax = riffBytesMax,
): Uint8Array {
  const { rate, channels } = format;
  const header = new Uint8Array(wavHeaderBytes(channels));
  const view = new DataView(header.buffer);
  const frameBytes = wavFrameBytes(format);
  const bits = (8 * frameBytes) / channels;
  const tag = format.samples === 's16' ? formatTags.pcm : formatTags.float;
  const riffBytes = header.length - 8 + dataBytes;
  const large = riffBytes > riffMax;
  const extensible = channels > 2;

  let at = 0;
  const id = (text: string) => {
    for (let i = 0; i < 4; i++) header[at++] = text.charCodeAt(i);
  };
  const u16 = (value: number) => {
    view.setUint16(at, value, true);
    at += 2;
  };
  const u32 = (value: number) => {
    view.setUint32(at, value, true);
    at += 4;
  };
  const u64 = (value: number) => {
    view.setBigUint64(at, BigInt(value), true);
    at += 8;
  };

  id(large ? 'RF64' : 'RIFF');
  u32(large ? sizeInDs64 : riffBytes);
  id('WAVE');
  id(large ? 'ds64' : 'JUNK');
  u32(ds64Bytes);
  u64(large ? riffBytes : 0);
  u64(large ? dataBytes : 0);
  u64(large ? dataBytes / frameBytes : 0);
  u32(0);
  id('fmt ');
  u32(fmtBytes(channels));
  u16(extensible ? formatTags.extensible : tag);
  u16(channels);
  u32(rate);
  u32(rate * frameBytes);
  u16(frameBytes);
  u16(bits);
  u16(extensible ? 22 : 0);
  if (extensible) {
    u16(bits);
    u32(speakerMasks[channels]!);
    u16(tag);
    header.set(subFormatTail, at);
    at += subFormatTail.length;
  }
  id('fact');
  u32(4);
  u32(large ? sizeInDs64 : dataBytes / frameBytes);
  id('data');
  u32(large ? sizeInDs64 : dataBytes);
  assert(at === header.length, 'the header is as long as it says');
  return header;
}

/** The format that a header of `wavHeader` states, or undefined when it is not one of them. */
export function parseWavHeader(header: Uint8Array): Required<WavFormat> | undefined {
  const at = 12 + 8 + ds64Bytes + 8;
  if (header.length < at + 16) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const format: Required<WavFormat> = {
    channels: view.getUint16(at + 2, true),
    rate: view.getUint32(at + 4, true),
    samples: view.getUint16(at + 14, true) === 16 ? 's16' : 'f32',
  };
  if (format.channels < 1 || format.channels > 8 || format.rate === 0) return undefined;
  const expected = wavHeader(format, 0);
  if (header.length < expected.length) return undefined;
  // All that is no size: the names of the chunks but the two that RF64 changes, and `fmt `.
  const same = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (header[i] !== expected[i]) return false;
    return true;
  };
  const end = expected.length;
  const named = same(8, 12) && same(16, 20) && same(48, end - 12) && same(end - 8, end - 4);
  return named ? format : undefined;
}

function fmtBytes(channels: number): number {
  return channels > 2 ? 40 : 18;
}
