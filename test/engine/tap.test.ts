import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { connectEngine, type EngineTap } from '../../dist/client/index.js';
import { wavHeaderBytes } from '../../dist/media/wav-format.js';
import { launch, pidOf, temporaryFile, testSettings, until, whole } from '../kit/engine.js';

/** Follows a tap for so many quanta, and gives what the first point held by tick. */
async function follow(tap: EngineTap, quanta: number): Promise<Map<number, Float32Array>> {
  const heard = new Map<number, Float32Array>();
  await until('the tap renders', async () => {
    while (heard.size < quanta && tap.next()) heard.set(tap.tick, tap.points[0]!.samples.slice());
    if (heard.size < quanta) await delay(5);
    return heard.size >= quanta;
  });
  return heard;
}

/** Expects each quantum to be, bit for bit, what the recording holds at its tick. */
function expectRecorded(path: string, heard: Map<number, Float32Array>): void {
  const file = readFileSync(path).subarray(wavHeaderBytes(2));
  for (const [tick, samples] of heard) {
    const bytes = samples.byteLength;
    const there = file.subarray(tick * bytes, (tick + 1) * bytes);
    expect(there.equals(Buffer.from(samples.buffer)), `tick ${tick}`).toBe(true);
  }
}

describe('a tap', () => {
  it('gives what the engine plays, bit for bit, whatever is killed meanwhile', async () => {
    const settings = testSettings();
    const recordPath = await temporaryFile('out.wav');
    await using engine = await launch({ settings, recordPath });
    await whole(engine);
    await using connection = await connectEngine(engine.name);
    const noise = Float32Array.from({ length: 96_000 }, (_, i) => ((i * 7919) % 1009) / 4036);
    const stream = await connection.openStream({ rate: 48_000, channels: 2, format: 'f32' });
    using tap = await connection.tap(['master', 'filter.cutoff', 'tone', 'notes.gate']);
    expect(tap.points.map(({ lanes }) => lanes)).toEqual([2, 1, 1, 1]);
    const written = stream.write(noise);
    const heard = await follow(tap, 100);
    for (const role of ['replica', 'control', 'driver'])
      process.kill(pidOf(engine, role), 'SIGKILL');
    for (const [tick, samples] of await follow(tap, 400)) heard.set(tick, samples);
    const cutoff = tap.points[1]!.samples;
    expect(Math.min(...cutoff)).toBeGreaterThanOrEqual(200);
    expect(Math.max(...cutoff)).toBeLessThanOrEqual(2200);
    expect(tap.points[2]!.samples.some((sample) => sample !== 0)).toBe(true);
    await written;
    const last = Math.max(...heard.keys());
    // It is ahead of what is played; what the closing fade touches is not the patch's own.
    await until('all is played', () => engine.status().counters.quanta > last);
    await engine.stop();
    expect(tap.lostTicks).toBe(0);
    expect(heard.size).toBe(500);
    expectRecorded(recordPath, heard);
    expect(tap.isEnded).toBe(true);
  });
});
