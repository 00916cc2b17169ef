import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Geometry, type Layout, layoutOf, lineWords } from './layout.js';
import { createSegment, openSegment, readGeometry } from './segment.js';

const geometries: fc.Arbitrary<Geometry> = fc.record({
  quantum: fc.integer({ min: 8, max: 256 }).map((n) => n * 4),
  rateHz: fc.integer({ min: 8000, max: 192_000 }),
  channels: fc.integer({ min: 1, max: 8 }),
  captureChannels: fc.integer({ min: 0, max: 8 }),
  lead: fc.integer({ min: 1, max: 32 }),
  snapshotTicks: fc.integer({ min: 33, max: 1024 }),
  arenaBytes: fc.integer({ min: 4, max: 1 << 22 }),
  programBytes: fc.integer({ min: 4, max: 1 << 16 }),
  firstTick: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
});

/** Regions in the order of memory: name, first word. */
function regions(layout: Layout): [string, number][] {
  const names = [
    'header',
    'clock',
    'generations',
    'processes',
    'replicas',
    'counters',
    'eventHead',
    'events',
    'evidence',
    'desk',
    'timers',
    'services',
    'tripwires',
    'histograms',
    'addresses',
    'controlDesk',
    'receipts',
    'streamSeats',
    'lanes',
    'journal',
    'rings',
    'output',
    'snapshots',
    'programs',
  ] as const;
  return names.map((name) => [name, layout[name]]);
}

describe('the layout', () => {
  it('puts the regions one after the other, each on a cache line of its own', () => {
    fc.assert(
      fc.property(geometries, (geometry) => {
        const layout = layoutOf(geometry);
        const list = regions(layout);
        for (let i = 1; i < list.length; i++) {
          expect(list[i]![1], list[i]![0]).toBeGreaterThan(list[i - 1]![1]);
        }
        for (const [name, at] of list) expect(at % lineWords, name).toBe(0);
        expect(layout.quantumStride % lineWords).toBe(0);
        expect(layout.outputStride % lineWords).toBe(0);
        expect(layout.bytes / 4).toBeGreaterThan(layout.snapshots);
      }),
    );
  });

  it('comes back from the header', () => {
    const geometry: Geometry = {
      quantum: 128,
      rateHz: 48_000,
      channels: 2,
      captureChannels: 1,
      lead: 4,
      snapshotTicks: 188,
      arenaBytes: 4096,
      programBytes: 100,
      firstTick: -5,
    };
    const buffer = new ArrayBuffer(layoutOf(geometry).bytes);
    createSegment(buffer, geometry);
    expect(readGeometry(buffer)).toEqual(geometry);
    expect(openSegment(buffer).layout).toEqual(layoutOf(geometry));
  });

  it('refuses what is not a segment', () => {
    expect(() => openSegment(new ArrayBuffer(4096))).toThrow(/segment/);
  });
});
