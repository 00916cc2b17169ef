import { describe, expect, it } from 'vitest';
import { type Medium, soundSpeed } from './medium.js';

const speed = (medium: Partial<Medium>) =>
  soundSpeed({ kind: 'air', temperatureC: 20, ...medium } as Medium).speedMps;
const water = (temperatureC: number, salinityPpt: number, depthM: number) =>
  soundSpeed({ kind: 'water', temperatureC, salinityPpt, depthM });

describe('the speed of sound', () => {
  it('in air is that of the literature', () => {
    // Dry air: 331.45 m/s at 0 degrees and 343.37 at 20 (Wong 1986; Bohn 1988).
    expect(Math.abs(speed({ temperatureC: 0, humidityPercent: 0 }) - 331.45)).toBeLessThan(0.06);
    expect(Math.abs(speed({ humidityPercent: 0 }) - 343.37)).toBeLessThan(0.05);
    expect(speed({ humidityPercent: 100 }) - speed({ humidityPercent: 0 })).toBeCloseTo(1.25, 0);
    expect(soundSpeed({ kind: 'air', temperatureC: 20 }).formula).toBe('Cramer 1993');
  });

  it('in air goes on without a jump where the formula ends', () => {
    for (const edge of [0, 30]) {
      const below = speed({ temperatureC: edge - 1e-6 });
      expect(Math.abs(speed({ temperatureC: edge + 1e-6 }) - below)).toBeLessThan(1e-4);
    }
    expect(speed({ temperatureC: -20, humidityPercent: 0 })).toBeCloseTo(319, 0);
    expect(soundSpeed({ kind: 'air', temperatureC: -20 }).formula).toContain('ISO 9613-1');
  });

  it('in water is what the papers give as their own checks', () => {
    // Mackenzie 1981: 1550.744 m/s at 25 degrees, 35 ppt, 1000 m.
    expect(water(25, 35, 1000)).toEqual({
      speedMps: expect.closeTo(1550.744, 3),
      formula: 'Mackenzie 1981',
    });
    // Bilaniuk and Wong: 1482.34 m/s at 20 degrees, 1402.39 at 0.
    expect(water(20, 0, 0).speedMps).toBeCloseTo(1482.34, 1);
    expect(water(0, 0, 0).speedMps).toBeCloseTo(1402.39, 2);
    expect(water(10, 10, 100).formula).toBe('Medwin 1975');
    // The three agree where they meet, each within its own error.
    expect(Math.abs(water(10, 24.9, 10).speedMps - water(10, 25, 10).speedMps)).toBeLessThan(0.5);
  });

  it('is refused outside of what the formulas cover', () => {
    expect(() => speed({ temperatureC: 200 })).toThrow(/temperatureC must be -40 to 60/);
    expect(() => speed({ humidityPercent: 101 })).toThrow(/humidityPercent/);
    expect(() => speed({ temperatureC: Number.NaN })).toThrow(/temperatureC/);
    expect(() => water(10, 10, 5000)).toThrow(/depthM/);
    expect(() => water(10, 46, 0)).toThrow(/salinityPpt/);
  });
});
