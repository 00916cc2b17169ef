import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatConversion } from './format-conversion.js';

function convert(conversion: FormatConversion, samples: Float32Array, parts: number[]) {
  const blocks: Float32Array[] = [];
  let from = 0;
  for (const length of [...parts, samples.length]) {
    const part = samples.subarray(from, Math.min(samples.length, from + length));
    if (part.length > 0) blocks.push(conversion.push(part));
    from += part.length;
  }
  blocks.push(conversion.end());
  return Float32Array.from(blocks.flatMap((block) => [...block]));
}

describe('the conversion of a stream', () => {
  it('passes equal formats bit for bit', () => {
    const format = { rate: 48_000, channels: 3 };
    const samples = Float32Array.of(0.1, -0.2, 0.3, 1e-20, 0, -1);
    expect(convert(new FormatConversion(format, format), samples, [3])).toEqual(samples);
  });

  const rates = fc.constantFrom(8000, 11_025, 16_000, 44_100, 48_000, 96_000, 12_345.6);

  it('gives the exact number of frames, however it is cut, and again after each end', () => {
    fc.assert(
      fc.property(
        rates,
        fc.integer({ min: 1, max: 8 }),
        fc.nat(700),
        fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 6 }),
        (rate, channels, frames, parts) => {
          const to = { rate: 48_000, channels: 2 };
          const conversion = new FormatConversion({ rate, channels }, to);
          const samples = Float32Array.from({ length: frames * channels }, (_, i) => Math.sin(i));
          const cuts = parts.map((part) => part * channels);
          const first = convert(conversion, samples, cuts);
          expect(first.length).toBe(2 * Math.round((frames * 48_000) / rate));
          expect(convert(conversion, samples, [])).toEqual(first);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('puts mono on both sides, and folds more channels down', () => {
    const to = { rate: 48_000, channels: 2 };
    const mono = new FormatConversion({ rate: 48_000, channels: 1 }, to);
    expect([...mono.push(Float32Array.of(0.25, -0.5))]).toEqual([0.25, 0.25, -0.5, -0.5]);
    const quad = new FormatConversion({ rate: 48_000, channels: 4 }, to);
    const [left, right] = quad.push(Float32Array.of(0.5, 0, 0.5, 0));
    expect([left, right]).toEqual([Math.fround(0.5 + 0.5 * Math.SQRT1_2), 0]);
  });

  it('forgets what it held when a run is dropped', () => {
    const from = { rate: 44_100, channels: 1 };
    const conversion = new FormatConversion(from, { rate: 48_000, channels: 1 });
    conversion.push(new Float32Array(500).fill(1));
    conversion.drop();
    expect(convert(conversion, new Float32Array(441), []).every((sample) => sample === 0)).toBe(
      true,
    );
  });
});
