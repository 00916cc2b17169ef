import { beforeAll, describe, expect, it } from 'vitest';
import { noiseFor } from '../../test/kit/echoes.js';
import { wayGain, wayLength } from '../device/room/paths.js';
import { hearRoom } from '../device/room/room.js';
import { roomSchema } from '../settings/room.js';
import { Fourier } from './fourier.js';
import { soundSpeed } from './medium.js';
import { Ranger, type RangingParameters, rateMaxHz } from './ranging.js';

const rateHz = 48_000;
const place = { rateHz, rateErrorPpm: 0, quantum: 128 };
const medium = { kind: 'air', temperatureC: 20 } as const;
const { speedMps } = soundSpeed(medium);
const usual: RangingParameters = {
  chirp: { kind: 'linear', startHz: 2000, endHz: 20_000, durationMs: 50, amplitude: 0.8, rateHz },
  medium,
  minM: 0.2,
  maxM: 11,
  spacingM: 0.1,
  echo: 'strongest',
  estimator: 'auto',
  falseAlarm: 1e-4,
};
const latencyFrames = 480;
const way = { directFrames: latencyFrames + 14, withinFrames: 200 };

let fourier: Fourier;
beforeAll(async () => {
  fourier = await Fourier.load();
});

/** A room whose echo at a distance stands so far above the noise, frame by frame. */
function roomOf(distanceM: number, snrDb: number, more: object = {}) {
  const gain = 0.04 * 0.8 * wayGain(wayLength(distanceM, 0.1), 0);
  const { signal } = new Ranger(fourier, usual, way);
  const noiseDb = 20 * Math.log10(noiseFor(signal, gain, snrDb));
  const targets = [{ distanceM, reflection: 0.8 }];
  const room = { latencyFrames, soundSpeedMps: speedMps, gain: 0.04, targets, noiseDb };
  return roomSchema.parse({ ...room, ...more });
}

function range(
  room: ReturnType<typeof roomOf>,
  { parameters = usual, seed = 1, calibrated = true } = {},
) {
  const ranger = new Ranger(fourier, parameters, way);
  const { signal, frames } = ranger;
  const heard = hearRoom({ ...room, seed }, place, { signal, frames });
  const empty = { ...room, targets: [], noiseDb: room.noiseDb - 20, seed: seed + 1000 };
  const clutter = calibrated ? { samples: hearRoom(empty, place, { signal, frames }) } : null;
  return ranger.range(heard, { clutter });
}

/** What is heard of a signal that comes again and again, from the beginning of the third. */
function hearAgain(room: ReturnType<typeof roomOf>, ranger: Ranger): Float32Array {
  const periodFrames = ranger.periodFrames!;
  const signal = new Float32Array(3 * periodFrames + ranger.signal.length);
  for (let i = 0; i < 4; i++) signal.set(ranger.signal, i * periodFrames);
  const frames = 2 * periodFrames + ranger.frames;
  return hearRoom(room, place, { signal, frames }).subarray(2 * periodFrames);
}

describe('rangings that follow each other while the last one is still heard', () => {
  it('are as right as one alone, with a calibration and without', () => {
    for (const updateHz of [10, rateMaxHz(usual)]) {
      const periodFrames = Math.round(rateHz / updateHz);
      const ranger = new Ranger(fourier, usual, way, periodFrames);
      for (const distanceM of [0.5, 2.3456, 5, 10, 10.9]) {
        const room = roomOf(distanceM, 20, { tailSec: 0.3, tailDb: -75 });
        const empty = { ...room, targets: [], noiseDb: room.noiseDb - 20, seed: 77 };
        const { signal } = ranger;
        const alone = { samples: hearRoom(empty, place, { signal, frames: 20_000 }) };
        for (const clutter of [null, alone]) {
          const heard = hearAgain(room, ranger);
          const { echo, confidence } = ranger.range(heard, { clutter, isFirst: false });
          expect(Math.abs(echo!.distanceM - distanceM)).toBeLessThan(1e-4);
          expect(confidence).toBeGreaterThan(0.999);
        }
      }
    }
  });

  it('find nothing where there is nothing, however loud the next one begins', () => {
    const ranger = new Ranger(fourier, usual, way, Math.ceil(rateHz / rateMaxHz(usual)));
    for (let seed = 1; seed <= 5; seed++) {
      const room = { ...roomOf(5, 20, { noiseDb: -90, targets: [] }), seed };
      expect(ranger.range(hearAgain(room, ranger), { isFirst: false }).echo).toBeNull();
    }
  });
});

it('an echo profile has its peaks where the echoes are', () => {
  const points = 400;
  for (const distanceM of [0.5, 1.3, 6]) {
    const ranger = new Ranger(fourier, usual, way);
    expect(ranger.profile(points)).toBeNull();
    const { signal, frames } = ranger;
    ranger.range(hearRoom(roomOf(distanceM, 40), place, { signal, frames }));
    const profile = ranger.profile(points)!;
    // The direct sound, which is louder, is at the beginning.
    const far = profile.subarray(12);
    const peak = far.indexOf(Math.max(...far)) + 12;
    expect(Math.abs((peak + 0.5) / points - distanceM / usual.maxM)).toBeLessThan(1 / points);
  }
});

describe('a ranging', () => {
  it('in the room is right to a tenth of a millimetre from 0.3 to 10 m', () => {
    for (const distanceM of [0.3, 0.5, 1, 2.3456, 5, 10]) {
      for (const calibrated of [true, false]) {
        const { echo, confidence, removed } = range(roomOf(distanceM, 20), { calibrated });
        expect(Math.abs(echo!.distanceM - distanceM)).toBeLessThan(1e-4);
        expect(echo!.by).toBe('carrier');
        expect(confidence).toBeGreaterThan(0.999);
        expect(removed).toBe(calibrated ? 'clutter' : 'direct');
      }
    }
  });

  it('does not depend on latency, and sees echoes that come back turned over', () => {
    for (const latencyFrames of [480, 480.5, 611.31]) {
      const targets = [{ distanceM: 2, reflection: -0.8 }];
      const { echo } = range(roomOf(2, 20, { latencyFrames, targets }));
      expect(Math.abs(echo!.distanceM - 2)).toBeLessThan(1e-4);
      expect(echo!.level).toBeLessThan(0);
    }
  });

  it('through transducers of a narrow band is right by its calibration', () => {
    const { echo } = range(roomOf(1.5, 30, { lowHz: 5000, highHz: 9000 }));
    expect(Math.abs(echo!.distanceM - 1.5)).toBeLessThan(5e-4);
  });

  it('tells the first echo from the strongest, and lists all', () => {
    const targets = [
      { distanceM: 1, reflection: 0.1 },
      { distanceM: 3, reflection: 0.9 },
    ];
    const room = roomOf(1, 20, { targets });
    const strongest = range(room);
    expect(strongest.echo!.distanceM).toBeCloseTo(3, 3);
    expect(strongest.echoes.map(({ distanceM }) => Math.round(distanceM))).toEqual([1, 3]);
    expect(strongest.firstToSecondDb).toBeCloseTo(20 * Math.log10(9 / 3), 0);
    const first = range(room, { parameters: { ...usual, echo: 'first' } });
    expect(first.echo!.distanceM).toBeCloseTo(1, 3);
  });

  it('says that there is no echo rather than guess one', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const nothing = range(roomOf(3, 20, { targets: [] }), { seed, calibrated: seed % 2 === 0 });
      expect(nothing.echo).toBeNull();
      expect(nothing.confidence).toBeGreaterThan(0.99);
    }
    // What is outside of the range is no echo either.
    expect(range(roomOf(3, 20), { parameters: { ...usual, maxM: 2 } }).echo).toBeNull();
    expect(range(roomOf(3, 20), { parameters: { ...usual, minM: 4 } }).echo).toBeNull();
  });

  it('in a reverberant box with a tail has the target that was put into it', () => {
    const box = {
      sizeM: [6, 7, 3],
      sourceM: [3, 2, 1.4],
      microphoneM: [3.1, 2, 1.4],
      reflection: 0.5,
      order: 1,
    };
    const room = roomOf(1, 30, { box, tailSec: 0.4, tailDb: -70 });
    const { echo } = range(room);
    expect(Math.abs(echo!.distanceM - 1)).toBeLessThan(2e-3);
  });

  it('is refused where the direct sound is not where it was', () => {
    const late = roomOf(2, 20, { latencyFrames: 900 });
    expect(() => range(late, { calibrated: false })).toThrow(/direct sound did not arrive/);
  });

  it('without any direct sound goes by the latency that it is given', () => {
    const room = roomOf(2, 20, { direct: 0 });
    const exact = { directFrames: latencyFrames + (0.1 / speedMps) * rateHz, withinFrames: 0 };
    const ranger = new Ranger(fourier, usual, exact);
    const { signal, frames } = ranger;
    const { echo, directLevel } = ranger.range(hearRoom(room, place, { signal, frames }));
    expect(Math.abs(echo!.distanceM - 2)).toBeLessThan(1e-4);
    expect(directLevel).toBeNull();
  });

  it('is refused with a range that cannot be', () => {
    const refused = (more: Partial<RangingParameters>) => () =>
      new Ranger(fourier, { ...usual, ...more }, way);
    expect(refused({ minM: 3, maxM: 2 })).toThrow(/minM < maxM/);
    expect(refused({ maxM: Number.NaN })).toThrow(/minM < maxM/);
    expect(refused({ spacingM: -1 })).toThrow(/spacingM/);
    expect(refused({ maxM: 1e9 })).toThrow(/too far/);
  });
});
