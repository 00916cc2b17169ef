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
  });

  it('does not judge a driver that has not begun by its beat', () => {
    set(clock.driverMark, DriverMark.starting);
    expect(standby.advise(1e6)).toBe(StandbyAdvice.wait);
    set(clock.driverMark, DriverMark.playing);
    expect(standby.advise(1e6)).toBe(StandbyAdvice.takeOver);
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
