import { beforeEach, describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { deviceHealth } from '../device/device.js';
import { readCounters } from '../memory/counters.js';
import type { Segment } from '../memory/segment.js';
import { readTimers } from '../memory/timers.js';
import { DeviceMeter } from './device-meter.js';

describe('what a driver measures of its device', () => {
  let segment: Segment;
  const health = new Float64Array(deviceHealth.places);
  beforeEach(() => {
    segment = segmentFor();
    health.fill(0);
  });

  it('is the time until the first quantum, once, when another device was asked for', () => {
    let nowUs = -(2 ** 31) + 6999;
    const world = { nowUs: () => nowUs };
    const asked = new DeviceMeter(segment, world, 2 ** 31 - 1);
    asked.given(health);
    nowUs += 9000;
    asked.given(health);
    new DeviceMeter(segment, world, null).given(health);
    expect(readTimers(segment).recreateTotal).toMatchObject({ count: 1, lastMs: 7 });
  });

  it('is the time of each conversion, and nothing where there is none', () => {
    const meter = new DeviceMeter(segment, { nowUs: () => 0 }, null);
    meter.given(health);
    health[deviceHealth.conversionUs] = 120.7;
    meter.given(health);
    health[deviceHealth.conversionUs] = 40;
    meter.given(health);
    const expected = { count: 2, lastMs: 0.04, averageMs: 0.08, maxMs: 0.12 };
    expect(readTimers(segment).callbackResample).toEqual(expected);
  });

  it('is what the device threw away, each frame once', () => {
    const meter = new DeviceMeter(segment, { nowUs: () => 0 }, null);
    for (const frames of [0, 5, 5, 12, 3]) {
      health[deviceHealth.captureDropFrames] = frames;
      meter.looked(health);
    }
    expect(readCounters(segment).captureDropFrames).toBe(12);
  });
});
