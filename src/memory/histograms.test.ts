import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { readAddresses, writeAddress } from './addresses.js';
import { bucketFromUs, histogramIndex, readHistograms, recordInHistogram } from './histograms.js';
import { histogram } from './watch-layout.js';

describe('a histogram', () => {
  it('counts a time in the bucket that begins at it or before it, and ends after it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 20 - 1 }), (us) => {
        const segment = segmentFor();
        recordInHistogram(segment, histogramIndex.quantumJitter, us);
        const { count, sumUs, buckets } = readHistograms(segment).quantumJitter;
        const last = buckets.length - 1;
        expect([count, sumUs, buckets[last]]).toEqual([1, us, 1]);
        expect(bucketFromUs(last)).toBeLessThanOrEqual(us);
        expect(bucketFromUs(last + 1)).toBeGreaterThan(us);
      }),
    );
  });

  it('keeps its bounds for times that are none, and its sum beyond 32 bits', () => {
    const segment = segmentFor();
    const { words, layout } = segment;
    const at = layout.histograms + histogramIndex.outputLatency * histogram.words;
    words[at + histogram.sumLowUs] = -5;
    for (const us of [-1, 3, 10, 2 ** 31 - 1]) {
      recordInHistogram(segment, histogramIndex.outputLatency, us);
    }
    const { count, sumUs } = readHistograms(segment).outputLatency;
    expect(count).toBe(4);
    expect(sumUs).toBe(2 ** 32 - 5 + 13 + 2 ** 20 - 1);
  });
});

describe('an address of control', () => {
  it('is read as it was written, until it is taken back', () => {
    const segment = segmentFor();
    expect(readAddresses(segment)).toEqual({ http: null, ws: null, osc: null, remote: null });
    writeAddress(segment, 'ws', 'ws://[::1]:1/api/v1/ws');
    expect(readAddresses(segment).ws).toBe('ws://[::1]:1/api/v1/ws');
    writeAddress(segment, 'ws', null);
    expect(readAddresses(segment).ws).toBeNull();
  });
});
