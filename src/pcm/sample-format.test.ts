import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeSamples,
  isSampleFormat,
  SampleEncoder,
  type SampleFormat,
  sampleBytes,
} from './sample-format.js';
import { cleanSamples, gateTally } from './sample-gate.js';

const formats = Object.keys(sampleBytes) as SampleFormat[];

function encode(format: SampleFormat, samples: Float32Array, dither = true) {
  // One byte more in front: nothing need be aligned.
  const bytes = new Uint8Array(1 + samples.length * sampleBytes[format]);
  const encoder = new SampleEncoder({ format, dither });
  encoder.encode(samples, 0, samples.length, new DataView(bytes.buffer), 1);
  return { bytes: bytes.subarray(1), clipped: encoder.clipped };
}

function decode(format: SampleFormat, bytes: Uint8Array): Float32Array {
  const samples = new Float32Array(bytes.length / sampleBytes[format]);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  decodeSamples(format, view, 0, samples, 0, samples.length);
  return samples;
}

describe('sample formats', () => {
  it('knows its names', () => {
    for (const format of formats) expect(isSampleFormat(format)).toBe(true);
    for (const text of ['', 'u8', 'toString', 'S16']) expect(isSampleFormat(text)).toBe(false);
  });

  it('stand in memory as everybody else has them', () => {
    const samples = Float32Array.of(0.5, -1, -(2 ** -15), 0);
    expect([...encode('s16', samples).bytes]).toEqual([0, 0x40, 0, 0x80, 0xff, 0xff, 0, 0]);
    const s24 = [0, 0, 0x40, 0, 0, 0x80, 0, 0xff, 0xff, 0, 0, 0];
    expect([...encode('s24', samples).bytes]).toEqual(s24);
    const s24in32 = [0, 0, 0x40, 0, 0, 0, 0x80, 0xff, 0, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    expect([...encode('s24in32', samples).bytes]).toEqual(s24in32);
    const s32 = [0, 0, 0, 0x40, 0, 0, 0, 0x80, 0, 0, 0xff, 0xff, 0, 0, 0, 0];
    expect([...encode('s32', samples).bytes]).toEqual(s32);
    expect(decode('f32', encode('f32', samples).bytes)).toEqual(samples);
  });

  it.each(['s16', 's24', 's24in32'] as const)('%s comes back bit for bit', (format) => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (random) => {
        const size = sampleBytes[format];
        const bytes = random.slice(0, Math.floor(random.length / size) * size);
        if (format === 's24in32') {
          for (let i = 3; i < bytes.length; i += 4) bytes[i] = bytes[i - 1]! > 127 ? 255 : 0;
        }
        expect(encode(format, decode(format, bytes)).bytes).toEqual(bytes);
      }),
    );
  });

  it('ignores what stands in the fourth byte of s24in32', () => {
    expect(decode('s24in32', Uint8Array.of(0, 0, 0x40, 0xee))).toEqual(Float32Array.of(0.5));
  });

  it('clips and counts what is too loud, and makes 0 of what is no number', () => {
    const samples = Float32Array.of(1, 2, -3, Number.NaN, Infinity, -Infinity);
    for (const format of ['s16', 's24', 's24in32', 's32'] as const) {
      const { bytes, clipped } = encode(format, samples);
      expect(clipped, format).toBe(4);
      const back = decode(format, bytes);
      expect([...back].map((sample) => Math.fround(sample).toFixed(4))).toEqual(
        [1, 1, -1, 0, 1, -1].map((sample) => sample.toFixed(4)),
      );
      expect(back[0]!).toBeLessThanOrEqual(1);
    }
  });

  it.each([
    ['s16', 2 ** 15],
    ['s24', 2 ** 23],
  ] as const)('the error of %s has the same power and mean for any signal', (format, scale) => {
    for (const part of [0.02, 0.25, 0.5, 0.9]) {
      // Small enough for float32 to hold the part of a step.
      const samples = new Float32Array(40_000).fill((5 + part) / scale);
      const back = decode(format, encode(format, samples).bytes);
      const errors = [...back].map((sample) => sample * scale - 5 - part);
      const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
      const power = errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length;
      expect(Math.abs(mean), `mean at ${part}`).toBeLessThan(0.02);
      // Two uniform ones and rounding: 3 / 12.
      expect(power, `power at ${part}`).toBeGreaterThan(0.24);
      expect(power, `power at ${part}`).toBeLessThan(0.26);
    }
  });

  it('rounds to the nearest without dither', () => {
    const samples = Float32Array.of(0.4, 0.6, -0.4, -0.6).map((steps) => steps / 2 ** 15);
    expect([...decode('s16', encode('s16', samples, false).bytes)].map((x) => x * 2 ** 15)).toEqual(
      [0, 1, 0, -1],
    );
  });
});

describe('cleanSamples', () => {
  it('lets nothing in that is not finite and at most full scale', () => {
    const samples = Float32Array.of(9, Number.NaN, Infinity, -Infinity, 1.5, -1.01, 1, -1, 0.5, 9);
    const tally = new Float64Array(gateTally.places);
    cleanSamples(samples, 1, 8, tally);
    expect(samples).toEqual(Float32Array.of(9, 0, 0, 0, 1, -1, 1, -1, 0.5, 9));
    expect([tally[gateTally.nonFinite], tally[gateTally.outside]]).toEqual([3, 2]);
  });
});
