import { describe, expect, it } from 'vitest';
import {
  barText,
  bytesText,
  clockText,
  columns,
  countText,
  LiveLine,
  paint,
  rateText,
} from './terminal.js';

describe('units for people', () => {
  it('shows times, sizes, rates and counts', () => {
    expect([clockText(5.9), clockText(65), clockText(7384)]).toEqual(['0:05', '1:05', '2:03:04']);
    expect([bytesText(999), bytesText(1500), bytesText(7.68e6)]).toEqual([
      '999 B',
      '1.5 kB',
      '7.7 MB',
    ]);
    expect([rateText(48_000), rateText(44_100), rateText(11_025)]).toEqual([
      '48 kHz',
      '44.1 kHz',
      '11.025 kHz',
    ]);
    expect([countText(1, 'frame'), countText(2000, 'frame')]).toEqual(['1 frame', '2,000 frames']);
    expect([barText(-1, 4), barText(0.5, 4), barText(9, 4)]).toEqual(['────', '━━──', '━━━━']);
  });
});

describe('columns', () => {
  it('sets words flush left and numbers flush right, colours not counted', () => {
    const red = paint('red', 'ab', { isTTY: true, write: () => true });
    const rows = [
      ['A', 'N'],
      ['x', 5],
      [red, 100],
    ];
    expect(columns(rows)).toBe(`A     N\nx     5\n${red}  100`);
  });
});

describe('LiveLine', () => {
  it('writes over itself on a terminal and nothing elsewhere', () => {
    const written: string[] = [];
    const output = { isTTY: true, columns: 11, write: (text: string) => written.push(text) };
    const line = new LiveLine(output);
    line.show('longer than the line');
    line.clear();
    expect(written).toEqual(['\r\u001b[2Klonger tha', '\r\u001b[2K']);
    const silent = new LiveLine({ ...output, isTTY: false });
    written.length = 0;
    silent.show('x');
    silent.clear();
    expect(written).toEqual([]);
  });
});
