import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type ByteReader, type ByteWriter, JournalDamage } from './bytes.js';

/**
 * Samples of client streams on the disk, exact to the bit. Most programs play what came from 16-bit
 * files, and speech is half silence, so that deflating the bytes by their weight takes off two
 * thirds and more; what is not smaller then is kept as it is.
 */
const Packing = { plain: 0, sixteenBits: 1, planes: 2 } as const;

/** Level 1 deflates some 100 MB in a second, fifty times the worst case of one stream. */
const level = 1;
/** What saves less than this share is not worth unpacking. */
const worthwhile = 0.95;

export function packSamples(to: ByteWriter, samples: Float32Array): void {
  const plain = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  const exact = asSixteenBits(samples);
  const packed = deflateRawSync(exact ?? planesOf(plain, 4), { level });
  to.count(samples.length);
  if (packed.length > plain.length * worthwhile) {
    to.u8(Packing.plain);
    to.raw(plain);
    return;
  }
  to.u8(exact ? Packing.sixteenBits : Packing.planes);
  to.block(packed);
}

/** @throws JournalDamage */
export function unpackSamples(from: ByteReader, max: number): Float32Array {
  const length = from.count(max, 'a number of samples');
  const packing = from.u8();
  const samples = new Float32Array(length);
  const bytes = Buffer.from(samples.buffer);
  if (packing === Packing.plain) {
    bytes.set(from.raw(length * 4));
    return samples;
  }
  if (packing !== Packing.sixteenBits && packing !== Packing.planes) {
    throw new JournalDamage(`samples are packed in an unknown way, ${packing}`);
  }
  const width = packing === Packing.planes ? 4 : 2;
  const planes = inflate(from.block(length * 4 + 64, 'packed samples'), length * width);
  if (planes.length !== length * width) throw new JournalDamage('packed samples are too short');
  if (packing === Packing.planes) {
    bytes.set(fromPlanes(planes, 4));
    return samples;
  }
  let value = 0;
  for (let i = 0; i < length; i++) {
    value = (value + (planes[i]! | (planes[length + i]! << 8))) & 0xffff;
    samples[i] = ((value << 16) >> 16) / 32_768;
  }
  return samples;
}

/** @throws JournalDamage when it is damaged, or gives more than `bytesMax` */
export function inflate(packed: Uint8Array, bytesMax: number): Buffer {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, bytesMax) });
  } catch {
    throw new JournalDamage('something packed cannot be unpacked');
  }
}

/** The low and then the high bytes of the differences; null when a sample is no 16-bit number. */
function asSixteenBits(samples: Float32Array): Buffer | null {
  const { length } = samples;
  const planes = Buffer.allocUnsafe(length * 2);
  let before = 0;
  for (let i = 0; i < length; i++) {
    const value = samples[i]! * 32_768;
    const whole = value | 0;
    // Also refuses NaN and the negative zero, which is no integer.
    if (!Object.is(whole, value) || whole < -32_768 || whole > 32_767) return null;
    const difference = whole - before;
    planes[i] = difference & 0xff;
    planes[length + i] = (difference >> 8) & 0xff;
    before = whole;
  }
  return planes;
}

/** First all lowest bytes, then all of the next weight, and so on. */
function planesOf(bytes: Uint8Array, width: number): Buffer {
  const count = bytes.length / width;
  const planes = Buffer.allocUnsafe(bytes.length);
  for (let plane = 0; plane < width; plane++) {
    for (let i = 0; i < count; i++) planes[plane * count + i] = bytes[i * width + plane]!;
  }
  return planes;
}

function fromPlanes(planes: Uint8Array, width: number): Buffer {
  const count = planes.length / width;
  const bytes = Buffer.allocUnsafe(planes.length);
  for (let plane = 0; plane < width; plane++) {
    for (let i = 0; i < count; i++) bytes[i * width + plane] = planes[plane * count + i]!;
  }
  return bytes;
}
