import type { CompiledPatch } from '../dsp/compiler.js';
import type { ShutdownReport } from '../engine/shutdown.js';
import type { Segment } from '../memory/segment.js';
import type { Status } from '../observe/status.js';
import type { Reloaded, Settings } from '../settings/index.js';
import type { EngineCommands } from './command-types.js';
import type { PreparedKeeper } from './keeper-process.js';
import type { SampleFormat, StreamData } from './sample-door.js';
import type { EngineTap } from './tap-types.js';
import type { PlayTrainOptions, SignalTrain } from './train-types.js';
import type { EngineNote } from './watch-types.js';

export type {
  Applied,
  CommandInput,
  CommandTime,
  Transport,
} from '../control/bus/command.js';
export type { ParameterView, StateView } from '../control/bus/engine-state.js';
export type { ShutdownReport, StopReason } from '../engine/shutdown.js';
export type { TimerStatus } from '../memory/timers.js';
export type { ProcessStatus, Status } from '../observe/status.js';
export type { TripwireStatus } from '../observe/tripwires.js';
export type { EngineCommands, PatchGiven, SetOptions } from './command-types.js';
export type { SampleFormat, StreamData } from './sample-door.js';
export type { EngineTap, TapPoint } from './tap-types.js';
export type { EngineNote } from './watch-types.js';

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
  /** Takes the whole run down in this file, to be replayed bit for bit. */
  journalPath?: string;
  /** From `prepareKeeper`, to begin earlier. Default: one is started now. */
  keeper?: PreparedKeeper;
  /**
   * Begins with what was last commanded of an engine of this name, from `control.stateFile`: held
   * gates closed, and the sound fading in. Default false.
   */
  restore?: boolean;
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
export interface EngineConnection extends EngineCommands, AsyncDisposable {
  /** @throws TenutoError `TENUTO_ENGINE_UNREACHABLE` when it does not answer within 2 s. */
  status(): Promise<Status>;
  /** What happened after the event of this number, oldest first; by default all that is kept. */
  events(since?: number): Promise<EngineNote[]>;
  /** Asks for the orderly end and waits for it. */
  stop(): Promise<void>;
  /**
   * Opens a stream that this program plays; any number of programs of the same user may.
   *
   * @throws TenutoError `TENUTO_STREAM_FORMAT` for what cannot be, `TENUTO_STREAM_LIMIT` when all
   *   streams stay taken, `TENUTO_ENGINE_UNREACHABLE`
   */
  openStream(format: StreamFormat): Promise<EngineStream>;
  /**
   * Listens to what the engine captures, from now on; any number of programs may.
   *
   * @throws TenutoError `TENUTO_CAPTURE_OFF` when the engine listens to no device,
   *   `TENUTO_CAPTURE_FORMAT` for what cannot be, `TENUTO_ENGINE_UNREACHABLE`
   */
  capture(format?: CaptureFormat): Promise<EngineCapture>;
  /**
   * Plays a signal, on top of what plays, and gives back what was captured meanwhile: its frame 0 in
   * the same turn of the device in which the signal's frame 0 was given. No device is opened or
   * closed. Calls of one program run one after the other; those of several programs mix.
   *
   * @param signal interleaved frames at the engine's rate, within [-1, 1].
   * @throws TenutoError `TENUTO_CAPTURE_OFF`, `TENUTO_CAPTURE_FORMAT`; `TENUTO_DEVICE_LOST` when the
   *   device stays away; `TENUTO_CAPTURE_CLOSED` when the engine ends
   */
  playAndRecord(signal: Float32Array, options?: PlayAndRecordOptions): Promise<Recorded>;
  /**
   * Plays a signal again and again, exactly `periodFrames` apart, and gives what was captured each
   * time, as `playAndRecord` does: a recording may go on while the next signal plays. One train at
   * a time: whatever else this connection is to play and record ends it.
   *
   * @throws TenutoError as `playAndRecord`
   */
  playTrain(signal: Float32Array, options: PlayTrainOptions): Promise<SignalTrain>;
  /**
   * Listens to points of the patch, from now on: `osc1` is what that node gives, `seq1.freq` one of
   * its outputs, `filter1.cutoff` what enters that port. This program renders the patch a second
   * time for it, from a snapshot on and bit for bit, so that the engine does nothing more.
   *
   * @throws TenutoError `TENUTO_PATCH_UNKNOWN` for a point that is not there,
   *   `TENUTO_ENGINE_UNREACHABLE`
   */
  tap(points: readonly string[]): Promise<EngineTap>;
  /** Idempotent: ends the captures, and aborts the streams that were opened over it; the engine goes on. */
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

/** How a program wants what is captured. */
export interface CaptureFormat {
  /** `speech`: 16 kHz, mono, s16, blocks of 512 frames, of which 8 wait. What is given besides wins. */
  preset?: 'speech';
  /** Frames per second, 1000 to 768,000. Default: the engine's. */
  rate?: number;
  /** 1 to 8. Default: as many as the engine captures. */
  channels?: number;
  /** Default f32. Where bits are lost, it is dithered. */
  format?: SampleFormat;
  /** Frames of a block, 1 to 65,536. Default 512. */
  blockFrames?: number;
  /**
   * Frames that wait for a reader that is slow; of more than these it loses the oldest. At least a
   * block, at most half of what the engine keeps (5.4 s at the defaults), which Infinity asks for.
   * Default: half a second, or a block if that is more.
   */
  bufferFrames?: number;
}

/** Samples in the array of the format: f32, s16, or s24 (in the low bits) and s32. */
export type CaptureData = Float32Array | Int16Array | Int32Array;

/** When and how frames were captured. */
export interface CaptureMark {
  /** Frames of the reader's rate since it began, those that it lost counted: of the first frame. */
  readonly index: number;
  /**
   * The turn of the device in which the first frame was captured, as the engine counts turns (32
   * bits, wraps), and which frame of that turn it is. What was given in a turn has the same position.
   */
  readonly position: number;
  readonly frame: number;
  /** The tick that was played in that turn, and the driver that did it. */
  readonly tick: number;
  readonly generation: number;
  /** About when, in milliseconds of the monotonic clock (`process.hrtime`). */
  readonly timeMs: number;
  /** Frames of the reader that were lost just before the first one. */
  readonly dropped: number;
  /** True when the content waited in one of these turns, so that filler was played. */
  readonly concealed: boolean;
  /** True when nobody listened in one of these turns: the device was away, this is silence. */
  readonly away: boolean;
  /** Engine frames that the capture device lost in these turns, as it says itself. */
  readonly deviceDropFrames: number;
}

/** Some frames, and where they are from. */
export interface CaptureBlock extends CaptureMark {
  /** Interleaved. */
  readonly data: CaptureData;
  readonly frames: number;
}

/**
 * One reader of what the engine captures, at its own pace: it has its own position, and loses only
 * its own frames. `for await` gives blocks of `blockFrames` until it is closed. Not for the audio
 * thread; the methods are not to be called while another of them runs.
 */
export interface EngineCapture extends AsyncIterable<CaptureBlock>, Disposable {
  readonly format: Readonly<Required<Omit<CaptureFormat, 'preset'>>>;
  readonly state: 'open' | 'closed';
  /**
   * Fills `into` with interleaved frames and resolves with their number: once it is full, or so
   * many as there are after `timeoutMs` (0: at once; default: no limit, also while the engine holds
   * because it has no device). A Uint8Array takes the bytes of the format, little-endian, `s24` in
   * three.
   *
   * @throws TenutoError `TENUTO_CAPTURE_FORMAT` for another array than that of the format;
   *   `TENUTO_CAPTURE_CLOSED` when it was closed, or the engine has ended and all was read.
   */
  read(into: CaptureData | Uint8Array, timeoutMs?: number): Promise<number>;
  /** The same at once, for who must not wait: the frames that are there, perhaps none. */
  readNow(into: CaptureData | Uint8Array): number;
  /** Where the frames of the last `read` or block are from; null before the first. */
  readonly last: CaptureMark | null;
  /** Frames that wait to be read, about. */
  readonly available: number;
  /** Frames of its rate that were given, and those that it was too slow for. */
  readonly readFrames: number;
  readonly droppedFrames: number;
  /** The same loss in frames of the engine. */
  readonly droppedEngineFrames: number;
  /** Ends what waits. Idempotent. */
  close(): void;
}

/** How a signal is played and recorded. */
export interface PlayAndRecordOptions {
  /** How long to record after the signal's last frame, in seconds. Default 0. */
  tailSec?: number;
  /** Channels of the signal: 1, which plays on all, or the engine's. Default 1. */
  channels?: number;
  /** For people: how the stream is called that the first call opens; at most 64 characters. */
  name?: string;
  /** How long it may take beyond the signal's own time, when the device is away. Default 10,000. */
  timeoutMs?: number;
}

/**
 * What came between a signal and its recording. `away`: nobody listened; `generation`: another driver
 * took over; `concealed`: filler was played in between; `starved`: the signal came too late from this
 * program; `dropped`: the capture device lost frames; `xrun`: the device ran dry; `way`: the way through
 * the device changed meanwhile.
 */
export type RecordTrouble =
  | 'away'
  | 'generation'
  | 'concealed'
  | 'starved'
  | 'dropped'
  | 'xrun'
  | 'way';

/** What was captured while a signal was played. */
export interface Recorded {
  /** Interleaved: the signal's frames and the tail. */
  readonly samples: Float32Array;
  readonly frames: number;
  readonly channels: number;
  readonly rate: number;
  /** The turn in which frame 0 of the signal was given and frame 0 of `samples` was captured. */
  readonly position: number;
  readonly tick: number;
  readonly generation: number;
  /**
   * False when something came between: filler was played, the device ran dry, lost frames, was away
   * or another one took over. The samples are then in time with the device, but not with the signal.
   */
  readonly clean: boolean;
  /** The first thing that came between; null when it is clean. */
  readonly trouble: RecordTrouble | null;
  /**
   * Frames that the device held between giving and capturing; null when it does not say. As long as
   * it is the same, so is the way from the one to the other. A sound server that is kept from running
   * leaves out a period of one side, which nobody is told: then both differ, by as much.
   */
  readonly loopFrames: number | null;
  /** Frames from giving a frame to hearing it, as the playing device says; null when it does not. */
  readonly latencyFrames: number | null;
}

/** What an engine began with. */
export interface Restored {
  /** When it was saved, as ISO 8601. */
  savedAt: string;
  /** Parameters that the patch does not have any more, or not in this range. */
  skipped: readonly string[];
  /** The name of the patch that had been loaded and plays again; null when the given one does. */
  patch: string | null;
  /** Why the one that had been loaded does not play again. */
  patchFailure?: string;
}

/** An engine that this program started and that ends with it. */
export interface RunningEngine extends EngineCommands, AsyncDisposable {
  readonly name: string;
  readonly keeperPid: number;
  /** Null when nothing was to be restored, or there was nothing. */
  readonly restored: Restored | null;
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
  /**
   * Takes over those settings that may be changed while it plays (*live* in the reference), and says
   * which of the others wait for the next start.
   */
  reload(settings: Settings): Reloaded;
  /** Skips what is left of the order and kills. */
  forceStop(): void;
  /** Resolves once it has ended, for whatever reason. */
  readonly ended: Promise<EngineEnd>;
  /** Resolves when the first sample was played. */
  readonly playing: Promise<void>;
  /** As `EngineConnection.openStream`. */
  openStream(format: StreamFormat): Promise<EngineStream>;
  /** As `EngineConnection.capture`. */
  capture(format?: CaptureFormat): Promise<EngineCapture>;
  /** As `EngineConnection.playAndRecord`. */
  playAndRecord(signal: Float32Array, options?: PlayAndRecordOptions): Promise<Recorded>;
  /** As `EngineConnection.playTrain`. */
  playTrain(signal: Float32Array, options: PlayTrainOptions): Promise<SignalTrain>;
}
