import { describe, expect, it } from 'vitest';
import { TenutoError } from '../../dist/errors.js';
import { measureLatency, PersistentStream } from '../../dist/measure/index.js';
import { launchOn, opensOf } from '../kit/capture.js';
import { addLate } from '../kit/echoes.js';
import { until } from '../kit/engine.js';
import { serverOfFile } from '../kit/sound-server.js';

/** Round trips over a real sound server: a sink's monitor hears what the sink plays. */

const server = serverOfFile({ name: 'hall' });

/** The same stream, over which everything is heard so many frames later: a delay that is known. */
function delayed(stream: PersistentStream, frames: number): PersistentStream {
  const late = Object.create(stream) as PersistentStream;
  late.playAndRecord = async (signal, options) => {
    const longer = new Float64Array(signal.length + Math.ceil(frames) + 64);
    addLate(longer, signal, { frame: frames, gain: 1 });
    return stream.playAndRecord(Float32Array.from(longer), options);
  };
  return late;
}

/**
 * How many frames later a known delay is heard, and the spread; null where that is no answer. A
 * server on a busy machine leaves out a period of one side now and then: that is another way, and
 * where it comes again and again nothing is measured.
 */
async function lateness(stream: PersistentStream, delay: number) {
  const options = { runs: 3, maxMs: 900, chirp: { durationMs: 20 } };
  try {
    const before = await measureLatency(stream, options);
    const later = await measureLatency(delayed(stream, delay), options);
    const stays = [before, later].every(({ otherWays }) => otherWays === 0);
    if (!stays || before.stream.generation !== later.stream.generation) return null;
    const frames = later.frames - before.frames;
    return Math.abs(frames - delay) > 8 ? null : { frames, spreadFrames: later.spreadFrames };
  } catch (error) {
    if (error instanceof TenutoError && error.code === 'TENUTO_MEASURE_DISTURBED') return null;
    throw error;
  }
}

describe('over a sound server', () => {
  it('delays that are known are read to a hundredth of a frame', { timeout: 150_000 }, async () => {
    await using engine = await launchOn('pipewire:hall', 'pipewire:hall.monitor');
    await using stream = await PersistentStream.open({ engine });
    const opens = opensOf(engine);
    const deadlineMs = 60_000;
    for (const delay of [60, 100.25, 2400.5, 24_000.125]) {
      const one = () => lateness(stream, delay);
      const { frames, spreadFrames } = await until('it is heard over one way', one, deadlineMs);
      expect(Math.abs(frames - delay)).toBeLessThan(0.01);
      expect(spreadFrames).toBeLessThan(0.01);
    }
    expect(opensOf(engine)).toBe(opens);
  });

  it('an input that is taken away is told, and no number is given', async () => {
    await server().addSink({ name: 'side' });
    await using engine = await launchOn('pipewire:hall', 'pipewire:side.monitor');
    await using stream = await PersistentStream.open({ engine });
    // Nobody plays on that sink: its monitor gives digital silence.
    await expect(measureLatency(stream, { maxMs: 50 })).rejects.toMatchObject({
      code: 'TENUTO_MEASURE_SILENT',
    });
    await server().removeSink('side');
    await until('it is told that nobody listens', async () => {
      const failure = await stream.playAndRecord(new Float32Array(256)).catch((error) => error);
      return failure.code === 'TENUTO_MEASURE_DISCONNECTED';
    });
  });
});
