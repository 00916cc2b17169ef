import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { counterIndex, readCounter } from '../memory/counters.js';
import { readDevice } from '../memory/device-desk.js';
import { currentPosition } from '../memory/output-ring.js';
import type { Segment } from '../memory/segment.js';
import { ticksBetween } from '../memory/ticks.js';
import { ChannelMap } from '../pcm/index.js';
import { demandCapture } from './capture.js';
import { CaptureRows, type RowMark } from './capture-rows.js';
import type { EngineMemory } from './engine-memory.js';
import { type Demand, demandOf, isWithin } from './format-checks.js';
import { PlayedTrain, type TrainSignal } from './signal-train.js';
import { isSteady, lostTurns, medianLoop, SignalTurns } from './signal-turns.js';
import type { ClientStream } from './stream.js';
import type { PlayTrainOptions, SignalTrain } from './train-types.js';
import type { PlayAndRecordOptions, Recorded, RecordTrouble } from './types.js';

const timeoutMsDefault = 10_000;
const streamName = 'play-and-record';
/** Longest time between two looks: what was captured stays there for a hundred times as long. */
const lookMsMax = 20;
/** Without a new turn for so long, it asks whether the engine's keeper still lives. */
const doubtMs = 100;

/** What a player needs of the connection that it plays over. */
export interface PlayerHost {
  readonly engine: string;
  readonly memory: EngineMemory;
  /** A stream at the engine's rate and channels, for this player alone. */
  openStream(name: string): Promise<ClientStream>;
}

/** A signal that can be played, at the engine's rate and channels. */
interface Signal {
  readonly samples: Float32Array;
  readonly frames: number;
  readonly tailFrames: number;
  readonly timeoutMs: number;
}

const demand: Demand = demandOf('TENUTO_CAPTURE_FORMAT');

/** @throws TenutoError `TENUTO_CAPTURE_FORMAT` */
function checkSignal(
  samples: Float32Array,
  { tailSec = 0, channels = 1, timeoutMs = timeoutMsDefault }: PlayAndRecordOptions,
  layout: Segment['layout'],
): Signal {
  const { rateHz } = layout;
  const mostSec = limits.recordedSecMax;
  demand(samples instanceof Float32Array, 'a signal is a Float32Array');
  demand(
    channels === 1 || channels === layout.channels,
    `a signal has 1 channel or the engine's ${layout.channels}, not ${channels}`,
  );
  const frames = samples.length / channels;
  demand(
    frames > 0 && Number.isInteger(frames),
    `a signal has whole frames of ${channels} channels`,
  );
  demand(isWithin(tailSec, 0, mostSec), `tailSec is not within 0 to ${mostSec}`);
  const tailFrames = Math.round(tailSec * rateHz);
  demand(frames + tailFrames <= mostSec * rateHz, `signal and tail are longer than ${mostSec} s`);
  demand(typeof timeoutMs === 'number' && timeoutMs >= 0, 'timeoutMs is no time');
  return { samples: widened(samples, frames, layout), frames, tailFrames, timeoutMs };
}

/** Samples of one channel, or already of the engine's, as the engine's. */
function widened(samples: Float32Array, frames: number, { channels }: Segment['layout']) {
  if (samples.length === frames * channels) return samples;
  const wide = new Float32Array(frames * channels);
  new ChannelMap({ inputs: 1, outputs: channels }).map(samples, wide, frames);
  return wide;
}

/** @throws TenutoError `TENUTO_CAPTURE_FORMAT` */
function checkTrain(
  samples: Float32Array,
  { periodFrames, recordFrames, channels = 1 }: PlayTrainOptions,
  layout: Segment['layout'],
): TrainSignal {
  const signal = checkSignal(samples, { channels }, layout);
  const most = limits.recordedSecMax * layout.rateHz;
  const isCount = (value: number, least: number) =>
    Number.isInteger(value) && isWithin(value, least, most);
  demand(
    isCount(periodFrames, signal.frames),
    `periodFrames is not a whole number of ${signal.frames}, the signal's, to ${most}`,
  );
  demand(isCount(recordFrames, 1), `recordFrames is not a whole number of 1 to ${most}`);
  return { samples: signal.samples, frames: signal.frames, periodFrames, recordFrames };
}

/**
 * Plays signals over one stream, one after the other, and takes what was captured in the very turns
 * in which they were given to the device. Everything that it goes by is written down by the driver:
 * the tick that plays the stream's frame, the turn that played that tick, and what that turn heard.
 */
export class SignalPlayer {
  private stream: ClientStream | null = null;
  private train: PlayedTrain | null = null;
  private queue: Promise<unknown> = Promise.resolve();
  private hasEnded = false;

  constructor(private readonly host: PlayerHost) {}

  /** See `EngineConnection.playAndRecord`. */
  async play(samples: Float32Array, options: PlayAndRecordOptions): Promise<Recorded> {
    const { engine, memory } = this.host;
    demandCapture(engine, memory.segment);
    const signal = checkSignal(samples, options, memory.segment.layout);
    const result = this.queue.then(() => this.playNow(signal, options.name));
    this.queue = result.catch(() => {});
    // Who wants to play once does not wait for one who plays for ever.
    void this.train?.stop();
    return result;
  }

  /** See `EngineConnection.playTrain`. */
  async playTrain(samples: Float32Array, options: PlayTrainOptions): Promise<SignalTrain> {
    const { engine, memory } = this.host;
    demandCapture(engine, memory.segment);
    const signal = checkTrain(samples, options, memory.segment.layout);
    const begun = this.queue.then(() => this.beginTrain(signal, options.name));
    this.queue = begun.then(
      (train) => this.endTrain(train),
      () => {},
    );
    void this.train?.stop();
    return begun;
  }

  engineEnded(): void {
    this.hasEnded = true;
    this.train?.cut('engine');
  }

  /** The connection is closed; who waits is told. */
  close(): void {
    this.train?.cut('connection');
  }

  private async reachStream(name: string | undefined): Promise<ClientStream> {
    if (this.hasEnded) throw ended(this.host.engine);
    if (this.stream === null || this.stream.state !== 'open') {
      this.stream = await this.host.openStream(name ?? streamName);
    }
    return this.stream;
  }

  private async beginTrain(signal: TrainSignal, name: string | undefined): Promise<PlayedTrain> {
    const { engine, memory } = this.host;
    this.train = new PlayedTrain(engine, memory, await this.reachStream(name), signal);
    return this.train;
  }

  private async endTrain(train: PlayedTrain): Promise<void> {
    const end = await train.over;
    this.train = null;
    if (end === 'lost') this.stream = null;
  }

  private async playNow(signal: Signal, name: string | undefined): Promise<Recorded> {
    const { memory, engine } = this.host;
    const stream = await this.reachStream(name);
    const take = new Take(memory.segment, stream, signal);
    const state: { failure: unknown } = { failure: null };
    // Its end does not matter: the turns tell when the last frame was given.
    stream.writeTogether(signal.samples).catch((error) => {
      state.failure = error;
    });
    try {
      await this.follow(take, signal, state);
      return take.result();
    } catch (error) {
      // The next signal is not to begin behind the rest of this one.
      this.stream = null;
      void stream.abort();
      throw this.hasEnded || stream.stopReason === 'engine-ended' ? ended(engine) : error;
    }
  }

  private async follow(take: Take, signal: Signal, state: { failure: unknown }): Promise<void> {
    const { memory, engine } = this.host;
    const { rateHz, quantum } = memory.segment.layout;
    const durationMs = ((signal.frames + signal.tailFrames) * 1000) / rateHz;
    const deadlineMs = performance.now() + durationMs + signal.timeoutMs;
    const turnMs = (quantum * 1000) / rateHz;
    let movedMs = performance.now();
    while (!take.look()) {
      const nowMs = performance.now();
      if (this.hasEnded) throw ended(engine);
      if (state.failure !== null) throw state.failure;
      if (take.hasMoved) movedMs = nowMs;
      else if (nowMs - movedMs > doubtMs) {
        movedMs = nowMs;
        if (!memory.isAlive) throw ended(engine);
      }
      if (nowMs > deadlineMs) {
        const text = `engine "${engine}" did not play the signal: its device is away`;
        throw new TenutoError('TENUTO_DEVICE_LOST', text);
      }
      const missingMs = (take.missingFrames * 1000) / rateHz;
      const waitMs = Math.min(lookMsMax, Math.max(turnMs / 2, missingMs / 2));
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

function ended(engine: string): TenutoError {
  const text = `engine "${engine}" has ended while it played and recorded`;
  return new TenutoError('TENUTO_CAPTURE_CLOSED', text);
}

/** One signal on its way: finds the turns that belong to it and takes what they captured. */
class Take {
  /** Whether the last look found a new turn. */
  hasMoved = false;
  private readonly rows: CaptureRows;
  private readonly samples: Float32Array;
  private readonly xruns: number;
  private readonly total: number;
  private readonly turns: SignalTurns;
  /** Turns that wait to be read. */
  private waiting = 0;
  private first: RowMark | null = null;
  private taken = 0;
  private readonly loops: number[] = [];
  private trouble: RecordTrouble | null = null;

  /** To be made before the signal is given to the stream, which is at rest. */
  constructor(
    private readonly segment: Segment,
    stream: ClientStream,
    private readonly signal: Signal,
  ) {
    const { captureChannels } = segment.layout;
    this.total = signal.frames + signal.tailFrames;
    this.samples = new Float32Array(this.total * captureChannels);
    this.xruns = readCounter(segment, counterIndex.xruns);
    this.turns = new SignalTurns(segment, stream);
    this.rows = new CaptureRows(segment, currentPosition(segment));
  }

  get missingFrames(): number {
    return this.total - this.taken;
  }

  /** Takes what is there; true when that is all. */
  look(): boolean {
    this.hasMoved = false;
    const firstTick = this.turns.firstTick();
    // Without the tick no turn is read: those that may be the first wait in the ring.
    if (firstTick === null) {
      const { waiting } = this.rows;
      this.hasMoved = waiting !== this.waiting;
      this.waiting = waiting;
      return false;
    }
    while (this.taken < this.total) {
      const expected = this.rows.nextFrom;
      const row = this.rows.read();
      if (row === null) return false;
      this.hasMoved = true;
      if (this.first === null) {
        if (row.concealed || ticksBetween(row.tick, firstTick) < 0) continue;
        if (row.tick !== firstTick) throw lostTurns();
        this.first = row;
      } else if (row.from !== expected) throw lostTurns();
      this.take(row);
    }
    return true;
  }

  private take(row: RowMark): void {
    const { quantum, captureChannels } = this.segment.layout;
    const { first, signal } = this;
    const captured = this.rows.captured;
    const frames = Math.min(quantum, this.total - this.taken);
    if (row.loopFrames > 0) this.loops.push(row.loopFrames);
    this.samples.set(captured.subarray(0, frames * captureChannels), this.taken * captureChannels);
    if (row.away) this.trouble ??= 'away';
    if (row.generation !== first!.generation) this.trouble ??= 'generation';
    if (row.concealed && this.taken < signal.frames) this.trouble ??= 'concealed';
    if (row.deviceDropFrames > 0) this.trouble ??= 'dropped';
    if (this.trouble === null && this.taken < signal.frames) {
      const played = this.turns.playedAfter(row.tick);
      if (played !== Math.min(signal.frames, this.taken + quantum)) this.trouble = 'starved';
    }
    this.taken += frames;
  }

  /** What came between, as far as it is known only at the end. */
  private troubleAtEnd(): RecordTrouble | null {
    if (readCounter(this.segment, counterIndex.xruns) !== this.xruns) return 'xrun';
    return isSteady(this.loops) ? null : 'way';
  }

  result(): Recorded {
    const { segment, first } = this;
    const { captureChannels, rateHz } = segment.layout;
    const { latencyFrames } = readDevice(segment);
    const trouble = this.trouble ?? this.troubleAtEnd();
    return {
      samples: this.samples,
      frames: this.total,
      channels: captureChannels,
      rate: rateHz,
      position: first!.position,
      tick: first!.tick,
      generation: first!.generation,
      clean: trouble === null,
      trouble,
      loopFrames: this.loops.length > 0 ? medianLoop(this.loops) : null,
      latencyFrames: latencyFrames > 0 ? latencyFrames : null,
    };
  }
}
