import type { CompiledPatch } from '../dsp/compiler.js';
import type { ShutdownReport } from '../engine/shutdown.js';
import type { Segment } from '../memory/segment.js';
import type { Status } from '../observe/status.js';
import type { Settings } from '../settings/index.js';
import type { PreparedKeeper } from './keeper-process.js';

export type { ShutdownReport, StopReason } from '../engine/shutdown.js';
export type { ProcessStatus, Status } from '../observe/status.js';

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
  /** Client streams to prepare, 0 to 8. Default 0. */
  streams?: number;
  /** Records what is played into this float32 WAV file, from the first tick. */
  recordPath?: string;
  /** From `prepareKeeper`, to begin earlier. Default: one is started now. */
  keeper?: PreparedKeeper;
  /** Ends after so many seconds of the stream. Default: runs until told to stop. */
  seconds?: number;
  /** Lets commands kill and hang replicas. For proofs only. Default false. */
  faults?: boolean;
  /** First tick; not 0 only to try the wrap of the tick. */
  firstTick?: number;
  /** Writes each process's garbage collection trace into this folder. */
  traceGc?: string;
}

/** How an engine ended. */
export interface EngineEnd {
  /** What the shutdown did; null when the keeper was killed. */
  report: ShutdownReport | null;
}

/** A way to a running engine; it ends nothing when it is closed. */
export interface EngineConnection extends AsyncDisposable {
  /** @throws TenutoError `TENUTO_ENGINE_UNREACHABLE` when it does not answer within 2 s. */
  status(): Promise<Status>;
  /** Asks for the orderly end and waits for it. */
  stop(): Promise<void>;
  /** Idempotent. */
  close(): void;
}

/** Frames that go into the patch's `stream` node. */
export interface StreamWriter {
  /** Writes interleaved frames at the engine's rate and channels; resolves when they fit. */
  write(samples: Float32Array): Promise<void>;
  /** Frames written and frames played so far. */
  readonly written: number;
  readonly played: number;
  /** Resolves when all that was written has been played. */
  drain(): Promise<void>;
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
  stream(index: number): StreamWriter;
}
