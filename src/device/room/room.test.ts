import { beforeAll, describe, expect, it } from 'vitest';
import { findArrivals } from '../../measure/arrivals.js';
import { makeChirp } from '../../measure/chirp.js';
import { Fourier } from '../../measure/fourier.js';
import { MatchedFilter } from '../../measure/matched-filter.js';
import { refineCarrier } from '../../measure/refinement.js';
import { roomSchema } from '../../settings/room.js';
import { targetDistance } from './paths.js';
import { AcousticRoom, hearRoom } from './room.js';

const rateHz = 48_000;
const quantum = 128;
const latencyFrames = 480;
const chirp = makeChirp({
  kind: 'linear',
  startHz: 2000,
  endHz: 20_000,
  durationMs: 20,
  amplitude: 0.8,
  rateHz,
});

let fourier: Fourier;
beforeAll(async () => {
  fourier = await Fourier.load();
});

const parse = (room: object) => roomSchema.parse({ latencyFrames, noiseDb: -200, ...room });

function make(room: object, { rateErrorPpm = 0 } = {}): AcousticRoom {
  const place = { rateHz, rateErrorPpm, quantum, channels: 2, captureChannels: 1 };
  return new AcousticRoom(parse(room), place);
}

function hear(room: object, signal: Float32Array, frames: number): Float32Array {
  const place = { rateHz, rateErrorPpm: 0, quantum };
  return hearRoom(parse(room), place, { signal, frames });
}

/** When the signal was heard, by the carrier, the strongest first. */
function arrivalsIn(heard: Float32Array, most: number) {
  const filter = new MatchedFilter(fourier, chirp, heard.length, rateHz);
  const spectrum = filter.spectrumOf(heard);
  const search = {
    fromFrame: 0,
    toFrame: heard.length - chirp.length,
    most,
    falseAlarm: 1e-3,
    rangeDb: 60,
  };
  const { found } = findArrivals(filter, spectrum, search);
  return found.map((one) => ({ frame: one.frame, level: one.level, filter, spectrum, one }));
}

describe('the room', () => {
  it('gives back what it is given as late and as loud as its paths say', () => {
    for (const latencyFrames of [160, 777.3, 9600.77]) {
      const room = { latencyFrames, direct: 0, targets: [{ distanceM: 1.2345 }] };
      const [path] = make(room).paths;
      const heard = hear(room, chirp, 12_000);
      const [found] = arrivalsIn(heard, 1);
      const frame = refineCarrier(found!.filter, found!.spectrum, found!.one, 0);
      expect(Math.abs(frame - path!.delayFrames)).toBeLessThan(1e-3);
      expect(found!.level / path!.gain).toBeCloseTo(1, 3);
    }
  });

  it('counts distances in true time, whatever its clock', () => {
    const still = make({ direct: 0, targets: [{ distanceM: 10 }] });
    const fast = make({ direct: 0, targets: [{ distanceM: 10 }] }, { rateErrorPpm: 1000 });
    const way = (room: AcousticRoom) => room.paths[0]!.delayFrames - latencyFrames;
    expect(way(fast) / way(still)).toBeCloseTo(1.001, 9);
  });

  it('has the paths of a box, each once', () => {
    const box = { sizeM: [4, 5, 3], sourceM: [1, 2, 1.5], microphoneM: [1.3, 2, 1.5], order: 1 };
    const room = { spacingM: 0.3, box };
    const { paths } = make(room);
    const lengths = paths.filter(({ kind }) => kind === 'image').map(({ lengthM }) => lengthM);
    // Each wall alone: across x the ways are along one line, the others are bent.
    const bent = (far: number) => Math.hypot(0.3, 2 * far);
    const expected = [2.3, 8 - 2.3, bent(2), bent(3), bent(1.5), bent(1.5)];
    const ordered = expected.sort().map((value) => expect.closeTo(value, 9));
    expect(lengths.sort()).toEqual(ordered);
    const heard = hear(room, chirp, 4800);
    const found = arrivalsIn(heard, 6);
    for (const { one } of found.slice(0, 4)) {
      const off = Math.min(...paths.map(({ delayFrames }) => Math.abs(delayFrames - one.frame)));
      expect(off).toBeLessThan(0.1);
    }
  });

  it('follows a target that moves', () => {
    const target = { distanceM: 1, toM: 1.3, periodSec: 4 };
    const room = { direct: 0, targets: [target] };
    const signal = new Float32Array(96_000);
    for (let at = 0; at < 90_000; at += 6000) signal.set(chirp, at);
    const heard = hear(room, signal, 96_000);
    for (let at = 0; at < 84_000; at += 6000) {
      const [found] = arrivalsIn(heard.slice(at, at + 6000), 1);
      const distanceM = ((found!.frame - latencyFrames) / rateHz) * 171.95;
      const moment = (at + found!.frame + chirp.length / 2) / rateHz;
      const truth = targetDistance({ ...target, reflection: 0.8 }, moment);
      // The Doppler shift moves a chirp in time, and the target moves meanwhile.
      expect(Math.abs(distanceM - truth)).toBeLessThan(0.01);
    }
  });

  it('makes the noise, the tail and the band that it is asked for', () => {
    const level = (samples: Float32Array) =>
      10 * Math.log10(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
    const noise = hear({ noiseDb: -50 }, new Float32Array(0), 48_000);
    expect(level(noise)).toBeCloseTo(-50, 0);
    const click = Float32Array.of(1);
    const tail = hear({ direct: 0, tailSec: 0.5, tailDb: -20 }, click, 48_000);
    const drop = level(tail.slice(9600, 14_400)) - level(tail.slice(21_600, 26_400));
    expect(drop).toBeGreaterThan(25);
    expect(drop).toBeLessThan(35);
    const wide = hear({}, chirp, 4800);
    const narrow = hear({ lowHz: 9000, highHz: 11_000 }, chirp, 4800);
    expect(level(narrow)).toBeLessThan(level(wide) - 3);
  });

  it('with two clocks drifts, until it leaves out a quantum', () => {
    const room = { latencyFrames: 600, skewPpm: 2000 };
    const signal = new Float32Array(96_000);
    for (let at = 0; at < 90_000; at += 6000) signal.set(chirp, at);
    const heard = hear(room, signal, 96_000);
    const late = [0, 12_000, 24_000].map((at) => {
      const [found] = arrivalsIn(heard.slice(at, at + 6000), 1);
      return found!.frame;
    });
    expect(late[1]! - late[0]!).toBeCloseTo(24, 0);
    expect(late[2]! - late[1]!).toBeCloseTo(24, 0);
    const [last] = arrivalsIn(heard.slice(72_000, 78_000), 1);
    expect(last!.frame - late[0]!).toBeCloseTo(144 - 128, 0);
  });

  it('holds what it hears within full scale, and is the same each time it is opened', () => {
    const room = { gain: 1, noiseDb: -60 };
    const heard = hear(room, chirp, 2000);
    expect(Math.max(...heard)).toBe(1);
    expect(hear(room, chirp, 2000)).toEqual(heard);
  });

  it('refuses a latency that no turn can have, and more paths than there is time for', () => {
    expect(() => make({ latencyFrames: 150 })).toThrow(/at least 160/);
    const targets = Array.from({ length: 64 }, (_, i) => ({ distanceM: 1 + i }));
    expect(() => make({ targets })).toThrow(/65 ways/);
  });
});
