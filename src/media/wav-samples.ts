import { formatTags } from './wav-format.js';

/** Converts `frames` interleaved frames at the start of `bytes` to one plane per channel. */
export type SampleConverter = (
  bytes: Uint8Array,
  frames: number,
  planes: readonly Float32Array[],
) => void;

/** One sample at a byte offset, as a number from -1 to 1. */
type Read = (view: DataView, at: number) => number;

/**
 * The converter for a WAV format tag and the bytes that one sample takes, or undefined when there
 * is none. Integers are as long as their container: shorter ones stand at its upper end.
 */
export function sampleConverter(tag: number, sampleBytes: number): SampleConverter | undefined {
  const read = reader(tag, sampleBytes);
  if (!read) return undefined;
  return (bytes, frames, planes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const frameBytes = sampleBytes * planes.length;
    for (let channel = 0; channel < planes.length; channel++) {
      const plane = planes[channel]!;
      let at = channel * sampleBytes;
      for (let i = 0; i < frames; i++, at += frameBytes) plane[i] = read(view, at);
    }
  };
}

function reader(tag: number, sampleBytes: number): Read | undefined {
  switch (`${tag}/${sampleBytes}`) {
    case `${formatTags.pcm}/1`:
      return (view, at) => (view.getUint8(at) - 128) / 128;
    case `${formatTags.pcm}/2`:
      return (view, at) => view.getInt16(at, true) / 32_768;
    case `${formatTags.pcm}/3`:
      return (view, at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 8_388_608;
    case `${formatTags.pcm}/4`:
      return (view, at) => view.getInt32(at, true) / 2_147_483_648;
    case `${formatTags.float}/4`:
      return (view, at) => view.getFloat32(at, true);
    case `${formatTags.float}/8`:
      return (view, at) => view.getFloat64(at, true);
    case `${formatTags.aLaw}/1`:
      return (view, at) => aLaw[view.getUint8(at)]!;
    case `${formatTags.muLaw}/1`:
      return (view, at) => muLaw[view.getUint8(at)]!;
    default:
      return undefined;
  }
}

/** ITU-T G.711, table 1: 13 bits, even bits inverted. */
const aLaw = Float32Array.from({ length: 256 }, (_, code) => {
  const bits = code ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const mantissa = ((bits & 15) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 256) << (exponent - 1);
  return ((bits & 0x80) !== 0 ? magnitude : -magnitude) / 32_768;
});

/** ITU-T G.711, table 2: 14 bits, all bits inverted, with a bias of 33 steps. */
const muLaw = Float32Array.from({ length: 256 }, (_, code) => {
  const bits = ~code;
  const magnitude = ((((bits & 15) << 3) + 132) << ((bits >> 4) & 7)) - 132;
  return ((bits & 0x80) !== 0 ? -magnitude : magnitude) / 32_768;
});
