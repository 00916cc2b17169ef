import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { readCounters } from '../memory/counters.js';
import { readDevice } from '../memory/device-desk.js';
import { currentSealedTick, findRecord, isKept, sealedTick } from '../memory/journal.js';
import { record } from '../memory/layout.js';
import { currentPosition } from '../memory/output-ring.js';
import type { Segment } from '../memory/segment.js';
import { tickAfter, ticksBetween } from '../memory/ticks.js';
import { ChannelMap } from '../pcm/index.js';
import { demandCapture } from './capture.js';
import { CaptureRows, type RowMark } from './capture-rows.js';
import type { EngineMemory } from './engine-memory.js';
import { type Demand, demandOf, isWithin } from './format-checks.js';
import type { ClientStream } from './stream.js';
import type { PlayAndRecordOptions, Recorded, RecordTrouble } from './types.js';

const timeoutMsDefault = 10_000;
/** Longest time between two looks: what was captured stays there for a hundred times as long. */
const lookMsMax = 20;
/** Without a new turn for so long, it asks whether the engine's keeper still lives. */
const doubtMs = 100;

/** What a player needs of the connection that it plays over. */
export interface PlayerHost {
  readonly engine: string;
  readonly memory: EngineMemory;
  /** A stream at the engine's rate and channels, for this player alone. */
  openStream(): Promise<ClientStream>;
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
  if (channels === layout.channels) return { samples, frames, tailFrames, timeoutMs };
  const wide = new Float32Array(frames * layout.channels);
  new ChannelMap({ inputs: 1, outputs: layout.channels }).map(samples, wide, frames);
  return { samples: wide, frames, tailFrames, timeoutMs };
}

/**
 * Plays signals over one stream, one after the other, and takes what was captured in the very turns
 * in which they were given to the device. Everything that it goes by is written down by the driver:
 * the tick that plays the stream's frame, the turn that played that tick, and what that turn heard.
 */
export class SignalPlayer {
  private stream: ClientStream | null = null;
  private queue: Promise<unknown> = Promise.resolve();
  private hasEnded = false;

  constructor(private readonly host: PlayerHost) {}

  /** See `EngineConnection.playAndRecord`. */
  async play(samples: Float32Array, options: PlayAndRecordOptions): Promise<Recorded> {
    const { engine, memory } = this.host;
    demandCapture(engine, memory.segment);
    const signal = checkSignal(samples, options, memory.segment.layout);
    const result = this.queue.then(() => this.playNow(signal));
    this.queue = result.catch(() => {});
    return result;
  }

  engineEnded(): void {
    this.hasEnded = true;
  }

  private async playNow(signal: Signal): Promise<Recorded> {
    const { memory, engine } = this.host;
    if (this.hasEnded) throw ended(engine);
    if (this.stream === null || this.stream.state !== 'open') {
      this.stream = await this.host.openStream();
    }
    const { stream } = this;
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
  private readonly cursor: number;
  private firstTick: number | null = null;
  /** The last tick that plays nothing of it yet. */
  private looked: number;
  /** Turns that wait to be read. */
  private waiting = 0;
  private first: RowMark | null = null;
  private taken = 0;
  private readonly loops: number[] = [];
  private trouble: RecordTrouble | null = null;

  /** To be made before the signal is given to the stream, which is at rest. */
  constructor(
    private readonly segment: Segment,
    private readonly stream: ClientStream,
    private readonly signal: Signal,
  ) {
    const { captureChannels } = segment.layout;
    this.total = signal.frames + signal.tailFrames;
    this.samples = new Float32Array(this.total * captureChannels);
    this.xruns = readCounters(segment).xruns;
    this.cursor = stream.position;
    this.looked = currentSealedTick(segment);
    this.rows = new CaptureRows(segment, currentPosition(segment));
  }

  get missingFrames(): number {
    return this.total - this.taken;
  }

  /** Takes what is there; true when that is all. */
  look(): boolean {
    this.hasMoved = false;
    this.firstTick ??= this.findFirstTick();
    // Without the tick no turn is read: those that may be the first wait in the ring.
    if (this.firstTick === null) {
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
        if (row.concealed || ticksBetween(row.tick, this.firstTick) < 0) continue;
        if (row.tick !== this.firstTick) throw lost();
        this.first = row;
      } else if (row.from !== expected) throw lost();
      this.take(row);
    }
    return true;
  }

  /** The first tick that plays a frame of the signal, once it is sealed. */
  private findFirstTick(): number | null {
    const { segment } = this;
    const sealed = sealedTick(segment, this.looked);
    while (ticksBetween(sealed, this.looked) > 0) {
      const tick = tickAfter(this.looked, 1);
      const cursor = this.cursorOf(tick);
      if (((cursor - this.cursor) | 0) > 0) return tick;
      this.looked = tick;
    }
    return null;
  }

  /** Frames of the stream that are played when the tick is over. */
  private cursorOf(tick: number): number {
    const { segment, stream } = this;
    const at = findRecord(segment, tick);
    if (at < 0) throw lost();
    const cursor = segment.words[at + record.streamCursors + stream.stream]!;
    if (!isKept(segment, tick)) throw lost();
    return cursor;
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
      const played = (this.cursorOf(row.tick) - this.cursor) | 0;
      if (played !== Math.min(signal.frames, this.taken + quantum)) this.trouble = 'starved';
    }
    this.taken += frames;
  }

  /** What came between, as far as it is known only at the end. */
  private troubleAtEnd(): RecordTrouble | null {
    if (readCounters(this.segment).xruns !== this.xruns) return 'xrun';
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
      loopFrames: this.loops.length > 0 ? medianOf(this.loops) : null,
      latencyFrames: latencyFrames > 0 ? latencyFrames : null,
    };
  }
}

/** Whether the way through the device was the same at the beginning, in the middle and at the end. */
function isSteady(loops: readonly number[]): boolean {
  const third = Math.floor(loops.length / 3);
  if (third < 3) return true;
  const parts = [0, 1, 2].map((part) => medianOf(loops.slice(part * third, (part + 1) * third)));
  return parts.every((median) => median === parts[0]);
}

/** One of the values: a position that moves in steps is seen a step too early now and then. */
function medianOf(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** This process was kept from running for longer than the engine remembers. */
function lost(): TenutoError {
  const text = 'what was captured was overwritten before this program came to read it';
  return new TenutoError('TENUTO_CAPTURE_CLOSED', text);
}
