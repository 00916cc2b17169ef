import { z } from 'zod';
import { limits } from '../limits.js';

const distanceM = z.number().min(0.01).max(1000);
const pointM = z.tuple([distanceM, distanceM, distanceM]);

const target = z.strictObject({
  distanceM,
  reflection: z.number().min(-1).max(1).default(0.8),
  toM: distanceM.nullable().default(null),
  periodSec: z.number().min(0.1).max(3600).default(10),
});

const box = z
  .strictObject({
    sizeM: pointM,
    sourceM: pointM,
    microphoneM: pointM,
    reflection: z.number().min(0).max(1).default(0.7),
    order: z.number().int().min(1).max(3).default(1),
  })
  .refine(
    ({ sizeM, sourceM, microphoneM }) =>
      sizeM.every((size, axis) => sourceM[axis]! < size && microphoneM[axis]! < size),
    { message: 'must hold the source and the microphone', path: ['sizeM'] },
  );

/**
 * The acoustic room of the virtual device: what stands between what it plays and what it hears.
 * docs/measuring.md describes each key.
 */
export const roomSchema = z.strictObject({
  latencyFrames: z.number().min(64).max(limits.loopbackFramesMax).default(1200),
  soundSpeedMps: z.number().min(100).max(7000).default(343.987),
  gain: z.number().min(0).max(10).default(0.05),
  spacingM: z.number().min(0).max(1000).default(0.1),
  direct: z.number().min(-1).max(1).default(1),
  targets: z.array(target).max(limits.roomPathsMax).default([]),
  box: box.nullable().default(null),
  absorptionDbPerM: z.number().min(0).max(100).default(0),
  noiseDb: z.number().min(-200).max(0).default(-90),
  tailDb: z.number().min(-200).max(0).default(-60),
  tailSec: z.number().min(0).max(30).default(0),
  lowHz: z.number().min(0).max(100_000).default(0),
  highHz: z.number().min(0).max(100_000).default(0),
  skewPpm: z.number().min(-10_000).max(10_000).default(0),
  seed: z.number().int().min(0).max(0xffff_ffff).default(1),
});
