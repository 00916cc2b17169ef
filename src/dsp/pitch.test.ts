import fc from 'fast-check';
import { expect, it } from 'vitest';
import { frequencyOf, readNote } from './pitch.js';
import { readQuantity } from './quantity.js';

it.each([
  ['A4', 69],
  ['C4', 60],
  ['c-1', 0],
  ['G9', 127],
  ['F#3', 54],
  ['Bb2', 46],
  [60.5, 60.5],
])('reads note %s', (note, number) => {
  expect(readNote(note)).toBe(number);
});

it.each(['H4', 'A', 'A10', 'Ab-1b', '', 'Cb-1', -1, 128, Number.NaN])('refuses note %s', (note) => {
  expect(readNote(note)).toBeUndefined();
});

it('knows the frequency of every note to 12 digits', () => {
  fc.assert(
    fc.property(fc.double({ min: -60, max: 190, noNaN: true }), (note) => {
      expect(frequencyOf(note) / (440 * 2 ** ((note - 69) / 12))).toBeCloseTo(1, 12);
    }),
  );
  expect(frequencyOf(69)).toBe(440);
  expect(frequencyOf(33)).toBe(55);
});

it.each([
  ['250 ms', 's', 0.25],
  ['3/4 beats', 's', 0.375],
  ['1 beat', 's', 0.5],
  ['1.2kHz', 'Hz', 1200],
  ['-6 dB', 'gain', 10 ** -0.3],
  ['50%', 'none', 0.5],
  ['.5', 'none', 0.5],
  ['1/0', 'none', undefined],
  ['5 apples', 'none', undefined],
  ['5 toString', 'none', undefined],
  ['5 ms', 'Hz', undefined],
] as const)('reads %s as %s', (text, unit, value) => {
  expect(readQuantity(text, unit, 120)).toBe(value);
});
