import { TenutoError } from '../errors.js';

/** What sound travels through. */
export interface Medium {
  kind: 'air' | 'water';
  /** Air -40 to 60, water 0 to 40, in degrees Celsius. */
  temperatureC: number;
  /** Relative, of air, 0 to 100. */
  humidityPercent?: number;
  /** Of air, in kPa, 60 to 110. Default 101.325. */
  pressureKpa?: number;
  /** Of water, in grams of salt a kilogram, 0 (fresh) to 45. */
  salinityPpt?: number;
  /** Of water, 0 to 8000 m. */
  depthM?: number;
}

/** A speed of sound and where it is from. */
export interface SoundSpeed {
  /** Metres per second. */
  speedMps: number;
  /** Name, year and validity of the formula. */
  formula: string;
}

function within(name: string, value: number, low: number, high: number): number {
  if (Number.isFinite(value) && value >= low && value <= high) return value;
  throw new TenutoError('TENUTO_MEASURE_PARAMETERS', `${name} must be ${low} to ${high}`);
}

/** Part of carbon dioxide that the formula is used with; twice as much makes 0.02 m/s. */
const carbonDioxide = 0.0004;

/**
 * Cramer, J. Acoust. Soc. Am. 93, 2510 (1993), equation 15, in m/s: for 0 to 30 degrees, 75 to 102 kPa;
 * within 0.03 %.
 */
function cramer(t: number, pressurePa: number, humidity: number): number {
  const p = pressurePa;
  const kelvin = t + 273.15;
  // Saturated vapour (Davis 1991), as the paper takes it.
  const vapourPa = Math.exp(
    1.2811805e-5 * kelvin * kelvin - 1.9509874e-2 * kelvin + 34.04926034 - 6.3536311e3 / kelvin,
  );
  const enhancement = 1.00062 + 3.14e-8 * p + 5.6e-7 * t * t;
  const w = (humidity * enhancement * vapourPa) / p;
  const c = carbonDioxide;
  return (
    331.5024 +
    0.603055 * t -
    0.000528 * t * t +
    (51.471935 + 0.1495874 * t - 0.000782 * t * t) * w +
    (-1.82e-7 + 3.73e-8 * t - 2.93e-10 * t * t) * p +
    (-85.20931 - 0.228525 * t + 5.91e-5 * t * t) * c -
    2.835149 * w * w -
    2.15e-13 * p * p +
    29.179762 * c * c +
    0.000486 * w * p * c
  );
}

function airSpeed(medium: Medium): SoundSpeed {
  const t = within('temperatureC', medium.temperatureC, -40, 60);
  const humidity = within('humidityPercent', medium.humidityPercent ?? 50, 0, 100) / 100;
  const pressurePa = within('pressureKpa', medium.pressureKpa ?? 101.325, 60, 110) * 1000;
  const nearest = Math.min(30, Math.max(0, t));
  const speed = cramer(nearest, pressurePa, humidity);
  if (nearest === t) return { speedMps: speed, formula: 'Cramer 1993' };
  // Beyond its range as an ideal gas (ISO 9613-1: with the root of the absolute temperature).
  const scale = Math.sqrt((t + 273.15) / (nearest + 273.15));
  return { speedMps: speed * scale, formula: 'Cramer 1993, continued as ISO 9613-1' };
}

/** Bilaniuk and Wong, J. Acoust. Soc. Am. 93, 1609 (1993), 112 points: fresh, 0 to 100 degrees. */
function freshWater(t: number): number {
  return [
    1402.38744, 5.03836171, -5.81172916e-2, 3.34638117e-4, -1.48259672e-6, 3.1658502e-9,
  ].reduceRight((sum, coefficient) => sum * t + coefficient, 0);
}

/** Mackenzie, J. Acoust. Soc. Am. 70, 807 (1981): 2 to 30 degrees, 25 to 40 ppt, 0 to 8000 m. */
function mackenzie(t: number, s: number, d: number): number {
  return (
    1448.96 +
    4.591 * t -
    5.304e-2 * t * t +
    2.374e-4 * t ** 3 +
    1.34 * (s - 35) +
    1.63e-2 * d +
    1.675e-7 * d * d -
    1.025e-2 * t * (s - 35) -
    7.139e-13 * t * d ** 3
  );
}

/** Medwin, J. Acoust. Soc. Am. 58, 1318 (1975): 0 to 35 degrees, 0 to 45 ppt, 0 to 1000 m. */
function medwin(t: number, s: number, d: number): number {
  return (
    1449.2 + 4.6 * t - 0.055 * t * t + 0.00029 * t ** 3 + (1.34 - 0.01 * t) * (s - 35) + 0.016 * d
  );
}

function waterSpeed(medium: Medium): SoundSpeed {
  const t = within('temperatureC', medium.temperatureC, 0, 40);
  const s = within('salinityPpt', medium.salinityPpt ?? 0, 0, 45);
  const d = within('depthM', medium.depthM ?? 0, 0, 8000);
  if (s >= 25 && s <= 40 && t >= 2 && t <= 30) {
    return { speedMps: mackenzie(t, s, d), formula: 'Mackenzie 1981' };
  }
  if (s === 0 && d <= 10) return { speedMps: freshWater(t), formula: 'Bilaniuk and Wong 1993' };
  within('depthM, with this salinity and temperature,', d, 0, 1000);
  return { speedMps: medwin(Math.min(35, t), s, d), formula: 'Medwin 1975' };
}

/**
 * The speed of sound in air or water.
 *
 * @throws TenutoError `TENUTO_MEASURE_PARAMETERS` for what no formula covers
 */
export function soundSpeed(medium: Medium): SoundSpeed {
  return medium.kind === 'air' ? airSpeed(medium) : waterSpeed(medium);
}
