import { describe, expect, it } from 'vitest';
import { channelMatrix, deinterleave, interleave, mapChannels } from './channels.js';

const half = Math.SQRT1_2;
const rows = (inputs: number, outputs: number) =>
  channelMatrix(inputs, outputs).map((row) => [...row].map((gain) => Number(gain.toFixed(4))));
const n = (gain: number) => Number(gain.toFixed(4));

describe('channelMatrix', () => {
  it('folds surround as ITU-R BS.775 has it', () => {
    expect(rows(6, 2)).toEqual([
      [1, 0, n(half), 0, n(half), 0],
      [0, 1, n(half), 0, 0, n(half)],
    ]);
    expect(rows(8, 2)[0]).toEqual([1, 0, n(half), 0, n(half), 0, n(half), 0]);
    expect(rows(7, 2)[0]).toEqual([1, 0, n(half), 0, 0.5, n(half), 0]);
    expect(rows(4, 2)[1]).toEqual([0, 1, 0, n(half)]);
    expect(rows(3, 2)[0]).toEqual([1, 0, n(half)]);
    expect(rows(6, 1)).toEqual([[0.5, 0.5, n(half), 0, n(half / 2), n(half / 2)]]);
  });

  it('keeps every place that both have', () => {
    expect(rows(6, 8).slice(0, 6)).toEqual(rows(6, 6));
    expect(rows(8, 6)[4]).toEqual([0, 0, 0, 0, 1, 0, 1, 0]);
    expect(rows(2, 6).slice(2)).toEqual(Array(4).fill([0, 0]));
  });

  it('takes mono to left and right and back unchanged', () => {
    expect(rows(1, 2)).toEqual([[1], [1]]);
    expect(rows(2, 1)).toEqual([[0.5, 0.5]]);
    expect(rows(1, 6)).toEqual([[1], [1], [0], [0], [0], [0]]);
  });

  it('loses no channel but the low frequencies, and keeps left and right alike, for all sizes', () => {
    for (let inputs = 1; inputs <= 8; inputs++) {
      for (let outputs = 1; outputs <= 8; outputs++) {
        const matrix = channelMatrix(inputs, outputs);
        expect(matrix.length).toBe(outputs);
        for (let input = 0; input < inputs; input++) {
          const sum = matrix.reduce((total, row) => total + row[input]! ** 2, 0);
          const isLfe = inputs >= 6 && input === 3;
          if (isLfe && outputs < 6) expect(sum).toBe(0);
          else expect(sum).toBeGreaterThan(0.1);
        }
        if (inputs > 1 && outputs > 1) expect(matrix[0]![0]).toBe(matrix[1]![1]);
      }
    }
  });

  it('refuses more than 8 channels', () => {
    expect(() => channelMatrix(9, 2)).toThrow('1 to 8');
    expect(() => channelMatrix(2, 0)).toThrow('1 to 8');
  });
});

describe('mapChannels', () => {
  it('mixes, and gives what is unchanged on as it is', () => {
    const left = Float32Array.of(1, 0.5);
    const right = Float32Array.of(-1, 0.25);
    expect(mapChannels([left, right], channelMatrix(2, 1))).toEqual([Float32Array.of(0, 0.375)]);
    const mapped = mapChannels([left, right], channelMatrix(2, 4));
    expect(mapped[0]).toBe(left);
    expect(mapped[1]).toBe(right);
    expect(mapped[2]).toEqual(new Float32Array(2));
  });
});

it('interleave and deinterleave are each other’s inverse', () => {
  const planes = [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)];
  expect(interleave(planes)).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
  expect(deinterleave(interleave(planes), 2)).toEqual(planes);
  expect(() => deinterleave(new Float32Array(3), 2)).toThrow('whole');
});
