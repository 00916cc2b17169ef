/**
 * How exact distances and times of flight are in the acoustic room: what the estimator can do, without
 * a device. The errors are against the room's own truth, the spread against the Cramér-Rao bound.
 */

import { roomPaths } from '../dist/device/room/paths.js';
import { hearRoom } from '../dist/device/room/room.js';
import { findArrivals } from '../dist/measure/arrivals.js';
import { arrivalBoundSec } from '../dist/measure/bounds.js';
import { makeChirp } from '../dist/measure/chirp.js';
import { Fourier } from '../dist/measure/fourier.js';
import { MatchedFilter } from '../dist/measure/matched-filter.js';
import { soundSpeed } from '../dist/measure/medium.js';
import { Ranger } from '../dist/measure/ranging.js';
import { refineCarrier } from '../dist/measure/refinement.js';
import { roomSchema } from '../dist/settings/room.js';

const rateHz = 48_000;
const medium = { kind: 'air', temperatureC: 20 };
const { speedMps: soundSpeedMps } = soundSpeed(medium);
const chirp = {
  kind: 'linear',
  startHz: 2000,
  endHz: 20_000,
  durationMs: 50,
  amplitude: 0.8,
  rateHz,
};
const place = { rateHz, rateErrorPpm: 0, quantum: 128 };
const distances = [0.3, 0.5, 1, 2, 5, 10];

const rms = (samples) => Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
const db = (value) => 20 * Math.log10(value);

/** A room whose echo stands so far above the noise, frame by frame. */
function roomOf(distanceM, snrDb, seed, more = {}) {
  const bare = {
    latencyFrames: 480,
    soundSpeedMps,
    gain: 0.04,
    targets: [{ distanceM }],
    seed,
    ...more,
  };
  const echo = roomPaths(roomSchema.parse(bare), rateHz).find(({ kind }) => kind === 'target');
  const noiseDb = db(echo.gain * rms(makeChirp(chirp))) - snrDb;
  return { room: roomSchema.parse({ ...bare, noiseDb }), echo };
}

/** Distances in rooms whose target stands a little elsewhere each time, with the errors in mm. */
function errorsAt(fourier, distanceM, trials) {
  const parameters = { chirp, medium, minM: 0.2, maxM: 11, spacingM: 0.1, falseAlarm: 1e-4 };
  const way = { directFrames: 494, withinFrames: 192 };
  const choice = { echo: 'strongest', estimator: 'auto' };
  const ranger = new Ranger(fourier, { ...parameters, ...choice }, way);
  const { signal, frames } = ranger;
  const errors = [];
  let missed = 0;
  for (let i = 0; i < trials; i++) {
    const truth = distanceM + ((i * 0.618_034) % 1) * 0.0072;
    // A latency of any fraction of a frame, as a device may have it.
    const latencyFrames = 480 + ((i * 0.414_214) % 1);
    const { room } = roomOf(truth, 20, i + 1, { latencyFrames });
    const empty = { ...room, targets: [], noiseDb: room.noiseDb - 9, seed: i + 50_000 };
    const clutter = { samples: hearRoom(empty, place, { signal, frames }) };
    const { echo } = ranger.range(hearRoom(room, place, { signal, frames }), { clutter });
    if (echo === null) missed++;
    else errors.push((echo.distanceM - truth) * 1000);
  }
  return { errors, missed };
}

const mean = (values) => values.reduce((sum, x) => sum + x, 0) / values.length;

/** Times of flight of one echo without direct sound, at one signal-to-noise ratio. */
function spreadAt(fourier, snrDb, trials) {
  const signal = makeChirp(chirp);
  const frames = 6000;
  const filter = new MatchedFilter(fourier, signal, frames, rateHz);
  const search = { fromFrame: 300, toFrame: 3300, most: 1, falseAlarm: 0.5, rangeDb: 90 };
  const envelope = [];
  const carrier = [];
  let gross = 0;
  for (let i = 0; i < trials; i++) {
    const { room, echo } = roomOf(3 + ((i * 0.618_034) % 1) * 0.0072, snrDb, i + 1, { direct: 0 });
    const spectrum = filter.spectrumOf(hearRoom(room, place, { signal, frames }));
    const [found] = findArrivals(filter, spectrum, search).found;
    // Farther than the main lobe of the envelope: another peak was taken for it.
    if (found === undefined || Math.abs(found.frame - echo.delayFrames) > 3) gross++;
    else {
      envelope.push(((found.frame - echo.delayFrames) / rateHz) * 1e6);
      const frame = refineCarrier(filter, spectrum, found, 0);
      carrier.push(((frame - echo.delayFrames) / rateHz) * 1e6);
    }
  }
  const ratio = signal.length * 10 ** (snrDb / 10);
  const boundUs = (known) => arrivalBoundSec(filter.shape, ratio, known) * 1e6;
  return { envelope, carrier, gross, boundUs };
}

export async function* run({ full }) {
  const fourier = await Fourier.load();
  const trials = full ? 300 : 60;
  for (const distanceM of distances) {
    const { errors, missed } = errorsAt(fourier, distanceM, trials);
    const rmse = rms(errors);
    const bias = mean(errors);
    yield {
      what: `range ${distanceM} m, 20 dB echo, ${trials} rooms`,
      target: 'RMSE 0.1 mm, bias 0.02 mm',
      measured: `RMSE ${rmse.toFixed(4)} mm, bias ${bias.toFixed(4)} mm, ${missed} missed`,
      beside: distanceM === 5 ? 'EchoPi 0.992 m, plain filter 0.08 mm' : undefined,
      met: rmse <= 0.1 && Math.abs(bias) <= 0.02 && missed === 0,
    };
  }
  for (const snrDb of [20, 10, 0, -10]) {
    const { envelope, carrier, gross, boundUs } = spreadAt(fourier, snrDb, trials * 5);
    const over = (values, known) => db(rms(values) / boundUs(known));
    yield {
      what: `time of flight at ${snrDb} dB, ${trials * 5} echoes`,
      target: 'within 1 dB of the bound',
      measured:
        `envelope ${rms(envelope).toFixed(4)} us (${over(envelope, false).toFixed(2)} dB), ` +
        `carrier ${rms(carrier).toFixed(4)} us (${over(carrier, true).toFixed(2)} dB)`,
      beside: `bounds ${boundUs(false).toFixed(4)} and ${boundUs(true).toFixed(4)} us, ${gross} gross`,
      met: over(envelope, false) <= 1 && over(carrier, true) <= 1 && gross === 0,
    };
  }
  const { envelope, gross, boundUs } = spreadAt(fourier, -20, trials * 5);
  yield {
    what: `time of flight at -20 dB, ${trials * 5} echoes`,
    measured: `${gross} gross errors; the others ${rms(envelope).toFixed(2)} us`,
    beside: `bound ${boundUs(false).toFixed(2)} us; plain filter 54 of 300 gross, 7.2 us`,
  };
}
