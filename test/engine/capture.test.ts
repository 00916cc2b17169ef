import { describe, expect, it } from 'vitest';
import {
  connectEngine,
  type EngineCapture,
  type Recorded,
  type RunningEngine,
} from '../../dist/client/index.js';
import { FormatConversion } from '../../dist/pcm/index.js';
import { channelOf, launchSilent, noise, opensOf } from '../kit/capture.js';
import { launch, pidOf, testSettings, until, whole } from '../kit/engine.js';

const loopbackFrames = 600;
const cable = ['device.capture=virtual', `device.virtual.loopbackFrames=${loopbackFrames}`];
const rate = 48_000;
const quantum = 128;

/** Reads whole blocks of a capture until so many frames are there. */
async function read(capture: EngineCapture, frames: number): Promise<Float32Array> {
  const { channels } = capture.format;
  const samples = new Float32Array(frames * channels);
  let given = 0;
  while (given < frames) given += await capture.read(samples.subarray(given * channels));
  return samples;
}

/** Plays until nothing came between: a machine under load lets a device run dry now and then. */
function playClean(engine: RunningEngine, signal: Float32Array): Promise<Recorded> {
  return until('nothing comes between', async () => {
    const recorded = await engine.playAndRecord(signal, { tailSec: 0.05 });
    return recorded.clean ? recorded : null;
  });
}

/** Plays noise and expects to hear it by the cable, frame for frame. */
async function expectHeard(engine: RunningEngine, frames: number, seed: number): Promise<void> {
  const signal = noise(frames, seed);
  const recorded = await playClean(engine, signal);
  expect(recorded.frames).toBe(frames + 2400);
  expect(recorded).toMatchObject({ channels: 2, rate });
  for (const channel of [0, 1]) {
    const heard = channelOf(recorded.samples, 2, channel);
    expect(heard.subarray(0, loopbackFrames).every((sample) => sample === 0)).toBe(true);
    expect(heard.subarray(loopbackFrames, loopbackFrames + frames)).toEqual(signal);
  }
}

describe('what is played and recorded', () => {
  it('is aligned to the frame each time, and opens no device', async () => {
    await using engine = await launchSilent(testSettings(cable));
    await whole(engine);
    const before = opensOf(engine);
    for (const frames of [1, 127, 128, 1000, 4800]) await expectHeard(engine, frames, frames);
    for (let i = 0; i < 20; i++) await expectHeard(engine, 480, 100 + i);
    expect(opensOf(engine)).toBe(before);
    expect(engine.status().counters.streamsOpened).toBe(1);
  });

  it('may be longer than what a stream holds, and asked for many times at once', async () => {
    await using engine = await launchSilent(testSettings(cable));
    await whole(engine);
    const calls = [150_000, 480, 4800].map((frames) => expectHeard(engine, frames, frames));
    await Promise.all(calls);
  });

  it('is heard over a connection, and refused when nothing listens or it is no signal', async () => {
    await using engine = await launchSilent(testSettings(cable));
    await whole(engine);
    await using connection = await connectEngine(engine.name);
    const stereo = noise(2 * 480);
    const { samples } = await connection.playAndRecord(stereo, { channels: 2, tailSec: 0.0125 });
    expect(samples.subarray(2 * loopbackFrames)).toEqual(stereo);
    for (const [signal, options] of [
      [new Float32Array(0), {}],
      [new Float32Array(3), { channels: 2 }],
      [new Float32Array(3), { channels: 3 }],
      [new Float32Array(3), { tailSec: -1 }],
      [[0] as never, {}],
    ] as const) {
      await expect(connection.playAndRecord(signal, options)).rejects.toMatchObject({
        code: 'TENUTO_CAPTURE_FORMAT',
      });
    }
    await using deaf = await launchSilent(testSettings());
    const off = { code: 'TENUTO_CAPTURE_OFF' };
    await expect(deaf.playAndRecord(stereo)).rejects.toMatchObject(off);
    await expect(deaf.capture()).rejects.toMatchObject(off);
  });

  it('says that it is not clean when the driver was killed, and is aligned again after it', async () => {
    await using engine = await launchSilent(testSettings(cable));
    await whole(engine);
    // With a tail, so that nothing of it is left in the cable.
    const call = engine.playAndRecord(noise(48_000), { tailSec: 0.05 });
    await until('it plays', () => engine.status().counters.streamsOpened === 1);
    const { quanta } = engine.status().counters;
    await until('it went on', () => engine.status().counters.quanta > quanta + 50);
    process.kill(pidOf(engine, 'driver'), 'SIGKILL');
    expect((await call).clean).toBe(false);
    await whole(engine);
    await expectHeard(engine, 480, 3);
  });

  it('fails when the engine ends meanwhile', async () => {
    await using engine = await launchSilent(testSettings(cable));
    await whole(engine);
    const call = engine.playAndRecord(noise(48_000), { tailSec: 20 });
    const failed = expect(call).rejects.toMatchObject({ code: 'TENUTO_CAPTURE_CLOSED' });
    await until('it plays', () => engine.status().counters.streamsOpened === 1);
    await engine.stop();
    await failed;
  });
});

describe('a capture', () => {
  it('gives what was heard, and says when', async () => {
    await using engine = await launchSilent(testSettings(cable));
    await whole(engine);
    using capture = await engine.capture({ blockFrames: 500, bufferFrames: 240_000 });
    const signal = noise(4800);
    const { position } = await engine.playAndRecord(signal);
    const heard = new Float32Array(4800);
    let found = 0;
    let index = 0;
    for await (const block of capture) {
      expect(block).toMatchObject({ index, frames: 500, dropped: 0, away: false });
      index += 500;
      const at = (block.position - position) * quantum + block.frame - loopbackFrames;
      const left = channelOf(block.data as Float32Array, 2);
      for (let i = 0; i < 500; i++) {
        if (at + i < 0 || at + i >= 4800) continue;
        heard[at + i] = left[i]!;
        found++;
      }
      if (at + 500 >= 4800) break;
    }
    expect(found).toBe(4800);
    expect(heard).toEqual(signal);
    expect(capture.state).toBe('closed');
  });

  it('is converted to the frame, whatever the parts it is read in', async () => {
    await using engine = await launch({ settings: testSettings(cable) });
    await whole(engine);
    using plain = await engine.capture({ channels: 1, bufferFrames: 240_000 });
    using converted = await engine.capture({ rate: 16_000, channels: 1, bufferFrames: 80_000 });
    const first = await read(plain, 1);
    const begun = plain.last!.position;
    const parts: Float32Array[] = [];
    let marked: { position: number } | null = null;
    for (let frames = 0; frames < 16_000; ) {
      const part = new Float32Array(Math.min(1 + ((frames * 7) % 700), 16_000 - frames));
      expect(await converted.read(part)).toBe(part.length);
      const { last } = converted;
      marked ??= last;
      const at = (last!.position - marked!.position) * quantum + last!.frame;
      expect(Math.abs(at - 3 * frames)).toBeLessThanOrEqual(1);
      expect(last!.index).toBe(frames);
      frames += part.length;
      parts.push(part);
    }
    // The plain one may have begun long before.
    const before = (marked!.position - begun) * quantum;
    const same = new Float32Array(before + 60_000);
    same.set(first);
    same.set(await read(plain, same.length - 1), 1);
    const reference = new FormatConversion({ rate, channels: 1 }, { rate: 16_000, channels: 1 });
    const expected = reference.push(same.subarray(before));
    expect(Buffer.concat(parts.map(bytesOf))).toEqual(bytesOf(expected.subarray(0, 16_000)));
  });

  it('loses its own oldest frames when it is slow, and nobody else does', async () => {
    await using engine = await launchSilent(testSettings(cable));
    await whole(engine);
    using slow = await engine.capture({ blockFrames: 64, bufferFrames: 1000 });
    using quick = await engine.capture({ bufferFrames: 240_000 });
    await playClean(engine, noise(9600));
    const data = new Float32Array(2 * 1000);
    expect(slow.available).toBe(1000);
    const waiting = performance.now();
    expect(slow.readNow(data)).toBe(1000);
    expect(performance.now() - waiting).toBeLessThan(1000);
    expect(slow.droppedFrames).toBeGreaterThan(8000);
    expect(slow.last).toMatchObject({ index: slow.droppedFrames, dropped: slow.droppedFrames });
    expect(slow.droppedEngineFrames).toBe(slow.droppedFrames);
    expect(slow.readFrames).toBe(1000);
    const all = await read(quick, 12_000);
    expect(quick.droppedFrames).toBe(0);
    const begun = quick.last!;
    expect(begun).toMatchObject({ index: 0, dropped: 0 });
    // What the slow one kept is what the quick one heard at the same time.
    const from = (slow.last!.position - begun.position) * quantum + slow.last!.frame;
    const kept = Math.min(1000, all.length / 2 - from);
    if (kept > 0) {
      expect(data.subarray(0, 2 * kept)).toEqual(all.subarray(2 * from, 2 * (from + kept)));
    }
  });

  it('gives speech as a recogniser wants it, and bytes, and what there is in time', async () => {
    await using engine = await launch({ settings: testSettings(cable) });
    await whole(engine);
    using speech = await engine.capture({ preset: 'speech' });
    expect(speech.format).toEqual({
      rate: 16_000,
      channels: 1,
      format: 's16',
      blockFrames: 512,
      bufferFrames: 4096,
    });
    for await (const { data, frames } of speech) {
      expect(data).toBeInstanceOf(Int16Array);
      expect(frames).toBe(512);
      if (data.some((sample) => Math.abs(sample) > 100)) break;
    }
    using packed = await engine.capture({ format: 's24', channels: 1 });
    expect(await packed.read(new Uint8Array(3 * 48_000), 0)).toBeLessThan(48_000);
    const bytes = new Uint8Array(3 * 300);
    expect(await packed.read(bytes)).toBe(300);
    expect(bytes.some((byte) => byte !== 0)).toBe(true);
    const whole32 = new Int32Array(300);
    expect(await packed.read(whole32)).toBe(300);
    expect(whole32.every((sample) => Math.abs(sample) <= 2 ** 23)).toBe(true);
  });

  it('refuses what cannot be', async () => {
    await using engine = await launchSilent(testSettings(cable));
    await whole(engine);
    for (const format of [
      { preset: 'shouting' },
      { rate: 999 },
      { channels: 9 },
      { format: 'u8' },
      { blockFrames: 0 },
      { bufferFrames: 100 },
      { bufferFrames: 1e9 },
    ]) {
      await expect(engine.capture(format as never)).rejects.toMatchObject({
        code: 'TENUTO_CAPTURE_FORMAT',
      });
    }
    using capture = await engine.capture();
    for (const data of [new Int16Array(4), new Float32Array(3), null]) {
      expect(() => capture.readNow(data as never)).toThrow(/samples|frames/);
    }
    const waiting = capture.read(new Float32Array(96_000));
    await expect(capture.read(new Float32Array(2))).rejects.toThrow(/another read/);
    await until('some of it is there', () => capture.readFrames > 0);
    capture.close();
    expect(await waiting).toBeLessThan(48_000);
    await expect(capture.read(new Float32Array(2))).rejects.toMatchObject({
      code: 'TENUTO_CAPTURE_CLOSED',
    });
  });

  it('goes on when control, a replica and the driver are killed', async () => {
    await using engine = await launchSilent(testSettings(cable));
    await whole(engine);
    using capture = await engine.capture({ bufferFrames: 240_000 });
    const { generation } = engine.status();
    for (const role of ['control', 'replica', 'driver']) {
      process.kill(pidOf(engine, role), 'SIGKILL');
      const { quanta } = engine.status().counters;
      await until('it went on', () => engine.status().counters.quanta > quanta + 200);
      await whole(engine);
    }
    let index = 0;
    let last = -1;
    for await (const block of capture) {
      expect(block).toMatchObject({ index, dropped: 0 });
      expect(block.position).toBeGreaterThan(last);
      last = block.position;
      index += block.frames;
      if (block.generation > generation) break;
    }
    const signal = noise(480);
    const { samples } = await playClean(engine, signal);
    const from = 2 * loopbackFrames;
    expect(channelOf(samples.subarray(from, from + 960), 2)).toEqual(signal);
  });

  it('gives the rest when the engine ends, and then says so; when its keeper is killed too', async () => {
    const closed = { code: 'TENUTO_CAPTURE_CLOSED' };
    for (const end of ['stop', 'kill']) {
      const engine = await launchSilent(testSettings(cable));
      await whole(engine);
      await using connection = await connectEngine(engine.name);
      const captures = [await engine.capture(), await connection.capture()];
      const reads = captures.map((capture) => capture.read(new Float32Array(2 * 960_000)));
      await until('something is heard', () => captures.every(({ readFrames }) => readFrames > 0));
      if (end === 'stop') await engine.stop();
      else process.kill(engine.keeperPid, 'SIGKILL');
      for (const given of await Promise.all(reads)) expect(given).toBeGreaterThan(0);
      const toTheEnd = async (capture: EngineCapture) => {
        while ((await capture.read(new Float32Array(96_000))) > 0);
      };
      for (const capture of captures) {
        await expect(toTheEnd(capture)).rejects.toMatchObject(closed);
      }
      await engine.ended;
    }
  });
});

const bytesOf = (samples: Float32Array) =>
  Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
