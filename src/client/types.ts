import type { CompiledPatch } from '../dsp/compiler.js';
import type { ShutdownReport } from '../engine/shutdown.js';
import type { Segment } from '../memory/segment.js';
import type { Status } from '../observe/status.js';
import type { Settings } from '../settings/index.js';
import type { SampleFormat, StreamData } from './sample-door.js';

export type { ShutdownReport, StopReason } from '../engine/shutdown.js';
export type { TimerStatus } from '../memory/timers.js';
export type { ProcessStatus, Status } from '../observe/status.js';
export type { TripwireStatus } from '../observe/tripwires.js';
export type { SampleFormat, StreamData } from './sample-door.js';

/** Decoded audio that a patch plays: interleaved float32 at the engine's rate. */
export interface LoadedAsset {
  samples: Float32Array;
  channels: number;
  frames: number;
  rate: number;
}

/** What `startEngine` starts. */
export interface StartOptions {
  settings: Settings;
  patch: CompiledPatch;
  /** In the order of the compiled patch's list. */
  assets?: readonly LoadedAsset[];
  /** Records what is played into this float32 WAV file, from the first tick. */
  recordPath?: string;
  /** Ends after so many seconds of the stream. Default: runs until told to stop. */
  seconds?: number;
  /** Lets commands kill and hang replicas. For proofs only. Default false. */
  faults?: boolean;
  /** First tick; not 0 only to try the wrap of the tick. */
  firstTick?: number;
  /** Writes each process's garbage collection trace into this folder. */
  traceGc?: string;
  /** Environment of its processes, by which they find the sound server. Default: this program's. */
  env?: NodeJS.ProcessEnv;
}

/** How an engine ended. */
export interface EngineEnd {
  /** What the shutdown did; null when the keeper was killed. */
  report: ShutdownReport | null;
}

/** A way to a running engine. */
export interface EngineConnection extends AsyncDisposable {
  /** @throws TenutoError `TENUTO_ENGINE_UNREACHABLE` when it does not answer within 2 s. */
  status(): Promise<Status>;
  /** Asks for the orderly end and waits for it. */
  stop(): Promise<void>;
  /**
   * Opens a stream that this program plays; any number of programs of the same user may.
   *
   * @throws TenutoError `TENUTO_STREAM_FORMAT` for what cannot be, `TENUTO_STREAM_LIMIT` when all
   *   streams stay taken, `TENUTO_ENGINE_UNREACHABLE`
   */
  openStream(format: StreamFormat): Promise<EngineStream>;
  /** Idempotent: aborts the streams that were opened over it; the engine goes on. */
  close(): void;
}

/** What a program plays into a stream. */
export interface StreamFormat {
  /** Frames per second, 1000 to 768,000; the library converts to the engine's. */
  rate: number;
  /** 1 to 8; mixed to the engine's. */
  channels: number;
  format: SampleFormat;
  /** How far it may be written ahead of what is played: 10 to 2000 ms. Default 200. */
  bufferMs?: number;
  /** For people; at most 64 characters. */
  name?: string;
  /** A particular stream, 0 to 31: one that a node of the patch plays. Default: any other. */
  stream?: number;
  /** How long to wait for a stream while all are taken. Default 5000, at most 60,000. */
  waitMs?: number;
}

/** `closing`: it takes nothing more, and what it holds is played. */
export type StreamState = 'open' | 'closing' | 'closed';

/**
 * Why a stream ended. `closed`: by `close`, all of it was played. `aborted`: by `abort`.
 * `engine-ended`: its engine was stopped or killed.
 */
export type StreamStopReason = 'closed' | 'aborted' | 'engine-ended';

/**
 * Sound that a program plays, on top of the patch or through its `stream` node. Every frame is
 * played once, in order and unaltered (at the engine's rate and channels bit for bit); while there
 * is none it is silent, and what comes then goes on with the next frame. Should the program die, the
 * stream falls silent within a few milliseconds and what was not played is thrown away.
 *
 * Not for the audio thread. Counts are in frames of the format's rate.
 */
export interface EngineStream extends AsyncDisposable {
  /** Which of the engine's streams it is, from 0. */
  readonly stream: number;
  readonly format: Readonly<Required<Omit<StreamFormat, 'stream'>>>;
  readonly state: StreamState;
  /** Null until it is closed. */
  readonly stopReason: StreamStopReason | null;
  /**
   * Writes interleaved frames, in the order of the calls; resolves when all of them are within
   * `bufferMs` of what is played. The array is the stream's until then. NaN and infinities become
   * silence, what is beyond full scale is held there, and both are counted. What a `flush` throws
   * away resolves, too.
   *
   * @throws TenutoError `TENUTO_STREAM_FORMAT` for another array than that of the format,
   *   `TENUTO_STREAM_CLOSED` when it or its engine ends first, `TENUTO_STREAM_LIMIT` with more than
   *   4096 calls waiting.
   */
  write(data: StreamData): Promise<void>;
  /**
   * Resolves when all that was written so far has been given to the device.
   *
   * @throws TenutoError `TENUTO_STREAM_CLOSED` when it or its engine ends first.
   */
  drain(): Promise<void>;
  /**
   * Throws away what is not played yet, also what waits in calls of `write`; the sound ends within
   * a few milliseconds, without a click. Resolves when what is written next can be heard next.
   */
  flush(): Promise<void>;
  /**
   * Takes nothing more, lets the rest play, and gives the stream back. Idempotent; never fails.
   * Waits as long as the engine holds its content, for instance while there is no device.
   */
  close(): Promise<void>;
  /** Throws away what is not played yet and gives the stream back. Idempotent; never fails. */
  abort(): Promise<void>;
  /** Frames taken; of them `played` have been played and `flushed` were thrown away. */
  readonly written: number;
  readonly played: number;
  readonly flushed: number;
  /** Samples that were NaN or infinite, and samples beyond full scale. */
  readonly badSamples: number;
  readonly loudSamples: number;
}

/** An engine that this program started and that ends with it. */
export interface RunningEngine extends AsyncDisposable {
  readonly name: string;
  readonly keeperPid: number;
  /**
   * The engine's memory, for reading only. Its layout may change with every version.
   *
   * @internal
   */
  readonly memory: Segment;
  /** Read from the engine's memory: never waits for another process. */
  status(): Status;
  /** The orderly end; the same promise for every call. */
  stop(): Promise<EngineEnd>;
  /** Skips what is left of the order and kills. */
  forceStop(): void;
  /** Resolves once it has ended, for whatever reason. */
  readonly ended: Promise<EngineEnd>;
  /** Resolves when the first sample was played. */
  readonly playing: Promise<void>;
  /** As `EngineConnection.openStream`. */
  openStream(format: StreamFormat): Promise<EngineStream>;
}
