import type { EngineConnection, Recorded, RunningEngine, Status } from '../client/index.js';
import { startEngine } from '../client/index.js';
import { compilePatch, parsePatch } from '../dsp/index.js';
import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import type { Settings } from '../settings/index.js';
import { checkInput, type InputState } from './input-check.js';
import { TakeTrain, type TrainOptions } from './take-train.js';
import { troubleTexts } from './trouble-texts.js';

/** What plays while nothing is measured. */
const silentPatch = `
name: silence
nodes:
  source: { type: stream, stream: 0 }
  out: { type: out, in: source }
`;

/** How a signal is played and recorded over an open stream. */
export interface TakeOptions {
  /** How long to go on recording after the signal's last frame, in seconds. Default 0. */
  extraRecordSec?: number;
  /** The captured channel that is given back, from 0. Default 0. */
  channel?: number;
  /** Tries until one is undisturbed; 1 gives what comes. Default 5. */
  tries?: number;
}

/** Which stream a take was recorded over: what was calibrated on one holds for no other. */
export interface StreamIdentity {
  engine: string;
  /** Process of the engine's keeper: another one with each start of an engine. */
  keeperPid: number;
  /** The driver's. */
  generation: number;
  device: string;
  rateHz: number;
  quantumFrames: number;
}

/** What was heard while a signal was played. */
export interface Take extends Pick<Recorded, 'loopFrames' | 'latencyFrames' | 'trouble' | 'clean'> {
  /** One channel; frame 0 was captured in the turn in which frame 0 of the signal was given. */
  samples: Float32Array;
  rateHz: number;
  stream: StreamIdentity;
  /** How much faster than nominal the device's clock runs, by this machine's; null until it is known. */
  rateErrorPpm: number | null;
  /** Times that it was disturbed and played again. */
  repeats: number;
  /** The largest sample, by full scale, and what it tells. */
  peak: number;
  input: InputState;
}

/** Times and reasons of a stream, told while it is open. */
export type MessageListener = (message: string) => void;

/** What a train asks the engine for once in so long: it changes slowly. */
const statusAgeMsMax = 1000;

/**
 * One duplex stream that is opened once and closed once, whatever is measured over it in between:
 * an engine of its own, or a running one. A take that something came between is played again.
 */
export class PersistentStream implements AsyncDisposable {
  /** Takes that were given back, and times that one had to be played again. */
  takes = 0;
  repeats = 0;
  /** How it is called among the engine's streams; to be set before the first take. */
  name = 'measure';
  private isClosed = false;
  private failure: TenutoError | null = null;
  private status: Status;
  private statusMs = 0;

  private constructor(
    private readonly engine: RunningEngine | EngineConnection,
    private readonly isOwn: boolean,
    status: Status,
    private readonly tell: MessageListener,
  ) {
    this.status = status;
    if ('ended' in engine) {
      void engine.ended.then(() => {
        this.failure ??= new TenutoError('TENUTO_ENGINE_FAILED', 'the engine has ended');
      });
    }
  }

  /**
   * Opens the stream: over a running engine (`engine`, which goes on afterwards), or with an engine
   * of its own by `settings`, whose `device.capture` has to name an input.
   *
   * @throws TenutoError `TENUTO_CAPTURE_OFF` without an input device, or what `startEngine` throws
   */
  static async open(
    source: { engine: RunningEngine | EngineConnection } | { settings: Settings },
    tell: MessageListener = () => {},
  ): Promise<PersistentStream> {
    if ('engine' in source) {
      const status = await source.engine.status();
      const stream = new PersistentStream(source.engine, false, status, tell);
      tell(`persistent audio stream joined: ${stream.text()}`);
      return stream;
    }
    const { settings } = source;
    const { name, rateHz: rate, quantumFrames: quantum, channels } = settings.engine;
    if (settings.device.capture === 'none') {
      throw new TenutoError('TENUTO_CAPTURE_OFF', `engine "${name}" would listen to no device`);
    }
    const patch = compilePatch(parsePatch(silentPatch, 'silence'), { rate, quantum, channels });
    const engine = await startEngine({ settings, patch });
    try {
      await engine.playing;
    } catch (error) {
      await engine.stop();
      throw error;
    }
    const stream = new PersistentStream(engine, true, engine.status(), tell);
    tell(`persistent audio stream created: ${stream.text()}`);
    return stream;
  }

  /** Whether nothing more can be measured over it. */
  get hasFailed(): boolean {
    return this.isClosed || this.failure !== null;
  }

  /** Frames per second of what is played and recorded. */
  get rateHz(): number {
    return this.status.rate;
  }

  /** Openings of a device since the engine began, as last seen. */
  get deviceOpens(): number {
    return this.status.counters.deviceOpens;
  }

  /** Which stream it is now. @throws TenutoError `TENUTO_ENGINE_UNREACHABLE` */
  async identify(): Promise<StreamIdentity> {
    return identityOf(await this.look());
  }

  /** The engine's status, and with it the counts that belong to the stream. */
  async look(): Promise<Status> {
    this.refuseClosed();
    this.status = await this.engine.status();
    this.statusMs = performance.now();
    return this.status;
  }

  /**
   * Plays a mono signal and gives back what was captured meanwhile. What was disturbed is played
   * again; what never comes through is refused with its reason. No device is opened.
   *
   * @param signal at the stream's rate, within [-1, 1]
   * @throws TenutoError `TENUTO_MEASURE_DISTURBED`, `TENUTO_MEASURE_DISCONNECTED` when the input is away,
   *   `TENUTO_CAPTURE_OFF`, `TENUTO_DEVICE_LOST`, `TENUTO_CAPTURE_CLOSED`
   */
  async playAndRecord(signal: Float32Array, options: TakeOptions = {}): Promise<Take> {
    const { extraRecordSec = 0, channel = 0, tries = limits.measureTriesMax } = options;
    for (let repeats = 0; ; repeats++) {
      this.refuseClosed();
      const recorded = await this.engine.playAndRecord(signal, {
        tailSec: extraRecordSec,
        name: this.name,
      });
      const status = await this.look();
      const { trouble } = recorded;
      const isLast = repeats + 1 >= tries;
      if (trouble === null || tries === 1) return this.makeTake(recorded, channel, repeats, status);
      this.repeats++;
      this.tell(`measured again: ${troubleTexts[trouble]}`);
      if (!isLast) continue;
      const text = `${repeats + 1} times in a row ${troubleTexts[trouble]}`;
      const code = trouble === 'away' ? 'TENUTO_MEASURE_DISCONNECTED' : 'TENUTO_MEASURE_DISTURBED';
      throw new TenutoError(code, text);
    }
  }

  /**
   * Plays a mono signal again and again, exactly a period apart, and gives what was captured each
   * time. No device is opened. One train at a time; `playAndRecord` ends it.
   *
   * @param signal at the stream's rate, within [-1, 1]
   */
  playTrain(signal: Float32Array, options: TrainOptions): TakeTrain {
    const { channel = 0, periodFrames, recordFrames } = options;
    return new TakeTrain({
      begin: () => {
        this.refuseClosed();
        return this.engine.playTrain(signal, { periodFrames, recordFrames, name: this.name });
      },
      makeTake: async (recorded, repeats) => {
        const isFresh = performance.now() - this.statusMs < statusAgeMsMax;
        const isSame = recorded.generation === this.status.generation;
        const status = isFresh && isSame ? this.status : await this.look();
        return this.makeTake(recorded, channel, repeats, status);
      },
      tell: (message) => {
        this.repeats++;
        this.tell(message);
      },
    });
  }

  private makeTake(recorded: Recorded, channel: number, repeats: number, status: Status): Take {
    const { channels, frames, loopFrames, latencyFrames, trouble, clean } = recorded;
    if (channel >= channels) {
      const text = `there is no channel ${channel}: ${channels} are captured, from 0`;
      throw new TenutoError('TENUTO_MEASURE_PARAMETERS', text);
    }
    const samples = channelOf(recorded.samples, { frames, channels, channel });
    const { peak, state } = checkInput(samples);
    const { rateErrorPpm } = status.device;
    // What took over after the last frame was captured belongs to the next take.
    const stream = { ...identityOf(status), generation: recorded.generation };
    this.takes++;
    return {
      samples,
      rateHz: recorded.rate,
      stream,
      rateErrorPpm,
      repeats,
      peak,
      input: state,
      loopFrames,
      latencyFrames,
      trouble,
      clean,
    };
  }

  private refuseClosed(): void {
    if (this.failure !== null) throw this.failure;
    if (!this.isClosed) return;
    throw new TenutoError('TENUTO_CAPTURE_CLOSED', 'the persistent stream was closed');
  }

  private text(): string {
    const { device, rate, generation, name } = this.status;
    return `${device.name}, ${rate} Hz, generation ${generation}, engine ${name}`;
  }

  /** Closes the stream, and with it an engine of its own. Idempotent. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    const { engine } = this;
    if (this.isOwn && 'ended' in engine) await engine.stop();
    this.tell(
      `persistent audio stream ${this.isOwn ? 'closed' : 'left'}: ${this.takes} takes, ` +
        `${this.deviceOpens} device openings`,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** One channel of interleaved samples. */
function channelOf(
  samples: Float32Array,
  { frames, channels, channel }: { frames: number; channels: number; channel: number },
): Float32Array {
  const one = new Float32Array(frames);
  for (let i = 0, at = channel; i < frames; i++, at += channels) one[i] = samples[at]!;
  return one;
}

function identityOf(status: Status): StreamIdentity {
  const keeper = status.processes.find(({ role }) => role === 'keeper');
  return {
    engine: status.name,
    keeperPid: keeper?.pid ?? 0,
    generation: status.generation,
    device: status.device.name,
    rateHz: status.rate,
    quantumFrames: status.quantum,
  };
}
