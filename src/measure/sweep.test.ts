import { beforeAll, describe, expect, it } from 'vitest';
import { hearRoom } from '../device/room/room.js';
import { roomSchema } from '../settings/room.js';
import { makeChirp } from './chirp.js';
import { Fourier } from './fourier.js';
import { deconvolve } from './sweep.js';

const rateHz = 48_000;
const options = { durationSec: 1, amplitude: 0.5, tailSec: 0.5 };
const sweep = makeChirp({
  kind: 'exponential',
  startHz: 20,
  endHz: 20_000,
  durationMs: 1000,
  amplitude: 0.5,
  rateHz,
  taper: 0.02,
});

let fourier: Fourier;
beforeAll(async () => {
  fourier = await Fourier.load();
});

/** The sweep through a curve, so many frames late. */
function answerOf(curve: (x: number) => number, late: number): Float32Array {
  const answer = new Float32Array(sweep.length + 24_000);
  for (let i = 0; i < sweep.length; i++) answer[late + i] = curve(sweep[i]!);
  return answer;
}

describe('a sweep', () => {
  it('of a wire gives a click at its delay, and no distortion', () => {
    const response = deconvolve(
      fourier,
      answerOf((x) => 0.25 * x, 1234),
      rateHz,
      options,
    );
    expect(response.delayFrames).toBe(1234);
    expect(response.gainDb).toBeCloseTo(-12.04, 1);
    expect(response.samples[response.peakAt]).toBeGreaterThan(0.15);
    expect(response.distortionPercent).toBeLessThan(0.05);
    expect(response.reverberationSec).toBeNull();
  });

  it('tells each harmonic of a curve that bends', () => {
    const [square, cube] = [0.02, 0.01];
    const curve = (x: number) => x + square * x * x + cube * x * x * x;
    const response = deconvolve(fourier, answerOf(curve, 500), rateHz, options);
    // Of a sine of amplitude a: a²/2 of the square, a³/4 of the cube.
    const second = 20 * Math.log10((square * 0.5) / 2);
    const third = 20 * Math.log10((cube * 0.25) / 4);
    expect(Math.abs(response.harmonics[0]!.db! - second)).toBeLessThan(0.5);
    expect(Math.abs(response.harmonics[1]!.db! - third)).toBeLessThan(1);
    expect(response.harmonics[2]!.db).toBeLessThan(-75);
    expect(response.harmonics.map(({ order }) => order)).toEqual([2, 3, 4, 5]);
  });

  it('of a room gives its reverberation', () => {
    const room = roomSchema.parse({ noiseDb: -200, direct: 0, tailSec: 0.4, tailDb: -20 });
    const place = { rateHz, rateErrorPpm: 0, quantum: 128 };
    const heard = hearRoom(room, place, { signal: sweep, frames: sweep.length + 48_000 });
    const response = deconvolve(fourier, heard, rateHz, { ...options, tailSec: 1 });
    expect(response.reverberationSec).toBeGreaterThan(0.3);
    expect(response.reverberationSec).toBeLessThan(0.5);
  });

  it('that cannot be is refused', () => {
    const answer = new Float32Array(100);
    const refused = (more: object) => () =>
      deconvolve(fourier, answer, rateHz, { ...options, ...more });
    expect(refused({ durationSec: 0 })).toThrow(/durationSec/);
    expect(refused({ startHz: 9000, endHz: 10_000 })).toThrow(/octave/);
    expect(refused({ atHz: 10 })).toThrow(/atHz/);
    expect(refused({ harmonics: 1 })).toThrow(/harmonics/);
    expect(refused({ amplitude: 2 })).toThrow(/amplitude/);
  });
});
