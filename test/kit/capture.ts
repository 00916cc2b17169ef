import { type RunningEngine, startEngine } from '../../dist/client/index.js';
import { compilePatch, parsePatch } from '../../dist/dsp/index.js';
import type { Settings } from '../../dist/settings/index.js';
import { testSettings, whole } from './engine.js';

/** Engines that listen, and signals that are found again in what they heard. */

const silence = `
name: Silence
nodes:
  tone: { type: osc, shape: sine, freq: 440 }
  nothing: { type: gain, in: tone, gain: 0 }
  out: { type: out, in: nothing }
`;

/** An engine whose patch is silent: it plays what it is given, and nothing else. */
export function launchSilent(settings: Settings): Promise<RunningEngine> {
  const { rateHz: rate, quantumFrames: quantum, channels } = settings.engine;
  const patch = compilePatch(parsePatch(silence, 'silence.yaml'), { rate, quantum, channels });
  return startEngine({ settings, patch });
}

/** A silent engine on devices by name, once all of it runs; as patient as a busy machine needs. */
export async function launchOn(name: string, capture: string): Promise<RunningEngine> {
  const patient = ['device.bufferQuanta=16', 'device.stallMs=2000'];
  const settings = testSettings(patient);
  Object.assign(settings.device, { name, capture });
  const engine = await launchSilent(settings);
  await whole(engine);
  return engine;
}

/** Openings of the device, but for those of drivers that took over on a busy machine. */
export function opensOf(engine: RunningEngine): number {
  const { deviceOpens, takeovers } = engine.status().counters;
  return deviceOpens - takeovers;
}

/** Noise, the same for every seed: like nothing but itself. */
export function noise(frames: number, seed = 1, level = 0.5): Float32Array {
  let state = seed * 2_654_435_761;
  return Float32Array.from({ length: frames }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (((state >>> 0) / 2 ** 32) * 2 - 1) * level;
  });
}

/** One channel of interleaved frames. */
export function channelOf(samples: Float32Array, channels: number, channel = 0): Float32Array {
  return Float32Array.from(
    { length: samples.length / channels },
    (_, frame) => samples[frame * channels + channel]!,
  );
}

/** Where in `heard` the signal begins, and how alike they are there: 1 is the same. */
export function findSignal(
  heard: Float32Array,
  signal: Float32Array,
): { at: number; alike: number } {
  const energy = (from: Float32Array) => from.reduce((sum, x) => sum + x * x, 0);
  const own = energy(signal);
  let best = { at: -1, alike: 0 };
  for (let at = 0; at + signal.length <= heard.length; at++) {
    let product = 0;
    for (let i = 0; i < signal.length; i++) product += heard[at + i]! * signal[i]!;
    if (product <= 0) continue;
    const alike = product / Math.sqrt(own * energy(heard.subarray(at, at + signal.length)));
    if (alike > best.alike) best = { at, alike };
  }
  return best;
}
