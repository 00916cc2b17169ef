/**
 * Plays and records a short noise again and again over the virtual device, whose cable leads what is
 * played back to its input, and looks by correlation where each of them was heard.
 */
import { startEngine } from '../dist/client/index.js';
import { compilePatch, parsePatch } from '../dist/dsp/index.js';
import { benchSettings, whole } from './engines.mjs';
import { median, ms } from './figures.mjs';

const calls = 1000;
const signalFrames = 256;
const loopbackFrames = 600;
const tailSec = 0.02;

const silence = `
name: silence
nodes:
  source: { type: stream, stream: 0 }
  out: { type: out, in: source }
`;

/** Noise that no other call plays. */
function noise(seed) {
  let state = seed * 2_654_435_761;
  return Float32Array.from({ length: signalFrames }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32 - 0.5;
  });
}

/** The frame at which the signal is found again, by the largest product. */
function findSignal({ samples, channels, frames }, signal) {
  let best = { at: -1, product: 0 };
  for (let at = 0; at + signal.length <= frames; at++) {
    let product = 0;
    for (let i = 0; i < signal.length; i++) product += samples[(at + i) * channels] * signal[i];
    if (product > best.product) best = { at, product };
  }
  return best.at;
}

export async function* run() {
  const set = ['device.capture=virtual', `device.virtual.loopbackFrames=${loopbackFrames}`];
  const settings = benchSettings(set);
  const { rateHz: rate, quantumFrames: quantum, channels } = settings.engine;
  const patch = compilePatch(parsePatch(silence, 'silence'), { rate, quantum, channels });
  const engine = await startEngine({ settings, patch });
  await whole(engine);
  await engine.playAndRecord(noise(1), { tailSec });
  const before = engine.status().counters;
  const found = new Map();
  const tookMs = [];
  let unclean = 0;
  const begun = performance.now();
  for (let i = 0; i < calls; i++) {
    const signal = noise(i + 2);
    const from = performance.now();
    const recorded = await engine.playAndRecord(signal, { tailSec });
    tookMs.push(performance.now() - from);
    if (recorded.clean) {
      const at = findSignal(recorded, signal);
      found.set(at, (found.get(at) ?? 0) + 1);
    } else unclean++;
  }
  const perSec = (calls * 1000) / (performance.now() - begun);
  const after = engine.status().counters;
  await engine.stop();
  const opens = after.deviceOpens - before.deviceOpens;
  const streams = after.streamsOpened - before.streamsOpened;
  const places = [...found.keys()].sort((a, b) => a - b);
  const spread = places.length === 0 ? Number.NaN : places.at(-1) - places[0];
  const troubled =
    unclean === 0 ? '' : `; ${unclean} not clean (${after.xruns - before.xruns} xruns), left out`;
  yield {
    what: `${calls} playAndRecord calls: devices opened`,
    target: '0 after the first',
    measured: `${opens} devices, ${streams} streams`,
    beside: `${after.takeovers - before.takeovers} takeovers`,
    met: opens === 0,
  };
  yield {
    what: 'alignment over all calls, by correlation',
    target: 'identical to the frame',
    measured: `spread ${spread} frames, at ${places.join(', ')} of ${loopbackFrames}${troubled}`,
    met: spread === 0 && places[0] === loopbackFrames,
  };
  const shortestMs = ((signalFrames + tailSec * rate) * 1000) / rate;
  yield {
    what: 'playAndRecord calls a second',
    measured: `${perSec.toFixed(1)}, ${ms(median(tookMs))} each (median)`,
    beside: `signal and tail alone take ${ms(shortestMs)}`,
  };
}
