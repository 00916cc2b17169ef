import { describe, expect, it } from 'vitest';
import { simulateClockPair } from './clock-pair.js';
import { Converter } from './converter.js';
import { DriftController } from './drift-controller.js';

const centPpm = (2 ** (1 / 1200) - 1) * 1e6;

describe('DriftController', () => {
  it.each([
    ['200 ppm', () => 200],
    ['-200 ppm', () => -200],
    ['200 ppm, 5 more and less in an hour', (sec: number) => 200 + 5 * Math.sin(sec / 573)],
  ])('holds a buffer between two clocks that are %s apart, for 10 hours', (_, driftPpm) => {
    const found = simulateClockPair({ hours: 10, driftPpm, jitterSec: 0.02, seed: 7 });
    expect(found.xruns).toBe(0);
    expect(found.lockedSec).toBeLessThan(61);
    // A block of each, and a late one, lie between the least and the most.
    expect(found.leastFrames).toBeGreaterThan(4096 - 2048);
    expect(found.mostFrames).toBeLessThan(4096 + 2048);
    expect(found.wanderCent).toBeLessThan(0.1);
  });

  it('never asks for more than its limits, and is free again at once', () => {
    const controller = new DriftController({ rateHz: 48_000, trimPpmMax: 300, slewPpmPerSec: 50 });
    let before = 0;
    for (let i = 0; i < 6000; i++) {
      controller.update(100_000, 480);
      const trim = controller.trimPpm;
      expect(Math.abs(trim)).toBeLessThanOrEqual(300);
      expect(Math.abs(trim - before)).toBeLessThanOrEqual(0.5 + 1e-9);
      before = trim;
    }
    expect(before).toBe(300);
    // An integral that had been wound up for a minute would take as long to come back.
    let sec = 0;
    for (; controller.trimPpm > 0; sec += 0.01) controller.update(-200, 480);
    expect(sec).toBeLessThan(20);
  });

  it('locks anew after an interruption', () => {
    const controller = new DriftController({ rateHz: 48_000 });
    for (let i = 0; i < 7000; i++) controller.update(0, 480);
    expect(controller.isLocked).toBe(true);
    for (let i = 0; i < 1000; i++) controller.update(20_000, 480);
    expect(controller.isLocked).toBe(false);
    controller.reset();
    expect(controller.trimPpm).toBe(0);
  });
});

describe('Converter under a DriftController', () => {
  it('plays a tone of a clock that is 200 ppm fast at its pitch, without a click', () => {
    const rateHz = 48_000;
    const toneHz = 997;
    const driftPpm = 200;
    const controller = new DriftController({ rateHz, lockSec: 20 });
    const converter = new Converter({
      inputRate: rateHz,
      outputRate: rateHz,
      channels: 1,
      maxInputFrames: 4096,
      adjustable: true,
    });
    // In its own time the producer plays the tone exactly; its clock makes it 200 ppm sharp.
    const block = new Float32Array(1024);
    let phase = 0;
    let producedSec = 0;
    const target = 2048;
    const produce = () => {
      for (let i = 0; i < block.length; i++) {
        block[i] = 0.5 * Math.sin(2 * Math.PI * phase);
        phase = (phase + toneHz / rateHz) % 1;
      }
      producedSec += block.length / (rateHz * (1 + driftPpm * 1e-6));
      expect(converter.push(block, block.length)).toBe(block.length);
    };
    produce();
    produce();
    produce();
    producedSec = 0;

    const frames = 441;
    const seconds = 60;
    const output = new Float32Array(seconds * rateHz);
    let made = 0;
    while (made + frames <= output.length) {
      const now = made / rateHz;
      while (producedSec <= now) produce();
      controller.update(converter.bufferedFrames - target, frames);
      converter.follow(controller.trim);
      expect(converter.pull(output, frames, made)).toBe(frames);
      made += frames;
    }
    // The tone that the consumer should hear: what the producer's clock made of it, 200 ppm up.
    const heardHz = toneHz * (1 + driftPpm * 1e-6);
    const from = 40 * rateHz;
    const to = made;
    const { hz, residualDb } = measureTone(output.subarray(from, to), heardHz, rateHz);
    expect(Math.abs(hz / heardHz - 1) * 1e6).toBeLessThan(0.02 * centPpm);
    expect(residualDb).toBeLessThan(-60);
  });
});

/**
 * The frequency of a tone near `nearHz`, by how its phase moves from one tenth of a second to the
 * next, and what else is there, second differences against those of the tone: clicks stand out.
 */
function measureTone(samples: Float32Array, nearHz: number, rateHz: number) {
  const span = rateHz / 10;
  const phases: number[] = [];
  for (let at = 0; at + span <= samples.length; at += span) {
    let re = 0;
    let im = 0;
    for (let i = at; i < at + span; i++) {
      const angle = (2 * Math.PI * nearHz * i) / rateHz;
      re += samples[i]! * Math.cos(angle);
      im -= samples[i]! * Math.sin(angle);
    }
    phases.push(Math.atan2(im, re));
  }
  const turns = (phases.at(-1)! - phases[0]!) / (2 * Math.PI);
  const hz = nearHz + turns / ((phases.length - 1) * 0.1);
  // y[n] - 2 cos(w) y[n-1] + y[n-2] is 0 for the tone alone.
  const factor = 2 * Math.cos((2 * Math.PI * hz) / rateHz);
  let most = 0;
  for (let i = 2; i < samples.length; i++) {
    most = Math.max(most, Math.abs(samples[i]! - factor * samples[i - 1]! + samples[i - 2]!));
  }
  return { hz, residualDb: 20 * Math.log10(most / 0.5) };
}
