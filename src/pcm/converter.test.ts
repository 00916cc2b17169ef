import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockConverter } from './block-converter.js';
import { deinterleave, interleave } from './channels.js';
import { Converter } from './converter.js';
import type { Quality } from './filter-design.js';
import { convertWhole, judgeTone, levelDb as levelOf, makeTone } from './tone.js';

function convert(
  input: Float32Array,
  inputRate: number,
  outputRate: number,
  blockFrames = 1000,
  quality: Quality = 'music',
): Float32Array {
  const format = { inputRate, outputRate, channels: 1 };
  const converter = new Converter({ ...format, quality, maxInputFrames: blockFrames });
  return convertWhole(converter, input, { ratio: outputRate / inputRate, blockFrames });
}

function tone(hz: number, rate: number, frames: number): Float32Array {
  return Float32Array.from({ length: frames }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rate));
}

/** Away from both ends: the level against a tone at its place, and the most that is not the tone. */
function against(output: Float32Array, hz: number, rate: number, edge: number) {
  let yx = 0;
  let xx = 0;
  for (let i = edge; i < output.length - edge; i++) {
    const x = Math.sin((2 * Math.PI * hz * i) / rate);
    yx += output[i]! * x;
    xx += x * x;
  }
  const gain = yx / xx;
  let largest = 0;
  for (let i = edge; i < output.length - edge; i++) {
    const x = Math.sin((2 * Math.PI * hz * i) / rate);
    largest = Math.max(largest, Math.abs(output[i]! - gain * x));
  }
  return { levelDb: 20 * Math.log10(gain), errorDb: 20 * Math.log10(largest) };
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
      const { levelDb, errorDb } = against(output, hz, outputRate, output.length >> 2);
      expect(Math.abs(levelDb), `${hz} Hz`).toBeLessThan(0.006);
      // A thousandth of a frame off its place would be -84 to -51 dB; two images make -118 dB.
      expect(errorDb, `${hz} Hz`).toBeLessThan(-115);
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
    expect(against(output, hz, outputRate, output.length >> 2).errorDb).toBeLessThan(-115);
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

const engines = [
  'frame by frame',
  'frame by frame, adjustable',
  'by blocks',
  'by short blocks',
] as const;

function engine(
  name: (typeof engines)[number],
  format: {
    inputRate: number;
    outputRate: number;
    channels: number;
    quality: 'music' | 'mastering';
  },
) {
  if (name === 'by blocks') return new BlockConverter(format);
  if (name === 'by short blocks') {
    const short = { ...format, waitFramesMax: 0.02 * format.inputRate };
    return new BlockConverter(BlockConverter.supports(short) ? short : format);
  }
  const adjustable = name === 'frame by frame, adjustable';
  return new Converter({ ...format, adjustable, maxInputFrames: 4096 });
}

describe.each(engines)('quality, %s', (name) => {
  it.each([
    ['music', 44_100, 48_000, -120],
    ['music', 48_000, 44_100, -120],
    ['mastering', 44_100, 48_000, -140],
    ['mastering', 48_000, 44_100, -140],
  ] as const)('%s from %d to %d Hz', (quality, inputRate, outputRate, wantedDb) => {
    const frames = 24_000;
    const ratio = outputRate / inputRate;
    for (const hz of [
      40, 997, 6000, 11_025, 15_001, 19_000, 20_000, 20_700, 21_500, 22_100, 23_500,
    ]) {
      if (hz >= inputRate / 2) continue;
      const converter = engine(name, { inputRate, outputRate, channels: 1, quality });
      const whole = convertWhole(converter, makeTone(hz, inputRate, frames), {
        ratio,
        blockFrames: 4096,
      });
      expect(whole.length).toBe(Math.round(frames * ratio));
      const output = whole.slice(1000, -1000);
      if (hz >= outputRate / 2) {
        expect(levelOf(output), `alias of ${hz} Hz`).toBeLessThan(wantedDb);
        continue;
      }
      const { gainDb, residualDb } = judgeTone(output, hz, outputRate);
      expect(residualDb, `THD+N and aliases at ${hz} Hz`).toBeLessThan(wantedDb);
      if (hz <= 20_000) expect(Math.abs(gainDb), `level at ${hz} Hz`).toBeLessThan(0.01);
    }
  });

  it('gives the same samples however calls cut the stream', () => {
    const frames = 6000;
    const input = interleave([makeTone(997, 44_100, frames), makeTone(3001, 44_100, frames)]);
    const format = {
      inputRate: 44_100,
      outputRate: 48_000,
      channels: 2,
      quality: 'music',
    } as const;
    const total = Math.round((frames * 48_000) / 44_100);
    const whole = convertWhole(engine(name, format), input, {
      ratio: 48 / 44.1,
      blockFrames: 4096,
    });
    expect(whole.length).toBe(2 * total);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 5000 })), {
          maxLength: 40,
        }),
        (cuts) => {
          const converter = engine(name, format);
          const output = new Float32Array(2 * total);
          let taken = 0;
          let made = 0;
          for (const [push, pull] of cuts) {
            taken += converter.push(input, Math.min(push, frames - taken), taken);
            made += converter.pull(output, Math.min(pull, total - made), made);
          }
          while (taken < frames) {
            taken += converter.push(input, Math.min(100, frames - taken), taken);
            made += converter.pull(output, total - made, made);
          }
          converter.end();
          made += converter.pull(output, total - made, made);
          expect(made).toBe(total);
          expect(converter.pull(new Float32Array(2), 1)).toBe(0);
          expect(output).toEqual(whole);
        },
      ),
      { numRuns: 40 },
    );
  });

  it.each([0, 1, 2, 146, 147, 148, 5000])('gives the exact number of frames for %d', (frames) => {
    const rates = [44_100, 48_000, 8000, 16_000, 96_000];
    for (const inputRate of rates) {
      for (const outputRate of rates) {
        const format = { inputRate, outputRate, channels: 1, quality: 'music' } as const;
        const ratio = outputRate / inputRate;
        const output = convertWhole(engine(name, format), new Float32Array(frames), {
          ratio,
          blockFrames: 999,
        });
        const wanted = Math.round((frames * outputRate) / inputRate);
        expect(output.length, `${inputRate} to ${outputRate}`).toBe(wanted);
      }
    }
  });

  it('takes what is not finite as 0', () => {
    const input = makeTone(997, 44_100, 4000);
    const clean = input.slice();
    for (const [at, value] of [NaN, Infinity, -Infinity].entries()) {
      input[1000 + at] = value;
      clean[1000 + at] = 0;
    }
    const format = {
      inputRate: 44_100,
      outputRate: 48_000,
      channels: 1,
      quality: 'music',
    } as const;
    const options = { ratio: 48 / 44.1, blockFrames: 512 };
    expect(convertWhole(engine(name, format), input, options)).toEqual(
      convertWhole(engine(name, format), clean, options),
    );
  });
});

describe('a BlockConverter', () => {
  it('waits no longer than it is allowed to', () => {
    for (const channels of [1, 2]) {
      for (const waitFramesMax of [500, 800, 3000]) {
        const format = { inputRate: 44_100, outputRate: 48_000, channels, waitFramesMax };
        if (!BlockConverter.supports(format)) continue;
        const converter = new BlockConverter(format);
        expect(converter.latencyFrames).toBeLessThanOrEqual(waitFramesMax);
        const output = new Float32Array(4000 * channels);
        let made = 0;
        for (let taken = 1; taken <= 3000; taken++) {
          converter.push(new Float32Array(channels), 1);
          made += converter.pull(output, 4000);
          const least = ((taken - converter.latencyFrames) * 48_000) / 44_100;
          expect(made, `${taken} frames`).toBeGreaterThanOrEqual(Math.floor(least));
        }
      }
    }
  });

  it('says where it has no plan', () => {
    const format = { inputRate: 44_100, outputRate: 48_000, channels: 2 };
    expect(BlockConverter.supports(format)).toBe(true);
    expect(BlockConverter.supports({ ...format, waitFramesMax: 200 })).toBe(false);
    expect(BlockConverter.supports({ ...format, inputRate: 44_100.5 })).toBe(false);
    expect(BlockConverter.supports({ ...format, inputRate: 44_101 })).toBe(false);
  });
});

describe('a stream through a Converter', () => {
  it('says how many frames it needs, to the frame', () => {
    fc.assert(
      fc.property(
        fc.constantFrom([44_100, 48_000], [48_000, 44_100], [48_000, 16_000], [8000, 48_000]),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 }),
        ([inputRate, outputRate], adjustable, pulls) => {
          const maxInputFrames = 4096;
          const format = { inputRate: inputRate!, outputRate: outputRate!, channels: 1 };
          const converter = new Converter({ ...format, adjustable, maxInputFrames });
          const input = new Float32Array(maxInputFrames);
          const output = new Float32Array(701);
          for (const [index, frames] of pulls.entries()) {
            if (adjustable) converter.setTrim(((index * 700) % 2000) - 1000);
            const needed = converter.framesNeeded(frames);
            if (needed > 0) {
              converter.push(input, needed - 1);
              expect(converter.framesNeeded(frames)).toBe(1);
              const made = converter.pull(output, frames);
              expect(made).toBeLessThan(frames);
              converter.push(input, 1);
              expect(converter.pull(output, frames - made)).toBe(frames - made);
            } else {
              expect(converter.pull(output, frames)).toBe(frames);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('always takes a block after it could not give all', () => {
    const maxInputFrames = 441;
    const converter = new Converter({
      inputRate: 48_000,
      outputRate: 44_100,
      channels: 2,
      maxInputFrames,
    });
    const block = new Float32Array(2 * maxInputFrames);
    const output = new Float32Array(2 * 10_000);
    for (let i = 0; i < 50; i++) {
      expect(converter.push(block, maxInputFrames)).toBe(maxInputFrames);
      expect(converter.pull(output, 10_000)).toBeLessThan(10_000);
    }
    // And no more than it has place for.
    let accepted = 0;
    for (let i = 0; i < 10; i++) accepted += converter.push(block, maxInputFrames);
    expect(accepted).toBeLessThan(4 * maxInputFrames);
    expect(accepted).toBeGreaterThanOrEqual(maxInputFrames);
  });

  it('passes equal rates unchanged', () => {
    const input = makeTone(997, 48_000, 1000);
    for (const quality of ['draft', 'voice', 'music', 'mastering'] as const) {
      expect(convert(input, 48_000, 48_000, 100, quality)).toEqual(input);
    }
  });

  it('drafts between rates with a fraction', () => {
    const output = convert(tone(100, 44_100, 4410), 44_100, 48_000.7, 100, 'draft');
    expect(against(output, 100, 48_000.7, 500).errorDb).toBeLessThan(-60);
  });

  it('draws straight lines in a draft', () => {
    const output = convert(Float32Array.of(0, 1, 0, -1), 24_000, 48_000, 4, 'draft');
    expect(output).toEqual(Float32Array.of(0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5));
  });

  it('keeps what it promises for voice', () => {
    for (const [inputRate, outputRate] of [
      [48_000, 16_000],
      [16_000, 48_000],
    ] as const) {
      for (const hz of [300, 3400, 6800]) {
        const whole = convert(makeTone(hz, inputRate, 24_000), inputRate, outputRate, 999, 'voice');
        const { gainDb, residualDb } = judgeTone(whole.slice(500, -500), hz, outputRate);
        expect(Math.abs(gainDb)).toBeLessThan(0.01);
        expect(residualDb).toBeLessThan(-80);
      }
    }
  });

  it('is as new after a reset', () => {
    const input = makeTone(997, 44_100, 3000);
    const converter = new Converter({
      inputRate: 44_100,
      outputRate: 48_000,
      channels: 1,
      maxInputFrames: 500,
    });
    const options = { ratio: 48 / 44.1, blockFrames: 500 };
    const first = convertWhole(converter, input, options).slice();
    expect(() => converter.push(input, 1)).toThrow('ended');
    converter.reset();
    expect(convertWhole(converter, input, options)).toEqual(first);
  });

  it('refuses what makes no sense', () => {
    const format = { inputRate: 44_100, outputRate: 48_000, channels: 2, maxInputFrames: 64 };
    expect(() => new Converter({ ...format, channels: 9 })).toThrow('too many');
    expect(() => new Converter({ ...format, inputRate: 0 })).toThrow('positive');
    expect(() => new Converter({ ...format, inputRate: Number.NaN })).toThrow('positive');
    expect(() => new Converter({ ...format, inputRate: 1e9 })).toThrow('too fast');
    expect(() => new Converter(format).setTrim(1)).toThrow('adjustable');
  });
});
