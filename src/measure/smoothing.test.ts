import { describe, expect, it } from 'vitest';
import { Gauss } from '../../test/kit/echoes.js';
import { KalmanFilter, MedianFilter } from './smoothing.js';

describe('smoothing', () => {
  it('by the median passes a single wrong value over', () => {
    const filter = new MedianFilter(3);
    expect([1, 1, 9, 1, 1].map((value) => filter.push(value))).toEqual([1, 1, 1, 1, 1]);
  });

  it('by Kalman is nearer to a target that moves than what is measured', () => {
    const filter = new KalmanFilter();
    const gauss = new Gauss(3);
    let raw = 0;
    let smooth = 0;
    for (let i = 0; i < 400; i++) {
      const truth = 2 + 0.3 * Math.sin(i / 40);
      const measured = truth + 0.05 * gauss.next();
      const smoothed = filter.push(measured, i / 10, 0.05);
      if (i < 20) continue;
      raw += (measured - truth) ** 2;
      smooth += (smoothed - truth) ** 2;
    }
    expect(smooth).toBeLessThan(raw / 2);
  });

  it('by Kalman begins anew where the target jumps', () => {
    const filter = new KalmanFilter();
    for (let i = 0; i < 20; i++) filter.push(1, i / 10, 0.001);
    expect(filter.push(5, 2.1, 0.001)).toBe(5);
  });
});
