import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { connectEngine, type EngineStream } from '../../dist/client/index.js';
import { compilePatch, parsePatch, Renderer } from '../../dist/dsp/index.js';
import { limits } from '../../dist/limits.js';
import { wavHeaderBytes } from '../../dist/media/wav-format.js';
import { FormatConversion } from '../../dist/pcm/index.js';
import type { Settings } from '../../dist/settings/index.js';
import { runStreamStorm } from '../../dist/soak/index.js';
import {
  launch,
  pidOf,
  temporaryFile,
  testPatch,
  testSettings,
  until,
  whole,
} from '../kit/engine.js';
import { ModuleProcess } from '../kit/module-process.js';

const silence = 'nodes: { nothing: { type: gain }, out: { type: out, in: nothing } }';

function silentPatch({ engine }: Settings) {
  const format = { rate: engine.rateHz, quantum: engine.quantumFrames, channels: engine.channels };
  return compilePatch(parsePatch(silence, 'silence.yaml'), format);
}

/** The samples of a recording: stereo float32. */
function recorded(path: string): Float32Array {
  const file = readFileSync(path);
  const bytes = Uint8Array.from(file.subarray(wavHeaderBytes(2)));
  return new Float32Array(bytes.buffer, 0, bytes.length >> 2);
}

/** Stereo noise that begins and ends with silence, so that nothing follows it. */
function noise(frames: number, seed = 1): Float32Array {
  let state = seed;
  const samples = Float32Array.from({ length: frames * 2 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >> 8) / 2 ** 24;
  });
  samples.fill(0, 0, 2);
  samples.fill(0, samples.length - 2);
  return samples;
}

/**
 * Where the first frame of `part` is in `sound`, and where its last one ends, when all of them are
 * there in order and unaltered. A busy machine may let a stream run dry: what stands between two
 * frames then is the fall from the first of them, and silence.
 */
function find(sound: Float32Array, part: Float32Array): { from: number; to: number } | null {
  const isThere = (at: number, frame: number) =>
    sound[at] === part[frame * 2] && sound[at + 1] === part[frame * 2 + 1];
  // The first frame and the last are silence, so that nothing follows the last one.
  const frames = part.length / 2 - 1;
  let from = 0;
  while (from < sound.length && !isThere(from, 1)) from += 2;
  let at = from;
  for (let frame = 1; frame < frames; at += 2) {
    if (isThere(at, frame)) frame++;
    else if (at >= sound.length || Math.abs(sound[at]!) > Math.abs(sound[at - 2]!)) return null;
  }
  return { from, to: at };
}

const usual = { rate: 48_000, channels: 2, format: 'f32' } as const;

describe('a stream', () => {
  it('is played once, whole and bit for bit, from this program and from another connection', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('record.wav');
    const engine = await launch({ settings, patch: silentPatch(settings), recordPath });
    const first = noise(30_000, 1);
    const second = noise(30_000, 2);
    const third = noise(30_000, 3);
    const stream = await engine.openStream(usual);
    await stream.write(first);
    await stream.write(second);
    await stream.close();
    expect([stream.written, stream.played, stream.flushed]).toEqual([60_000, 60_000, 0]);
    expect([stream.state, stream.stopReason]).toEqual(['closed', 'closed']);
    await expect(stream.write(first)).rejects.toMatchObject({ code: 'TENUTO_STREAM_CLOSED' });
    await using connection = await connectEngine(engine.name);
    const other = await connection.openStream({ ...usual, bufferMs: 2000, name: 'other' });
    // In pieces, from bytes, and nobody waits for one before the next.
    const bytes = Buffer.from(third.buffer);
    for (let at = 0; at < bytes.length; at += 800) void other.write(bytes.subarray(at, at + 800));
    await other.drain();
    expect([other.written, other.played]).toEqual([30_000, 30_000]);
    await other.close();
    await engine.stop();
    const sound = recorded(recordPath);
    const at = [first, second, third].map((part) => find(sound, part));
    expect(at[0]).not.toBeNull();
    expect(at[1]!.from).toBeGreaterThan(at[0]!.to);
    expect(at[2]!.from).toBeGreaterThan(at[1]!.to);
    expect(sound.subarray(0, at[0]!.from).every((sample) => sample === 0)).toBe(true);
    expect(sound.subarray(at[2]!.to).every((sample) => sample === 0)).toBe(true);
  });

  it('is heard on top of what the patch plays', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('record.wav');
    const engine = await launch({ settings, recordPath });
    const stream = await engine.openStream(usual);
    const given = noise(20_000).map((sample) => Math.round(sample * 64) / 256);
    await stream.write(given);
    await stream.close();
    await engine.stop();
    const renderer = new Renderer(testPatch(settings).program, { streams: [], assets: [] });
    const sound = recorded(recordPath);
    const content = new Float32Array(sound.length);
    // The last eight are faded out.
    const quanta = Math.floor(sound.length / renderer.output.length) - 8;
    const { length } = renderer.output;
    for (let tick = 0; tick < quanta; tick++) {
      renderer.render();
      for (let i = 0; i < length; i++) {
        content[tick * length + i] = sound[tick * length + i]! - renderer.output[i]!;
      }
    }
    // What was added is a whole number of 2^-8, whatever the patch plays rounds off.
    const steps = content.map((sample) => Math.round(sample * 256) / 256);
    expect(find(steps, given)).not.toBeNull();
  });

  it('waits while its writer stops, and goes on with the next frame', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('record.wav');
    const engine = await launch({ settings, patch: silentPatch(settings), recordPath });
    const stream = await engine.openStream(usual);
    const parts = [noise(5000, 4), noise(5000, 5)];
    await stream.write(parts[0]!);
    await stream.drain();
    await delay(700);
    await stream.write(parts[1]!);
    await stream.close();
    await engine.stop();
    const sound = recorded(recordPath);
    const at = parts.map((part) => find(sound, part));
    expect(at[1]!.from).toBeGreaterThan(at[0]!.to + 2 * 0.6 * 48_000);
    expect(sound.subarray(at[0]!.to, at[1]!.from).every((sample) => sample === 0)).toBe(true);
  });

  it('is converted to the frame: other rate, other channels, whole numbers', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('record.wav');
    const engine = await launch({ settings, patch: silentPatch(settings), recordPath });
    const format = { rate: 44_100, channels: 1, format: 's16' } as const;
    const stream = await engine.openStream(format);
    const seconds = 0.8;
    const tone = Int16Array.from(
      { length: 44_100 * seconds },
      (_, i) => 10_000 * Math.sin((2 * Math.PI * 1000 * i) / 44_100),
    );
    await stream.write(tone);
    await stream.close();
    expect([stream.written, stream.played]).toEqual([tone.length, tone.length]);
    await engine.stop();
    const sound = recorded(recordPath);
    const engineFormat = { rate: 48_000, channels: 2 };
    const conversion = new FormatConversion({ rate: 44_100, channels: 1 }, engineFormat, {
      waitMs: 20,
    });
    const start = conversion.push(Float32Array.from(tone, (word) => word / 32_768));
    const expected = Float32Array.of(0, 0, ...start, ...conversion.end(), 0, 0);
    expect(expected.length / 2 - 2).toBe(48_000 * seconds);
    expect(find(sound, expected)).not.toBeNull();
    for (let i = 100; i < 48_000 * seconds - 100; i++) {
      const wanted = (10_000 / 32_768) * Math.sin((2 * Math.PI * 1000 * i) / 48_000);
      expect(Math.abs(expected[(i + 1) * 2]! - wanted)).toBeLessThan(1e-4);
    }
  });

  it('throws away at a flush what was not played, at once, and goes on after it', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('record.wav');
    const engine = await launch({ settings, patch: silentPatch(settings), recordPath });
    const stream = await engine.openStream({ ...usual, bufferMs: 1000 });
    const long = new Float32Array(2 * 480_000).fill(0.5);
    const next = noise(5000, 9);
    const writing = stream.write(long);
    await until('it is heard', () => stream.played > 10_000);
    await stream.flush();
    await writing;
    expect(stream.written).toBe(480_000);
    expect(stream.played + stream.flushed).toBe(480_000);
    expect(stream.flushed).toBeGreaterThan(400_000);
    await stream.flush();
    await stream.write(next);
    await stream.close();
    expect(stream.played + stream.flushed).toBe(485_000);
    await engine.stop();
    const sound = recorded(recordPath);
    const from = sound.indexOf(0.5);
    const to = sound.lastIndexOf(0.5) + 1;
    expect(to - from).toBeGreaterThanOrEqual(2 * (480_000 - stream.flushed));
    // From the last frame down to nothing within 5 ms, without a step.
    for (let i = to; i < to + 480; i++) {
      expect(sound[i]).toBeLessThanOrEqual(sound[i - 2]!);
      expect(sound[i - 2]! - sound[i]!).toBeLessThan(0.01);
    }
    expect(sound[to + 482]).toBe(0);
    expect(find(sound, next)!.from).toBeGreaterThan(to);
  });

  it('counts what is no sound, for itself and for the engine', async () => {
    const settings = testSettings();
    await using engine = await launch({ settings, patch: silentPatch(settings) });
    const stream = await engine.openStream(usual);
    await stream.write(Float32Array.of(Number.NaN, 0.5, 3, Number.NEGATIVE_INFINITY));
    await stream.close();
    expect([stream.badSamples, stream.loudSamples]).toEqual([2, 1]);
    const { streamBadSamples, streamLoudSamples } = engine.status().counters;
    expect([streamBadSamples, streamLoudSamples]).toEqual([2, 1]);
  });

  it('is refused when it cannot be, and nothing else happens', async () => {
    const settings = testSettings();
    await using engine = await launch({ settings, patch: silentPatch(settings) });
    const wrong = [{ rate: 5 }, { channels: 99 }, { format: 'mp3' }, { bufferMs: 1e9 }];
    for (const one of wrong) {
      await expect(engine.openStream({ ...usual, ...(one as object) })).rejects.toMatchObject({
        code: 'TENUTO_STREAM_FORMAT',
      });
    }
    const stream = await engine.openStream(usual);
    await expect(stream.write(new Int16Array(4))).rejects.toMatchObject({
      code: 'TENUTO_STREAM_FORMAT',
    });
    await stream.abort();
    await stream.abort();
    expect([stream.state, stream.stopReason]).toEqual(['closed', 'aborted']);
    expect(engine.status().counters.streamsOpened).toBe(1);
  });

  it('waits for a free one in order, and not longer than it is to', async () => {
    const settings = testSettings();
    await using engine = await launch({ settings, patch: silentPatch(settings) });
    const all: EngineStream[] = [];
    for (let i = 0; i < limits.streamsMax; i++) all.push(await engine.openStream(usual));
    expect(new Set(all.map(({ stream }) => stream)).size).toBe(limits.streamsMax);
    await expect(engine.openStream({ ...usual, waitMs: 50 })).rejects.toMatchObject({
      code: 'TENUTO_STREAM_LIMIT',
      message: expect.stringContaining('all 32 streams'),
    });
    const order: number[] = [];
    const waiting = [0, 1, 2].map(async (place) => {
      const stream = await engine.openStream({ ...usual, waitMs: 20_000 });
      order.push(place);
      return stream;
    });
    for (const stream of all.slice(0, 3)) await stream.close();
    await Promise.all(waiting);
    expect(order).toEqual([0, 1, 2]);
  });
});

/** A program of its own that opens a stream, says so, and writes for ever. */
function writerProcess(name: string): ModuleProcess {
  const client = JSON.stringify(new URL('../../dist/client/index.js', import.meta.url).href);
  return new ModuleProcess(`
    import { connectEngine } from ${client};
    const engine = await connectEngine(${JSON.stringify(name)});
    const stream = await engine.openStream({ rate: 48000, channels: 2, format: 'f32', bufferMs: 2000 });
    const writing = stream.write(new Float32Array(2 * 48000 * 60).fill(0.25));
    writing.catch((error) => console.log(error.code));
    console.log(stream.stream);
  `);
}

describe('streams when something dies', () => {
  it('fall silent when their program is killed, and are free again', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('record.wav');
    const engine = await launch({ settings, patch: silentPatch(settings), recordPath });
    const own = await engine.openStream(usual);
    const writer = writerProcess(engine.name);
    const number = Number(await writer.line());
    expect(number).not.toBe(own.stream);
    await delay(500);
    writer.kill('SIGKILL');
    await until('it is noticed', () => engine.status().counters.streamsOrphaned === 1);
    const next = await engine.openStream({ ...usual, stream: number });
    expect(next.stream).toBe(number);
    const content = noise(4000);
    await next.write(content);
    await next.close();
    await own.close();
    await engine.stop();
    const sound = recorded(recordPath);
    const end = sound.lastIndexOf(0.25) + 1;
    expect(end).toBeGreaterThan(0);
    for (let i = end; i < end + 480; i++) {
      expect(sound[i]! - sound[i - 2]!).toBeLessThanOrEqual(0);
      expect(sound[i - 2]! - sound[i]!).toBeLessThan(0.005);
    }
    expect(find(sound, content)!.from).toBeGreaterThan(end);
  });

  it('settle with an error that names the engine when it is gone', async () => {
    const settings = testSettings();
    const engine = await launch({ settings, patch: silentPatch(settings) });
    const streams = [await engine.openStream(usual)];
    const connection = await connectEngine(engine.name);
    streams.push(await connection.openStream(usual));
    const writes = streams.map((stream) => stream.write(new Float32Array(2 * 480_000)));
    const drain = streams[0]!.drain();
    const outcome = expect(drain).rejects.toMatchObject({ code: 'TENUTO_STREAM_CLOSED' });
    const closing = streams[1]!.close();
    const settled = Promise.allSettled(writes);
    process.kill(engine.keeperPid, 'SIGKILL');
    for (const result of await settled) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'TENUTO_STREAM_CLOSED',
          message: expect.stringContaining(`engine "${engine.name}" has ended`),
        },
      });
    }
    await outcome;
    await closing;
    expect(streams.map(({ stopReason }) => stopReason)).toEqual(['engine-ended', 'engine-ended']);
    await streams[0]!.close();
    await expect(connection.openStream(usual)).rejects.toMatchObject({
      code: 'TENUTO_ENGINE_UNREACHABLE',
    });
    connection.close();
    await engine.ended;
  });

  it('end with the engine when it is stopped in order', async () => {
    const settings = testSettings();
    const engine = await launch({ settings, patch: silentPatch(settings) });
    const stream = await engine.openStream(usual);
    const writer = writerProcess(engine.name);
    await writer.line();
    const writing = stream.write(new Float32Array(2 * 480_000));
    const outcome = expect(writing).rejects.toMatchObject({ code: 'TENUTO_STREAM_CLOSED' });
    const { report } = await engine.stop();
    expect(report?.forced).toBe(false);
    await outcome;
    expect(stream.stopReason).toBe('engine-ended');
    expect(await writer.line()).toBe('TENUTO_STREAM_CLOSED');
  });

  it('go on, and are opened, while control is killed', async () => {
    const settings = testSettings(['restart.perMinute=1000']);
    const recordPath = await temporaryFile('record.wav');
    const engine = await launch({ settings, patch: silentPatch(settings), recordPath });
    await whole(engine);
    const stream = await engine.openStream({ ...usual, bufferMs: 100 });
    const content = noise(96_000);
    const writing = stream.write(content);
    process.kill(pidOf(engine, 'control'), 'SIGKILL');
    const others = await Promise.all([0, 1, 2].map(() => engine.openStream(usual)));
    expect(new Set([stream, ...others].map((one) => one.stream)).size).toBe(4);
    process.kill(pidOf(engine, 'control'), 'SIGKILL');
    await Promise.all([writing, ...others.map((one) => one.close())]);
    await stream.close();
    expect(stream.played).toBe(96_000);
    await engine.stop();
    expect(find(recorded(recordPath), content)).not.toBeNull();
  });
});

/** Runs a storm and prints what is no proof but worth knowing. */
async function storm(title: string, more: Partial<Parameters<typeof runStreamStorm>[0]>) {
  const settings = testSettings();
  const report = await runStreamStorm({
    settings,
    producers: 40,
    processes: 4,
    seconds: 6,
    seed: 1,
    ...more,
  });
  const { opened, closed, killed, frames, waitMs, memoryMb, faults } = report;
  console.log(title, JSON.stringify({ opened, closed, killed, frames, waitMs, memoryMb, faults }));
  const { lostFrames, strangeFrames, bitExact, order, stuck, leftTaken, failures } = report;
  const { divergences, recreations } = report.counters;
  expect({ divergences, recreations }).toEqual({ divergences: 0, recreations: 0 });
  expect({ lostFrames, strangeFrames, bitExact, order, stuck, leftTaken, failures }).toEqual({
    lostFrames: 0,
    strangeFrames: 0,
    bitExact: true,
    order: 'ok',
    stuck: 0,
    leftTaken: 0,
    failures: {},
  });
  expect(report.closed).toBeGreaterThan(0);
  expect(report.ok).toBe(true);
  return report;
}

describe('a storm of streams', () => {
  it('loses no frame of any of them', async () => {
    await storm('streams', {});
  });

  it('loses no frame while their programs are killed', async () => {
    const report = await storm('streams, clients killed', { clientKillsPerSec: 1 });
    expect(report.killed).toBeGreaterThan(0);
  });

  it('loses no frame while the engine is killed piece by piece', async () => {
    const report = await storm('streams, engine killed', {
      kill: ['replica', 'driver', 'control'],
      rate: 2,
    });
    expect(Object.keys(report.faults).length).toBeGreaterThan(0);
  });
});
