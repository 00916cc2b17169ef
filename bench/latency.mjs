/**
 * Round trips of known length through the virtual device, measured over one open stream each; the
 * same over a null sink's monitor of PipeWire; and `jack_iodelay` on a dummy server beside it.
 */
import { measureLatency, PersistentStream } from '../dist/measure/index.js';
import { benchSettings } from './engines.mjs';
import { jackFrames } from './jack-delay.mjs';

/** Milliseconds, and the rate at which so short a way is longer than a turn of the device. */
const ways = [
  { ms: 0.6, rateHz: 192_000, quantum: 32 },
  { ms: 1.21, rateHz: 96_000, quantum: 32 },
  { ms: 2.5, rateHz: 48_000, quantum: 32 },
  { ms: 10, rateHz: 48_000, quantum: 128 },
  { ms: 40, rateHz: 48_000, quantum: 128 },
  { ms: 200, rateHz: 48_000, quantum: 128 },
  { ms: 1000, rateHz: 48_000, quantum: 128 },
];

export async function* run({ full }) {
  for (const { ms, rateHz, quantum } of ways) {
    const runs = full || ms <= 200 ? 100 : 10;
    // Odd fractions of a frame, which none that counts whole ones could tell.
    const truth = (ms * rateHz) / 1000 + 0.37;
    const room = { latencyFrames: truth, spacingM: 0, gain: 0.005, noiseDb: -90 };
    const settings = benchSettings([
      'device.capture=virtual',
      `device.virtual.room=${JSON.stringify(room)}`,
      `engine.rateHz=${rateHz}`,
      `engine.quantumFrames=${quantum}`,
      'engine.leadQuanta=32',
      // Short turns on a machine that is busy: what is measured is no driver's wake-up.
      'watchdog.driverQuanta=1000',
    ]);
    const stream = await PersistentStream.open({ settings });
    const chirp = { durationMs: 20 };
    const latency = await measureLatency(stream, { runs, chirp }).finally(() => stream.close());
    const error = latency.frames - truth;
    yield {
      what: `round trip of ${ms} ms at ${rateHz} Hz, ${runs} runs`,
      target: 'error, spread 0.01 frames',
      measured: `error ${error.toExponential(1)}, spread ${latency.spreadFrames.toExponential(1)} frames`,
      beside: `${latency.repeats} repeated; ${latency.ms.toFixed(5)} ms`,
      met: Math.abs(error) <= 0.01 && latency.spreadFrames <= 0.01,
    };
  }
  yield* jackFrames();
}
