import { describe, expect, it } from 'vitest';
import { Converter } from '../pcm/index.js';
import { ConvertingDevice } from './converting.js';
import { type Device, DeviceSignal, deviceHealth } from './device.js';

const quantum = 128;
const channels = 2;

/** Takes and gives a block each time it is waited for; a scripted one is lost. */
class Deck implements Device {
  readonly name = 'deck';
  readonly channels = channels;
  readonly latencyFrames = 256;
  readonly health = new Float64Array(deviceHealth.places);
  readonly written: number[] = [];
  readonly captured: number[] = [];
  /** Frames that it holds and has not played. */
  unplayedFrames = 0;
  lostAtBlock = Number.POSITIVE_INFINITY;
  private blocks = 0;

  constructor(
    readonly rateHz: number,
    readonly captureChannels: number,
  ) {}

  open(): void {}

  wait(): DeviceSignal {
    return DeviceSignal.due;
  }

  read(into: Float32Array): void {
    for (let i = 0; i < into.length; i++) {
      into[i] = Math.sin((this.captured.length + 1) * 0.01);
      this.captured.push(into[i]!);
    }
  }

  write(samples: Float32Array): DeviceSignal {
    if (this.blocks++ >= this.lostAtBlock) return DeviceSignal.lost;
    this.written.push(...samples);
    return DeviceSignal.due;
  }

  drain(): void {}

  close(): void {}
}

function deviceOver(deck: Deck, rateHz: number): ConvertingDevice {
  const options = { rateHz, quantum, quality: 'music', readClock: () => {} } as const;
  const device = new ConvertingDevice(deck, options, quantum);
  device.open();
  return device;
}

/** The n-th quantum of a sound that never repeats. */
function quantumOf(index: number): Float32Array {
  return Float32Array.from({ length: quantum * channels }, (_, i) =>
    Math.sin(((index * quantum * channels + i) ** 2 % 10_007) * 0.1),
  );
}

function firstDifference(given: readonly number[], expected: Float32Array): number {
  return given.findIndex((sample, i) => sample !== expected[i]);
}

/** All of `input` at another rate. */
function converted(input: readonly number[], from: number, to: number): Float32Array {
  const frames = input.length / channels;
  const converter = new Converter({
    inputRate: from,
    outputRate: to,
    channels,
    quality: 'music',
    maxInputFrames: frames,
  });
  converter.push(Float32Array.from(input), frames);
  converter.end();
  const output = new Float32Array((Math.ceil((frames * to) / from) + 1) * channels);
  return output.subarray(0, converter.pull(output, output.length / channels) * channels);
}

describe.each([
  [48_000, 44_100],
  [44_100, 48_000],
  [48_000, 16_000],
  [32_000, 96_000],
])('a device that is written to at %i Hz and runs at %i Hz', (engineRate, deviceRate) => {
  it('is given what one conversion of the whole gives, every frame of it', () => {
    const deck = new Deck(deviceRate, 0);
    const device = deviceOver(deck, engineRate);
    const written: number[] = [];
    for (let turn = 0; turn < 300; turn++) {
      expect(device.wait()).toBe(DeviceSignal.due);
      const samples = quantumOf(turn);
      written.push(...samples);
      expect(device.write(samples)).toBe(DeviceSignal.due);
    }
    device.drain(1000);
    const expected = converted(written, engineRate, deviceRate);
    expect(deck.written.length).toBe(expected.length);
    expect(firstDifference(deck.written, expected)).toBe(-1);
    expect(device.unplayedFrames).toBe(0);
  });

  it('has its turns in the ratio of the rates', () => {
    const deck = new Deck(deviceRate, 0);
    const device = deviceOver(deck, engineRate);
    for (let turn = 1; turn <= 2000; turn++) {
      device.wait();
      device.write(quantumOf(turn));
      const ahead = turn * quantum - (deck.written.length / channels) * (engineRate / deviceRate);
      expect(ahead).toBeGreaterThanOrEqual(0);
      expect(ahead).toBeLessThan(2 * quantum * Math.max(1, engineRate / deviceRate) + 200);
    }
  });

  it('hears all that is captured, without a gap once it has begun', () => {
    const deck = new Deck(deviceRate, channels);
    const device = deviceOver(deck, engineRate);
    const heard: number[] = [];
    const part = new Float32Array(quantum * channels);
    for (let turn = 0; turn < 300; turn++) {
      device.wait();
      device.read(part);
      heard.push(...part);
      device.write(quantumOf(turn));
    }
    const expected = converted(deck.captured, deviceRate, engineRate);
    const silence = heard.findIndex((sample) => sample !== 0);
    expect(silence).toBeGreaterThanOrEqual(0);
    const rest = heard.slice(silence);
    expect(rest.length).toBeGreaterThan(290 * quantum);
    expect(firstDifference(rest, expected)).toBe(-1);
  });

  it('counts what was written and not heard, and not what was refused', () => {
    const deck = new Deck(deviceRate, 0);
    const device = deviceOver(deck, engineRate);
    const ratio = engineRate / deviceRate;
    deck.lostAtBlock = 50;
    let written = 0;
    for (;;) {
      if (device.wait() === DeviceSignal.lost) break;
      if (device.write(quantumOf(written)) === DeviceSignal.lost) break;
      written++;
    }
    deck.unplayedFrames = 300;
    const heard = deck.written.length / channels - deck.unplayedFrames;
    expect(device.unplayedFrames).toBe(written * quantum - Math.round(heard * ratio));
  });
});
