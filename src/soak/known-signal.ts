import { setImmediate as nextTurn } from 'node:timers/promises';
import { type CompiledPatch, compilePatch, parsePatch, Renderer } from '../dsp/index.js';
import type { Settings } from '../settings/index.js';

/**
 * Noise of which no stretch is like another, so that each frame is known wherever it is heard; with
 * little above 12 kHz, so that it passes any conversion of rates as it is.
 */
const patchText = `
name: Known signal
nodes:
  noise: { type: noise, color: white, seed: 3 }
  soft: { type: biquad, mode: lowpass, in: noise, freq: 12 kHz }
  softer: { type: biquad, mode: lowpass, in: soft, freq: 12 kHz }
  level: { type: gain, in: softer, gain: 0.25 }
  out: { type: out, in: level }
`;

/** Quanta rendered between two looks at the event loop. */
const batchQuanta = 512;

export function knownSignal({ engine }: Settings): CompiledPatch {
  const format = { rate: engine.rateHz, quantum: engine.quantumFrames, channels: engine.channels };
  return compilePatch(parsePatch(patchText, 'known signal'), format);
}

/** The first channel of so many frames of a patch without assets, as any engine plays it. */
export async function renderFirstChannel(
  { program }: CompiledPatch,
  frames: number,
): Promise<Float32Array> {
  const renderer = new Renderer(program, { streams: [], assets: [] });
  const { quantum, channels, output } = renderer;
  const signal = new Float32Array(Math.ceil(frames / quantum) * quantum);
  for (let tick = 0; tick * quantum < frames; tick++) {
    renderer.render();
    for (let i = 0; i < quantum; i++) signal[tick * quantum + i] = output[i * channels]!;
    if (tick % batchQuanta === 0) await nextTurn();
  }
  return signal;
}
