import { describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { requestTimesKept } from './desk-layout.js';
import { readDeskState, requestAges, requestDevice, waitingRequest } from './device-desk.js';

describe('the device desk', () => {
  it('knows when devices were asked for, for a control process that comes later', () => {
    const segment = segmentFor();
    expect(requestAges(segment, 1000)).toEqual([]);
    const ask = (number: number, us: number) =>
      requestDevice(segment, { number, name: `pipewire:sink${number}`, nativeRateHz: 48_000, us });
    // Across the wrap of the clock.
    ask(1, 2 ** 32 - 1000);
    ask(2, 500);
    expect(requestAges(segment, 2000)).toEqual([3000, 1500]);
    for (let number = 3; number <= 200; number++) ask(number, number * 1000);
    const ages = requestAges(segment, 200_000);
    expect(ages).toHaveLength(requestTimesKept);
    expect(ages.at(-1)).toBe(0);
    expect(ages[0]).toBe((requestTimesKept - 1) * 1000);
    expect(waitingRequest(segment)).toMatchObject({ number: 200, name: 'pipewire:sink200' });
    expect(readDeskState(segment)).toMatchObject({ request: 200, settled: 0 });
  });
});
