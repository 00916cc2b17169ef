/**
 * The library: start an engine, feed it, watch it, end it; or reach one that runs.
 *
 * @packageDocumentation
 */

export { OfflineEngine } from '../engine/offline.js';
export { connectEngine } from './connection.js';
export { type PreparedKeeper, prepareKeeper } from './keeper-process.js';
export { startEngine } from './launch.js';
export type { PlayTrainOptions, SignalTrain } from './train-types.js';
export type {
  Applied,
  CaptureBlock,
  CaptureData,
  CaptureFormat,
  CaptureMark,
  CommandInput,
  CommandTime,
  EngineCapture,
  EngineCommands,
  EngineConnection,
  EngineEnd,
  EngineNote,
  EngineStream,
  EngineTap,
  LoadedAsset,
  ParameterView,
  PlayAndRecordOptions,
  ProcessStatus,
  Recorded,
  RecordTrouble,
  Restored,
  RunningEngine,
  SampleFormat,
  SetOptions,
  ShutdownReport,
  StartOptions,
  StateView,
  Status,
  StopReason,
  StreamData,
  StreamFormat,
  StreamState,
  StreamStopReason,
  TapPoint,
  TimerStatus,
  Transport,
  TripwireStatus,
} from './types.js';
