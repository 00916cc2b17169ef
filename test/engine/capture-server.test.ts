import { describe, expect, it } from 'vitest';
import { channelOf, findSignal, launchOn, noise, opensOf } from '../kit/capture.js';
import { until } from '../kit/engine.js';
import { serverOfFile } from '../kit/sound-server.js';

/** Listening on a real sound server: a sink's monitor hears what the sink plays. */

const server = serverOfFile({ name: 'hall' });

describe('on a sound server', () => {
  it('what is played and recorded is aligned in the same way each time', async () => {
    await using engine = await launchOn('pipewire:hall', 'pipewire:hall.monitor');
    const opens = opensOf(engine);
    const ways = new Set<number>();
    let calls = 0;
    let clean = 0;
    await until('ten of them are clean', async () => {
      const signal = noise(960, ++calls);
      const recorded = await engine.playAndRecord(signal, { tailSec: 0.25 });
      const { at, alike } = findSignal(channelOf(recorded.samples, 2), signal);
      // A server on a loaded machine leaves out a period of one side now and then, in a signal too.
      if (!recorded.clean || alike < 0.999) return false;
      expect(recorded.latencyFrames).toBeGreaterThan(0);
      ways.add(at - recorded.loopFrames!);
      return ++clean >= 10;
    });
    expect(ways.size).toBe(1);
    expect(opensOf(engine)).toBe(opens);
  });

  it('is listened to by an engine that plays nowhere', async () => {
    await using player = await launchOn('pipewire:hall', 'none');
    await using listener = await launchOn('virtual', 'pipewire:hall.monitor');
    using capture = await listener.capture({ channels: 1, bufferFrames: Number.POSITIVE_INFINITY });
    await using stream = await player.openStream({ rate: 48_000, channels: 1, format: 'f32' });
    const signal = noise(2000, 7);
    await stream.write(signal);
    const heard = new Float32Array(72_000);
    for (let at = 0; at < heard.length; ) {
      at += await capture.read(heard.subarray(at));
      expect(capture.last).toMatchObject({ away: false });
    }
    expect(findSignal(heard, signal).alike).toBeGreaterThan(0.99);
    expect(listener.status().device.name).toBe('virtual');
  });

  it('that loses what is listened to: the engine plays on, says so, and listens again when it is back', async () => {
    for (const name of ['pipewire:hall', 'virtual']) {
      await server().addSink({ name: 'side' });
      await using engine = await launchOn(name, 'pipewire:side.monitor');
      using capture = await engine.capture({ bufferFrames: Number.POSITIVE_INFINITY });
      const iterator = capture[Symbol.asyncIterator]();
      expect((await iterator.next()).value).toMatchObject({ away: false });
      const { generation } = engine.status();
      await server().removeSink('side');
      await until('nobody listens', async () => (await iterator.next()).value?.away);
      const { quanta } = engine.status().counters;
      await until('it plays on', () => engine.status().counters.quanta > quanta + 100);
      expect(engine.status().counters.deviceLost).toBe(0);
      expect(engine.status().generation).toBeGreaterThanOrEqual(generation);
      expect(engine.status().device.captureLost).toBe(true);
      await server().addSink({ name: 'side' });
      await until('it is listened to again', () => !engine.status().device.captureLost);
      await until('something is heard again', async () => {
        const heard = (await iterator.next()).value;
        return heard !== undefined && !heard.away;
      });
      await server().removeSink('side');
    }
  });
});
