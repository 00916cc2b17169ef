/**
 * The library: start an engine, feed it, watch it, end it; or reach one that runs.
 *
 * @packageDocumentation
 */

export { OfflineEngine } from '../engine/offline.js';
export { connectEngine } from './connection.js';
export { type PreparedKeeper, prepareKeeper } from './keeper-process.js';
export { startEngine } from './launch.js';
export type {
  CaptureBlock,
  CaptureData,
  CaptureFormat,
  CaptureMark,
  EngineCapture,
  EngineConnection,
  EngineEnd,
  EngineStream,
  EngineTap,
  LoadedAsset,
  PlayAndRecordOptions,
  ProcessStatus,
  Recorded,
  RunningEngine,
  SampleFormat,
  ShutdownReport,
  StartOptions,
  Status,
  StopReason,
  StreamData,
  StreamFormat,
  StreamState,
  StreamStopReason,
  TapPoint,
  TimerStatus,
  TripwireStatus,
} from './types.js';
