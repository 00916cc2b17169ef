import { describe, expect, it } from 'vitest';
import { checkStreamFormat } from './stream-format.js';
import type { StreamFormat } from './types.js';

const usual: StreamFormat = { rate: 48_000, channels: 2, format: 'f32' };

describe('the format of a stream', () => {
  it('has defaults', () => {
    expect(checkStreamFormat(usual)).toEqual({ ...usual, bufferMs: 200, name: '', waitMs: 5000 });
    expect(checkStreamFormat({ ...usual, stream: 3 }).stream).toBe(3);
    for (const rate of [1000, 11_025, 47_999.5, 768_000]) {
      expect(checkStreamFormat({ ...usual, rate }).rate).toBe(rate);
    }
  });

  it.each([
    [{ rate: 999 }, /rate 999 is not within 1000 to 768000 Hz/],
    [{ rate: 1e9 }, /rate/],
    [{ rate: Number.NaN }, /rate NaN/],
    [{ rate: Number.POSITIVE_INFINITY }, /rate Infinity/],
    [{ rate: '48000' }, /rate 48000/],
    [{ channels: 0 }, /channels 0 is no whole number of 1 to 8/],
    [{ channels: 9 }, /channels 9/],
    [{ channels: 1.5 }, /channels 1.5/],
    [{ format: 'u8' }, /format u8 is none of s16, s24, s32, f32/],
    [{ format: undefined }, /format undefined/],
    [{ format: { s16: true } }, /format \{"s16":true\}/],
    [{ bufferMs: 9 }, /bufferMs 9 is not within 10 to 2000/],
    [{ bufferMs: 1e6 }, /bufferMs/],
    [{ name: 'x'.repeat(65) }, /name/],
    [{ name: 7 }, /name/],
    [{ stream: 32 }, /stream 32 is no whole number of 0 to 31/],
    [{ stream: -1 }, /stream -1/],
    [{ waitMs: -1 }, /waitMs/],
  ])('refuses %j', (wrong, message) => {
    const check = () => checkStreamFormat({ ...usual, ...(wrong as object) });
    expect(check).toThrow(message);
    expect(check).toThrow(expect.objectContaining({ code: 'TENUTO_STREAM_FORMAT' }));
  });

  it('refuses nothing at all', () => {
    for (const nothing of [null, undefined, 5]) {
      expect(() => checkStreamFormat(nothing as unknown as StreamFormat)).toThrow(/rate/);
    }
  });
});
