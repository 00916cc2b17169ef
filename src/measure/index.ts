/**
 * Measuring with sound: latency, distance, impulse responses, over one stream that stays open.
 *
 * @packageDocumentation
 */
export { type Band, type ChirpParameters, checkChirp, makeChirp } from './chirp.js';
export { type Latency, type LatencyOptions, type LatencyRun, measureLatency } from './latency.js';
export { type Medium, type SoundSpeed, soundSpeed } from './medium.js';
export {
  PersistentStream,
  type StreamIdentity,
  type Take,
  type TakeOptions,
} from './persistent-stream.js';
