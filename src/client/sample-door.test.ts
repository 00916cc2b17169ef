import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SampleDoor } from './sample-door.js';

const int = (bits: number) =>
  fc.array(fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 }), { maxLength: 50 });

describe('the door for samples', () => {
  it('takes whole numbers for what they are, as arrays and as bytes', () => {
    fc.assert(
      fc.property(int(16), int(24), int(32), (words, middles, longs) => {
        const door16 = new SampleDoor('s16', 1);
        const s16 = Int16Array.from(words);
        const expected = Float32Array.from(words, (word) => word / 32_768);
        expect(door16.read(s16, 0, words.length)).toEqual(expected);
        expect(door16.read(Buffer.from(s16.buffer), 0, words.length)).toEqual(expected);
        const door24 = new SampleDoor('s24', 1);
        const packed = Buffer.alloc(3 * middles.length);
        for (const [i, word] of middles.entries()) packed.writeIntLE(word, 3 * i, 3);
        const at24 = Float32Array.from(middles, (word) => word / 2 ** 23);
        expect(door24.read(Int32Array.from(middles), 0, middles.length)).toEqual(at24);
        expect(door24.read(packed, 0, middles.length)).toEqual(at24);
        const door32 = new SampleDoor('s32', 1);
        const s32 = Int32Array.from(longs);
        const at32 = Float32Array.from(longs, (word) => word / 2 ** 31);
        expect(door32.read(s32, 0, longs.length)).toEqual(at32);
        expect(door32.read(new Uint8Array(s32.buffer), 0, longs.length)).toEqual(at32);
        expect([door16, door24, door32].map((door) => door.loudSamples)).toEqual([0, 0, 0]);
      }),
    );
  });

  it('passes float32 within full scale bit for bit, from any place in a buffer', () => {
    fc.assert(
      fc.property(fc.float32Array({ min: -1, max: 1, noNaN: true }), (samples) => {
        const door = new SampleDoor('f32', 1);
        const odd = Buffer.concat([Buffer.alloc(1), Buffer.from(samples.buffer)]).subarray(1);
        expect(door.read(samples, 0, samples.length)).toEqual(samples);
        expect(door.read(odd, 0, samples.length)).toEqual(samples);
        expect([door.badSamples, door.loudSamples]).toEqual([0, 0]);
      }),
    );
  });

  it('makes silence of what is no number, holds what is too loud, and counts both', () => {
    const door = new SampleDoor('f32', 2);
    const hostile = Float32Array.of(Number.NaN, 0.5, Number.POSITIVE_INFINITY, -7, 1.5, -1);
    expect([...door.read(hostile, 0, 3)]).toEqual([0, 0.5, 0, -1, 1, -1]);
    expect([door.badSamples, door.loudSamples]).toEqual([2, 2]);
    expect(hostile[3]).toBe(-7);
    const low = new SampleDoor('s24', 1);
    expect([...low.read(Int32Array.of(2 ** 24, -(2 ** 24)), 0, 2)]).toEqual([1, -1]);
    expect(low.loudSamples).toBe(2);
  });

  it('refuses other arrays and broken frames', () => {
    const door = new SampleDoor('s16', 2);
    expect(door.framesIn(new Int16Array(8))).toBe(4);
    expect(door.framesIn(new Uint8Array(8))).toBe(2);
    const wrong = [new Float32Array(2), new Int32Array(2), new Int16Array(3), new Uint8Array(6)];
    for (const data of [...wrong, null, undefined, 'abc', [1, 2]]) {
      expect(() => door.framesIn(data as Int16Array)).toThrow(
        expect.objectContaining({ code: 'TENUTO_STREAM_FORMAT' }),
      );
    }
  });
});
