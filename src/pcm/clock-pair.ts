import { DriftController } from './drift-controller.js';

/** What a DriftController is to hold together. */
export interface ClockPair {
  hours: number;
  /** How much faster the producer's clock is, at a time in seconds. */
  driftPpm: (sec: number) => number;
  /** How late a block can come. */
  jitterSec: number;
  seed: number;
}

/** Cents of a ppm: 1200 log2(1 + 1e-6). */
const centPerPpm = 1200 * Math.log2(1 + 1e-6);

/**
 * A producer that writes blocks of 1024 frames and a consumer that takes 441, each by its own
 * clock, some blocks late; of the buffer between them only the fill is computed, and how far the
 * trim is from the drift once the controller has locked in.
 */
export function simulateClockPair({ hours, driftPpm, jitterSec, seed }: ClockPair) {
  const rateHz = 48_000;
  const target = 4096;
  const capacity = 8192;
  const random = randomNumbers(seed);
  const controller = new DriftController({ rateHz });
  const found = { leastFrames: target, mostFrames: target, xruns: 0, lockedSec: 0, wanderCent: 0 };
  const tickSec = 441 / rateHz;
  const ticks = (hours * 3600) / tickSec;
  let fill = target;
  let producedSec = 0;
  let arrivalSec = 0;
  for (let tick = 0; tick < ticks; tick++) {
    const now = tick * tickSec;
    while (arrivalSec <= now) {
      fill += 1024;
      producedSec += 1024 / (rateHz * (1 + driftPpm(now) * 1e-6));
      // Never before the block is complete, and sometimes much later.
      arrivalSec = producedSec + jitterSec * random() ** 4;
      if (fill > capacity) found.xruns++;
    }
    controller.update(Math.round(fill) - target, 441);
    const { trimPpm } = controller;
    fill -= 441 * (1 + trimPpm * 1e-6);
    if (fill < 0) found.xruns++;
    found.leastFrames = Math.min(found.leastFrames, fill);
    found.mostFrames = Math.max(found.mostFrames, fill);
    if (!controller.isLocked) continue;
    found.lockedSec ||= now;
    const wanderCent = Math.abs(trimPpm - driftPpm(now)) * centPerPpm;
    found.wanderCent = Math.max(found.wanderCent, wanderCent);
  }
  return found;
}

/** The same numbers for the same seed, from 0 to below 1. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
