import { describe, expect, it } from 'vitest';
import { deinterleave, interleave } from './channels.js';
import { Converter } from './converter.js';
import type { Quality } from './filter-design.js';

function convert(
  input: Float32Array,
  inputRate: number,
  outputRate: number,
  blockFrames = 1000,
  quality: Quality = 'music',
): Float32Array {
  const converter = new Converter({
    inputRate,
    outputRate,
    channels: 1,
    quality,
    maxInputFrames: blockFrames,
  });
  const output = new Float32Array(Math.ceil((input.length * outputRate) / inputRate) + 8);
  let made = 0;
  for (let at = 0; at < input.length; ) {
    at += converter.push(input, Math.min(blockFrames, input.length - at), at);
    made += converter.pull(output, output.length - made, made);
  }
  converter.end();
  made += converter.pull(output, output.length - made, made);
  return output.subarray(0, made);
}

function tone(hz: number, rate: number, frames: number): Float32Array {
  return Float32Array.from({ length: frames }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rate));
}

/** Largest difference to a tone at the output's own rate, away from both ends, in decibels. */
function errorDb(output: Float32Array, hz: number, rate: number, edge: number): number {
  let largest = 0;
  for (let i = edge; i < output.length - edge; i++) {
    largest = Math.max(largest, Math.abs(output[i]! - Math.sin((2 * Math.PI * hz * i) / rate)));
  }
  return 20 * Math.log10(largest);
}

/** Root mean square away from both ends, in decibels below that of a full tone. */
function levelDb(output: Float32Array, edge: number): number {
  let sum = 0;
  for (let i = edge; i < output.length - edge; i++) sum += output[i]! ** 2;
  return 10 * Math.log10((2 * sum) / (output.length - 2 * edge));
}

const pairs: [number, number][] = [
  [44_100, 48_000],
  [48_000, 44_100],
  [8000, 48_000],
  [8000, 192_000],
  [192_000, 8000],
  [96_000, 48_000],
  [48_000, 96_000],
  [11_025, 44_100],
  [22_050, 192_000],
  [192_000, 44_100],
  [44_099, 48_000],
  [48_000, 47_999],
  [44_100, 48_000.7],
  [48_000.123, 44_100],
  [192_000, 8001.3],
];

describe('Converter', () => {
  it.each(pairs)('%d to %d Hz keeps tones in place and level', (inputRate, outputRate) => {
    const frames = Math.round(inputRate * 0.5);
    const nyquist = Math.min(inputRate, outputRate) / 2;
    for (const hz of [nyquist * 0.02, nyquist * 0.31, nyquist * 0.9]) {
      const output = convert(tone(hz, inputRate, frames), inputRate, outputRate);
      expect(output.length).toBe(Math.round((frames * outputRate) / inputRate));
      // 0.01 dB of level would be an error of -59 dB; float32 itself ends near -140 dB.
      expect(errorDb(output, hz, outputRate, output.length >> 2), `${hz} Hz`).toBeLessThan(-115);
    }
  });

  it('passes 20 kHz from 44.1 to 48 kHz within 0.01 dB', () => {
    for (const hz of [1000, 15_000, 19_000, 20_000]) {
      const level = levelDb(convert(tone(hz, 44_100, 44_100), 44_100, 48_000), 1000);
      expect(Math.abs(level)).toBeLessThan(0.01);
    }
  });

  it.each(pairs.filter(([inputRate, outputRate]) => outputRate < inputRate))(
    '%d to %d Hz takes out what the output cannot hold',
    (inputRate, outputRate) => {
      // Near the two rates' equality there is little between the two Nyquist frequencies.
      for (const part of [0, 0.3, 0.9]) {
        const hz = outputRate / 2 + part * (inputRate / 2 - outputRate / 2);
        const frames = Math.round(inputRate * 0.5);
        const output = convert(tone(hz, inputRate, frames), inputRate, outputRate);
        expect(levelDb(output, output.length >> 2), `${hz} Hz`).toBeLessThan(-120);
      }
    },
  );

  it.each([
    [8000, 48_000],
    [44_100, 48_000],
    [44_099, 96_000],
  ])('%d to %d Hz makes no images', (inputRate, outputRate) => {
    const hz = inputRate * 0.4;
    const output = convert(tone(hz, inputRate, inputRate), inputRate, outputRate);
    expect(errorDb(output, hz, outputRate, output.length >> 2)).toBeLessThan(-115);
  });

  it('keeps a constant exact and an impulse symmetric', () => {
    const constant = convert(new Float32Array(4000).fill(0.5), 44_100, 48_000);
    for (let i = 500; i < constant.length - 500; i++) expect(constant[i]).toBeCloseTo(0.5, 6);
    const impulse = new Float32Array(2001);
    impulse[1000] = 1;
    const response = convert(impulse, 48_000, 96_000);
    for (let i = 1; i < 300; i++) expect(response[2000 + i]).toBeCloseTo(response[2000 - i]!, 7);
  });

  it('gives the same samples however its input is cut', () => {
    const input = tone(700, 44_100, 5000);
    const whole = convert(input, 44_100, 48_000, 5000);
    for (const blockFrames of [1, 7, 64, 4999]) {
      expect(convert(input, 44_100, 48_000, blockFrames)).toEqual(whole);
    }
  });

  it.each([1, 2, 3, 5, 8])('converts each of %d channels as if it were alone', (channels) => {
    const frames = 3000;
    const tones = Array.from({ length: channels }, (_, c) => tone(300 + 71 * c, 44_100, frames));
    const converter = new Converter({
      inputRate: 44_100,
      outputRate: 48_000,
      channels,
      maxInputFrames: frames,
    });
    converter.push(interleave(tones), frames);
    converter.end();
    const output = new Float32Array(4000 * channels);
    const made = converter.pull(output, 4000);
    const planes = deinterleave(output.subarray(0, made * channels), channels);
    for (const [channel, plane] of planes.entries()) {
      expect(plane).toEqual(convert(tones[channel]!, 44_100, 48_000));
    }
  });

  it.each([0, 1, 2, 3, 10, 147, 160])('gives the exact number of frames for %d', (frames) => {
    for (const [inputRate, outputRate] of pairs) {
      const output = convert(new Float32Array(frames), inputRate, outputRate);
      expect(output.length).toBe(Math.round((frames * outputRate) / inputRate));
    }
  });
});
