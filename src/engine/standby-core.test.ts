import { beforeEach, describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { requestDevice } from '../memory/device-desk.js';
import { clock, Directive, DriverMark } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import { StandbyAdvice, StandbyCore } from './standby-core.js';

const patienceUs = 8000;

describe('a standby driver', () => {
  let segment: Segment;
  let standby: StandbyCore;
  const set = (word: number, value: number) => {
    segment.words[segment.layout.clock + word] = value;
  };
  beforeEach(() => {
    segment = segmentFor();
    standby = new StandbyCore(segment, 2, patienceUs);
    set(clock.driverMark, DriverMark.playing);
  });

  it('does not judge a driver that has not begun by its beat', () => {
    set(clock.driverMark, DriverMark.starting);
    for (const nowUs of [1e6, 1e6 + 1000, 2e6]) {
      expect(standby.advise(nowUs)).toBe(StandbyAdvice.wait);
    }
  });

  it('sleeps while it is not called, and wakes up just when a turn has become too old', () => {
    set(clock.beatUs, 1e6);
    expect(standby.advise(1e6 + 2000)).toBe(StandbyAdvice.wait);
    expect(standby.waitUs).toBeGreaterThan(2 * patienceUs);
    expect(standby.advise(1e6 + 6000)).toBe(StandbyAdvice.wait);
    expect(standby.waitUs).toBe(2000);
    expect(standby.advise(1e6 + 8000)).toBe(StandbyAdvice.takeOver);
  });

  it('looks once more at a driver that may have stood still with the whole machine', () => {
    set(clock.beatUs, 1e6);
    standby.advise(1e6 + 6000);
    expect(standby.advise(1e6 + 30_000)).toBe(StandbyAdvice.wait);
    expect(standby.waitUs).toBeLessThanOrEqual(1000);
    set(clock.beatUs, 1e6 + 30_500);
    expect(standby.advise(1e6 + 31_000)).toBe(StandbyAdvice.wait);
    expect(standby.waitUs).toBeGreaterThan(2 * patienceUs);
  });

  it('takes over from one that is still silent after that', () => {
    set(clock.beatUs, 1e6);
    expect(standby.advise(1e6 + 30_000)).toBe(StandbyAdvice.wait);
    expect(standby.advise(1e6 + 30_000 + standby.waitUs)).toBe(StandbyAdvice.takeOver);
  });

  it('waits for its moment to the end, however often replicas wake it meanwhile', () => {
    set(clock.beatUs, 1e6);
    standby.advise(1e6 + 30_000);
    for (const afterUs of [50, 400, 900]) {
      expect(standby.advise(1e6 + 30_000 + afterUs)).toBe(StandbyAdvice.wait);
      expect(standby.waitUs).toBe(1000 - afterUs);
    }
    expect(standby.advise(1e6 + 31_000)).toBe(StandbyAdvice.takeOver);
  });

  it('does not wait for ever where every wake-up is late', () => {
    set(clock.beatUs, 0);
    const lateUs = 5000;
    let nowUs = 10_000;
    let looks = 1;
    while (standby.advise(nowUs) === StandbyAdvice.wait) {
      nowUs += standby.waitUs + lateUs;
      looks++;
    }
    expect(looks).toBeLessThanOrEqual(4);
  });

  it('does all that when the clock wraps', () => {
    const wrap = 2 ** 31 - 3000;
    set(clock.beatUs, wrap | 0);
    expect(standby.advise((wrap + 6000) | 0)).toBe(StandbyAdvice.wait);
    expect(standby.waitUs).toBe(2000);
    expect(standby.advise((wrap + 8000) | 0)).toBe(StandbyAdvice.takeOver);
  });

  it.each([DriverMark.starting, DriverMark.playing])(
    'opens what is asked for, be it that nothing was played yet (mark %i)',
    (mark) => {
      set(clock.driverMark, mark);
      requestDevice(segment, { number: 1, name: 'virtual', nativeRateHz: null, us: 0 });
      expect(standby.advise(10)).toBe(StandbyAdvice.open);
      set(clock.directive, Directive.fade);
      expect(standby.advise(10)).toBe(StandbyAdvice.wait);
    },
  );
});
