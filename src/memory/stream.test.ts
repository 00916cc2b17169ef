import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { enterGeneration, sealTick, segmentFor } from '../../test/kit/segment.js';
import { Sealer } from '../engine/sealing.js';
import { limits } from '../limits.js';
import { findRecord } from './journal.js';
import { record } from './layout.js';
import {
  hasStreamContent,
  openStreamSegment,
  readStreamPlace,
  rewindStream,
  streamBytes,
  streamFrames,
  streamHeader,
  streamKeptTicks,
  streamNoticeTicks,
  streamRecordedTicks,
  writeStream,
} from './stream.js';
import { tickAfter } from './ticks.js';

const starts = [0, -1000, 2 ** 31 - 300, -(2 ** 31)];

/** One stream whose counts begin at `start`, under a real sealer. */
function streamAt(start: number) {
  const segment = segmentFor();
  const { layout } = segment;
  const stream = openStreamSegment(new ArrayBuffer(streamBytes(layout)), layout);
  enterGeneration(segment, 1, { position: 0, tick: 0, previous: 0 });
  const at = sealTick(segment, 1, 0);
  segment.words[at + record.streamCursors] = start;
  stream.words[streamHeader.written] = start;
  const sealer = new Sealer(segment, [stream], 1);
  sealer.resume(0);
  let tick = 1;
  const seal = () => {
    sealer.prepare(tick++, 0);
    expect(sealer.commit()).toBe(true);
    return readStreamPlace(segment, 0)!;
  };
  return { segment, stream, seal };
}

describe('the size of a ring', () => {
  it('holds what is kept and the largest buffer, and 2 MB are enough for usual settings', () => {
    const geometries = fc.record({
      quantum: fc.integer({ min: 8, max: 256 }).map((n) => n * 4),
      rateHz: fc.integer({ min: limits.rateHzMin, max: limits.rateHzMax }),
      channels: fc.integer({ min: 1, max: 8 }),
      snapshotTicks: fc.integer({ min: 33, max: 1024 }),
    });
    fc.assert(
      fc.property(geometries, (geometry) => {
        const frames = streamFrames(geometry);
        const kept = streamKeptTicks(geometry) * geometry.quantum;
        expect(frames & (frames - 1)).toBe(0);
        expect(frames - kept).toBeGreaterThanOrEqual(2 * geometry.rateHz);
        const recorded = streamRecordedTicks(geometry);
        expect(recorded).toBeGreaterThanOrEqual(streamKeptTicks(geometry));
        expect(frames - recorded * geometry.quantum).toBeGreaterThanOrEqual(2 * geometry.rateHz);
      }),
    );
    const usual = { quantum: 128, rateHz: 48_000, channels: 2, snapshotTicks: 64 };
    expect(streamBytes(usual)).toBe(2 ** 21 + 4096);
  });
});

describe.each(starts)('a stream whose count is %i', (start) => {
  it('is sealed a quantum at a time, as far as it is written', () => {
    const { stream, seal } = streamAt(start);
    writeStream(stream, new Float32Array(70));
    expect([seal(), seal(), seal(), seal()].map(({ cursor }) => (cursor - start) | 0)).toEqual([
      32, 64, 70, 70,
    ]);
  });

  it('plays nothing that was taken back, and then what is new', () => {
    const { stream, seal } = streamAt(start);
    writeStream(stream, new Float32Array(500).fill(1));
    const before = seal();
    Atomics.store(stream.words, streamHeader.hold, 1);
    let place = before;
    for (let i = 0; i < streamNoticeTicks; i++) place = seal();
    expect(place.cursor).toBe(before.cursor);
    rewindStream(stream, place.cursor);
    writeStream(stream, new Float32Array(10).fill(2));
    expect((seal().cursor - before.cursor) | 0).toBe(10);
    expect(stream.samples[before.cursor & (stream.frames - 1)]).toBe(2);
  });

  it('stands still when its client counts backwards', () => {
    const { stream, seal } = streamAt(start);
    stream.words[streamHeader.written] = (start - 5000) | 0;
    expect((seal().cursor - start) | 0).toBe(0);
  });
});

describe('what a late replica may still read', () => {
  it('is everything within what is kept, and nothing that was overwritten', () => {
    const segment = segmentFor({ snapshotTicks: 16 });
    const { layout } = segment;
    const kept = streamKeptTicks(layout);
    const first = layout.firstTick;
    enterGeneration(segment, 1, { position: 0, tick: first, previous: 0 });
    let cursor = 0;
    for (let i = 0; i <= 3 * kept; i++) {
      const at = sealTick(segment, 1, tickAfter(first, i));
      // The second stream plays only in the first part, and then no more.
      cursor += i < kept ? layout.quantum : 0;
      segment.words[at + record.streamCursors + 1] = cursor;
    }
    const last = tickAfter(first, 3 * kept);
    expect(findRecord(segment, first)).toBeGreaterThan(0);
    expect(hasStreamContent(segment, tickAfter(first, 2), last)).toBe(true);
    const at = findRecord(segment, last);
    segment.words[at + record.streamCursors + 1] = cursor + layout.quantum;
    expect(hasStreamContent(segment, first, last)).toBe(false);
    expect(hasStreamContent(segment, tickAfter(last, 1 - kept), last)).toBe(true);
  });
});
