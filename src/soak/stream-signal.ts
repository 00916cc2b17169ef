import type { SampleFormat, StreamData } from '../client/index.js';

/** Full scale of 16 bits: every sample of the signal is a whole number of these steps. */
const stepsPerUnit = 32_768;
/** Streams that may sound at once while their sum is still exact in float32, and below 1. */
const streamsExact = 32;
const stepsMax = Math.floor((stepsPerUnit - 1) / streamsExact);

/**
 * The signal of a stream: noise of whole steps of 16 bits, which every format holds without loss
 * and whose sum over all streams is exact in float32, whatever the order. A frame that is lost,
 * doubled or in the wrong place changes the sum.
 *
 * @returns whole steps, -1023 to 1023
 */
export function signalStep(seed: number, frame: number, channel: number): number {
  let x = Math.imul(frame + 1, 0x9e3779b1) ^ Math.imul(seed + channel * 0x1000193, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (((x ^ (x >>> 16)) >>> 0) % (2 * stepsMax + 1)) - stepsMax;
}

/** One sample of the signal as the engine plays it. */
export function signalSample(seed: number, frame: number, channel: number): number {
  return signalStep(seed, frame, channel) / stepsPerUnit;
}

/** Frames of the signal in a client's format. */
export function signalFrames(
  what: { seed: number; frame: number; channels: number; format: SampleFormat },
  frames: number,
): StreamData {
  const { seed, frame, channels, format } = what;
  const length = frames * channels;
  const step = (i: number) => signalStep(seed, frame + Math.floor(i / channels), i % channels);
  if (format === 'f32') return Float32Array.from({ length }, (_, i) => step(i) / stepsPerUnit);
  if (format === 's16') return Int16Array.from({ length }, (_, i) => step(i));
  const scale = format === 's24' ? 256 : 65_536;
  return Int32Array.from({ length }, (_, i) => step(i) * scale);
}
