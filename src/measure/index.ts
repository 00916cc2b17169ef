/**
 * Measuring with sound: latency, distance, impulse responses, over one stream that stays open.
 *
 * @packageDocumentation
 */
export {
  type Calibration,
  calibrationFault,
  calibrationFile,
  calibrationOf,
  loadCalibration,
  saveCalibration,
} from './calibration.js';
export { type Band, type ChirpParameters, checkChirp, makeChirp } from './chirp.js';
export {
  calibrate,
  chirpOf,
  type Distance,
  type DistanceOptions,
  measureDistance,
} from './distance.js';
export { type EchoPiSettings, importEchoPi } from './echopi.js';
export { Fourier } from './fourier.js';
export type { InputState } from './input-check.js';
export { type Latency, type LatencyOptions, type LatencyRun, measureLatency } from './latency.js';
export { type Medium, type SoundSpeed, soundSpeed } from './medium.js';
export {
  PersistentStream,
  type StreamIdentity,
  type Take,
  type TakeOptions,
} from './persistent-stream.js';
export type { Echo, Ranging } from './ranging.js';
export { Sonar, type SonarListener } from './sonar.js';
export type { SonarReading } from './sonar-reading.js';
export { type Spectrum, spectrumOf, triggerAt } from './spectrum.js';
export {
  type HarmonicLevel,
  type ImpulseResponse,
  measureSweep,
  type SweepOptions,
} from './sweep.js';
export type { TakeTrain, TrainOptions } from './take-train.js';
