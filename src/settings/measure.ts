import { z } from 'zod';
import { limits } from '../limits.js';

function describe<T extends z.ZodType>(schema: T, description: string, more: object = {}): T {
  return schema.meta({ description, ...more });
}

const number = (min: number, max: number) => z.number().min(min).max(max);

/** How is measured; the defaults are those that users of EchoPi know. */
export const measureSchema = z.strictObject({
  kind: describe(
    z.enum(['linear', 'exponential']),
    'The chirp, linear: Hz per second constant; exponential: octaves per second constant.',
  ).default('linear'),
  startHz: describe(number(1, 96_000), 'Frequency at which the chirp begins, in Hz.').default(2000),
  endHz: describe(
    number(1, 96_000),
    'Frequency at which it ends, in Hz; may be the lower.',
  ).default(20_000),
  durationMs: describe(number(1, 10_000), 'How long the chirp is, in milliseconds.').default(50),
  amplitude: describe(number(0.001, 1), 'Peak of the chirp, of full scale 1.').default(0.8),
  lowHz: describe(
    number(0, 96_000),
    'Lower end of what loudspeaker and microphone can do, in Hz; a chirp beyond it is refused.',
  ).default(0),
  highHz: describe(
    number(0, 96_000),
    'Upper end of what loudspeaker and microphone can do, in Hz; 0: what the rate can hold.',
  ).default(0),
  medium: describe(z.enum(['air', 'water']), 'What the sound travels through.').default('air'),
  temperatureC: describe(number(-40, 60), 'Of the medium, in degrees Celsius.').default(20),
  humidityPercent: describe(number(0, 100), 'Of air, relative, in percent.').default(50),
  salinityPpt: describe(
    number(0, 45),
    'Of water, in grams of salt a kilogram; 0 is fresh, the sea has 35.',
  ).default(0),
  depthM: describe(number(0, 8000), 'Of water, in metres.').default(0),
  minM: describe(number(0, 1000), 'Nearest distance that is looked for, in metres.').default(0.1),
  maxM: describe(number(0.01, 1000), 'Farthest distance that is looked for, in metres.').default(
    17,
  ),
  spacingM: describe(number(0, 100), 'From the loudspeaker to the microphone, in metres.').default(
    0.1,
  ),
  echo: describe(
    z.enum(['strongest', 'first']),
    'Which of several echoes is the distance.',
  ).default('strongest'),
  estimator: describe(
    z.enum(['auto', 'carrier', 'envelope']),
    'What tells the time, carrier: the wave itself, exact where the echo has the phase of the direct sound; envelope: its outline, of any phase; auto: the carrier where that phase is found.',
  ).default('auto'),
  falseAlarm: describe(
    number(1e-12, 0.5),
    'Probability at which noise may be taken for an echo; rarer ones are not told.',
  ).default(1e-4),
  latencyMs: describe(
    number(0, 10_000),
    'Round-trip latency where no direct sound reaches the microphone, in milliseconds; 0: it is measured by the direct sound.',
  ).default(0),
  updateHz: describe(number(0.1, 50), 'Rangings a second of the sonar.').default(2),
  filterSize: describe(
    z.number().int().min(1).max(99),
    'Rangings of which the sonar shows the median; 1 is off. The raw value is always told too.',
  ).default(3),
  smoothing: describe(
    z.enum(['off', 'kalman']),
    'kalman: the medians are smoothed by a Kalman filter as well.',
  ).default('off'),
  history: describe(
    z.number().int().min(1).max(limits.measureHistoryMax),
    'Rangings that the sonar remembers.',
  ).default(100),
  channel: describe(
    z
      .number()
      .int()
      .min(0)
      .max(limits.channelsMax - 1),
    'Captured channel that is measured by, from 0.',
  ).default(0),
  calibration: describe(
    z.string().max(4096),
    "File that calibrations are kept in; empty: tenuto/calibration.json in the user's folder for state.",
  ).default(''),
  kernelLog: describe(
    z.string().min(1).max(4096),
    "The kernel's log, which `tenuto doctor --watch` and the sonar follow.",
  ).default('/dev/kmsg'),
  kernelPatterns: describe(
    z.array(z.string().min(1).max(256)).max(64),
    'Regular expressions; a line of the log that fits one counts as a fault of the kernel.',
  ).default([
    '\\bOops\\b',
    'Kernel panic',
    '\\bBUG:',
    'deaddeaddead',
    'general protection fault',
    'Unable to handle kernel',
    '(snd|ALSA|asoc|voicehat|bcm2835-i2s).*(error|fail|timeout|xrun|fault)',
  ]),
  onKernelFault: describe(
    z.enum(['tell', 'stop']),
    'stop: the sonar ends in order when the kernel tells of a fault.',
  ).default('stop'),
});

/** The settings of a measurement. */
export type MeasureSettings = z.output<typeof measureSchema>;
