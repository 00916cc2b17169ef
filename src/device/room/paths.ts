import { TenutoError } from '../../errors.js';
import { limits } from '../../limits.js';

/** Something that reflects sound. */
export interface RoomTarget {
  /** From the middle between loudspeaker and microphone, in metres. */
  distanceM: number;
  /** Part of the amplitude that comes back, -1 to 1; below 0: turned over, as by a water's surface. */
  reflection: number;
  /** Where it goes to and back from, in metres, if it moves. */
  toM: number | null;
  /** Time for both ways, in seconds. */
  periodSec: number;
}

/** A box of six walls, by image sources. */
export interface RoomBox {
  sizeM: readonly [number, number, number];
  sourceM: readonly [number, number, number];
  microphoneM: readonly [number, number, number];
  /** Part of the amplitude that each wall gives back, 0 to 1. */
  reflection: number;
  /** Reflections that a path has at most. */
  order: number;
}

/** What the virtual device hears of itself through the air of a room, or the water of a tank. */
export interface RoomOptions {
  /** Of the device's own: from giving a frame to the loudspeaker and from the microphone on. */
  latencyFrames: number;
  soundSpeedMps: number;
  /** Amplitude of what is heard in 1 m, by what is given. */
  gain: number;
  /** From the loudspeaker to the microphone, in metres. */
  spacingM: number;
  /** Part of the direct sound that reaches the microphone; 0: none, 1: as a distance alone makes it. */
  direct: number;
  targets: readonly RoomTarget[];
  box: RoomBox | null;
  /** What the medium takes, beside the distance. */
  absorptionDbPerM: number;
  /** White noise, root mean square, by full scale. -200 is none. */
  noiseDb: number;
  /** Diffuse sound: its level by what is given, and the time until it is 60 dB weaker. */
  tailDb: number;
  tailSec: number;
  /** Band of loudspeaker and microphone together; 0 and 0: all. */
  lowHz: number;
  highHz: number;
  /** How much faster than the playing clock the capturing one is, in parts per million. */
  skewPpm: number;
  seed: number;
}

/** One way from the loudspeaker to the microphone. */
export interface RoomPath {
  kind: 'direct' | 'target' | 'image';
  /** Its whole length in metres. */
  lengthM: number;
  /** Frames from giving to capturing, with their fraction. */
  delayFrames: number;
  gain: number;
  /** Of a target. */
  target: RoomTarget | null;
}

/** Where a target is after so many seconds. */
export function targetDistance(target: RoomTarget, sec: number): number {
  const { distanceM, toM, periodSec } = target;
  if (toM === null) return distanceM;
  return distanceM + ((toM - distanceM) * (1 - Math.cos((2 * Math.PI * sec) / periodSec))) / 2;
}

/** To a target half way between loudspeaker and microphone, and back. */
export function wayLength(distanceM: number, spacingM: number): number {
  return 2 * Math.hypot(distanceM, spacingM / 2);
}

/** What is left of an amplitude after such a way, by that in 1 m. */
export function wayGain(lengthM: number, absorptionDbPerM: number): number {
  // Nearer than 1 cm nothing becomes louder: loudspeakers are no points.
  return 10 ** ((-absorptionDbPerM * lengthM) / 20) / Math.max(lengthM, 0.01);
}

/** Image sources (Allen and Berkley, J. Acoust. Soc. Am. 65, 943, 1979), without the direct one. */
function imageWays(box: RoomBox): { lengthM: number; gain: number }[] {
  const ways: { lengthM: number; gain: number }[] = [];
  const range = Array.from({ length: 2 * box.order + 1 }, (_, i) => i - box.order);
  for (const nx of range) {
    for (const ny of range) {
      for (const nz of range) {
        const bounces = Math.abs(nx) + Math.abs(ny) + Math.abs(nz);
        if (bounces === 0 || bounces > box.order) continue;
        const image = [nx, ny, nz].map((n, axis) => {
          const size = box.sizeM[axis]!;
          const from = box.sourceM[axis]!;
          return n % 2 === 0 ? n * size + from : n * size + size - from;
        });
        const lengthM = Math.hypot(...image.map((at, axis) => at - box.microphoneM[axis]!));
        ways.push({ lengthM, gain: box.reflection ** bounces });
      }
    }
  }
  return ways;
}

/**
 * Every way of the sound in a room, when nothing has moved yet: the truth that measurements in it
 * are held against.
 *
 * @param rateHz of the device in true seconds, its clock's error included
 * @throws TenutoError `TENUTO_SETTINGS_INVALID` with more ways than the device has time for
 */
export function roomPaths(room: RoomOptions, rateHz: number): RoomPath[] {
  const way = (
    kind: RoomPath['kind'],
    lengthM: number,
    share: number,
    target: RoomTarget | null,
  ) => ({
    kind,
    lengthM,
    delayFrames: room.latencyFrames + (lengthM / room.soundSpeedMps) * rateHz,
    gain: room.gain * share * wayGain(lengthM, room.absorptionDbPerM),
    target,
  });
  const paths = [
    ...(room.direct === 0 ? [] : [way('direct', room.spacingM, room.direct, null)]),
    ...room.targets.map((target) => {
      const lengthM = wayLength(target.distanceM, room.spacingM);
      return way('target', lengthM, target.reflection, target);
    }),
    ...(room.box === null
      ? []
      : imageWays(room.box).map(({ lengthM, gain }) => way('image', lengthM, gain, null))),
  ];
  if (paths.length <= limits.roomPathsMax) return paths;
  throw new TenutoError(
    'TENUTO_SETTINGS_INVALID',
    `device.virtual.room has ${paths.length} ways of the sound; at most ${limits.roomPathsMax}`,
  );
}
