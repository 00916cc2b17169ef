import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type Calibration,
  calibrationFault,
  demandCalibration,
  loadCalibration,
  saveCalibration,
} from './calibration.js';

const folder = mkdtempSync(join(tmpdir(), 'tenuto-calibration-'));
afterAll(() => rmSync(folder, { recursive: true }));

const stream = {
  engine: 'default',
  keeperPid: 4711,
  generation: 1,
  device: 'alsa:hw:0',
  rateHz: 48_000,
  quantumFrames: 128,
};
const calibration: Calibration = {
  savedAt: '2026-01-01T00:00:00.000Z',
  stream,
  rateErrorPpm: 12,
  latency: { frames: 511.25, madFrames: 0.001, runs: 10 },
  clutter: {
    chirp: {
      kind: 'linear',
      startHz: 2000,
      endHz: 20_000,
      durationMs: 50,
      amplitude: 0.8,
      rateHz: 48_000,
    },
    takes: 8,
    samples: Float32Array.of(0, 0.25, -0.5, 1e-9),
  },
};

describe('a calibration', () => {
  it('is read as it was written, over the one before', () => {
    const file = join(folder, 'deep', 'down', 'calibration.json');
    saveCalibration(file, { ...calibration, clutter: null });
    expect(loadCalibration(file).clutter).toBeNull();
    saveCalibration(file, calibration);
    expect(loadCalibration(file)).toEqual(calibration);
  });

  it('holds for no other stream, and says why', () => {
    const now = (more: object, rateErrorPpm = 12) => ({
      stream: { ...stream, ...more },
      rateErrorPpm,
    });
    expect(calibrationFault(calibration, now({}))).toBeNull();
    const faults: [object, RegExp][] = [
      [{ device: 'virtual' }, /of the device alsa:hw:0, this is virtual/],
      [{ rateHz: 44_100 }, /48000 Hz/],
      [{ quantumFrames: 64 }, /quanta of 128/],
      [{ keeperPid: 1 }, /another start/],
      [{ generation: 2 }, /generation 1 .* generation 2/],
    ];
    for (const [more, message] of faults) {
      expect(calibrationFault(calibration, now(more))).toMatch(message);
      expect(() => demandCalibration(calibration, now(more))).toThrow(message);
    }
    expect(calibrationFault(calibration, now({}, 112))).toMatch(/100 ppm/);
  });

  it('that is hostile is refused', () => {
    const file = join(folder, 'hostile.json');
    const good = join(folder, 'good.json');
    saveCalibration(good, calibration);
    const stored = JSON.parse(readFileSync(good, 'utf8'));
    const wrong = [
      '',
      'null',
      '[]',
      '{"v":1}',
      JSON.stringify({ ...stored, v: 2 }),
      JSON.stringify({ ...stored, more: 1 }),
      JSON.stringify({ ...stored, latency: { frames: 1e300, madFrames: 0, runs: 1 } }),
      JSON.stringify({ ...stored, clutter: { ...stored.clutter, samples: 'AAA=' } }),
      JSON.stringify({ ...stored, clutter: { ...stored.clutter, samples: 'AADAfw==' } }),
    ];
    for (const text of wrong) {
      writeFileSync(file, text);
      expect(() => loadCalibration(file)).toThrow(/is no calibration/);
    }
    expect(() => loadCalibration(folder)).toThrow(/no file/);
    expect(() => loadCalibration(join(folder, 'missing'))).toThrow(/there is no calibration/);
  });
});
