import { describe, expect, it } from 'vitest';
import { deviceHealth } from './device.js';
import { Pace, paceAt } from './pace.js';

const format = { rateHz: 48_000, quantum: 128 };

/** Follows a device that moves in steps, and gives the gaps between the times that are foreseen. */
function follow(options: { rateErrorPpm: number; stepFrames: number; seconds: number }) {
  const pace = new Pace(format);
  const { times } = pace;
  const framesPerNs = (48_000 / 1e9) * (1 + options.rateErrorPpm * 1e-6);
  const startNs = 7e12;
  const gapsUs: number[] = [];
  times[paceAt.now] = startNs;
  times[paceAt.observed] = 0;
  pace.begin();
  let before = startNs;
  for (let frames = 128; frames < options.seconds * 48_000; frames += 128) {
    times[paceAt.wanted] = frames;
    pace.foresee();
    const due = times[paceAt.due]!;
    gapsUs.push((due - before) / 1000);
    before = due;
    times[paceAt.now] = due;
    const exact = (due - startNs) * framesPerNs;
    times[paceAt.observed] = Math.floor(exact / options.stepFrames) * options.stepFrames;
    pace.observe();
  }
  const health = new Float64Array(deviceHealth.places);
  pace.report(health);
  return {
    gapsUs,
    rateErrorPpm: health[deviceHealth.rateErrorPpm]!,
    jitterUs: health[deviceHealth.jitterUs]!,
  };
}

describe('the pace of a device', () => {
  it.each([-300, 0, 250])('knows a rate error of %i ppm', (rateErrorPpm) => {
    const found = follow({ rateErrorPpm, stepFrames: 1, seconds: 120 });
    expect(found.rateErrorPpm).toBeCloseTo(rateErrorPpm, 0);
    expect(found.jitterUs).toBeLessThan(30);
  });

  it('is even although the device moves 1024 frames at a time', () => {
    const { gapsUs } = follow({ rateErrorPpm: 100, stepFrames: 1024, seconds: 60 });
    const settled = gapsUs.slice(gapsUs.length / 2);
    const periodUs = (128 / 48_000) * 1e6;
    for (const gap of settled) expect(Math.abs(gap - periodUs)).toBeLessThan(50);
  });

  it('tells no rate before it stands still, and none that a leap of the device makes', () => {
    const pace = new Pace(format);
    const { times } = pace;
    const health = new Float64Array(deviceHealth.places);
    const told = () => {
      pace.report(health);
      return health[deviceHealth.rateErrorPpm]!;
    };
    let frames = 0;
    const play = (seconds: number) => {
      for (const end = frames + seconds * 48_000; frames < end; frames += 128) {
        times[paceAt.now] = 7e12 + (frames / 48_000) * 1e9;
        // 80 ppm fast, and a server that changes its way after a minute.
        times[paceAt.observed] = frames * (1 + 80e-6) + (frames > 60 * 48_000 ? 800 : 0);
        if (frames === 0) pace.begin();
        pace.observe();
      }
    };
    play(7);
    expect(told()).toBeNaN();
    play(53);
    expect(Math.abs(told() - 80)).toBeLessThan(1);
    for (let half = 0; half < 80; half++) {
      play(0.5);
      expect(Math.abs(told() - 80)).toBeLessThan(30);
    }
    expect(Math.abs(told() - 80)).toBeLessThan(1);
  });

  it('begins anew where the device jumps', () => {
    const pace = new Pace(format);
    pace.begin();
    pace.times[paceAt.now] = 1e9;
    pace.times[paceAt.observed] = 480_000;
    pace.observe();
    expect(pace.times[paceAt.position]).toBe(480_000);
    pace.times[paceAt.wanted] = 480_480;
    pace.foresee();
    expect(pace.times[paceAt.due]).toBeCloseTo(1.01e9, -3);
  });
});
