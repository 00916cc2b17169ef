import { setTimeout as delay } from 'node:timers/promises';
import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { counterIndex, readCounter } from '../memory/counters.js';
import { readDevice } from '../memory/device-desk.js';
import { currentPosition } from '../memory/output-ring.js';
import { tickAfter, ticksBetween } from '../memory/ticks.js';
import { CaptureRows, type RowMark } from './capture-rows.js';
import type { EngineMemory } from './engine-memory.js';
import { isSteady, lostTurns, medianLoop, SignalTurns } from './signal-turns.js';
import type { ClientStream } from './stream.js';
import type { SignalTrain } from './train-types.js';
import type { Recorded, RecordTrouble } from './types.js';

/** Between two looks: as many as a page is drawn in a second. */
const lookMs = 20;
/** So far it is given ahead of what the engine has taken: for so long this program may be kept from running. */
const aheadMs = 300;
/** Without a new turn for so long, it asks whether the engine's keeper still lives. */
const doubtMs = 100;
/** Without a new turn for so long, the device is away. */
const patienceMs = 10_000;
/** A stream that cannot be brought to rest within this is given up. */
const restMs = 500;

/** One signal of a train, at the engine's rate and channels. */
export interface TrainSignal {
  readonly samples: Float32Array;
  readonly frames: number;
  readonly periodFrames: number;
  readonly recordFrames: number;
}

/**
 * Gives a signal and the silence behind it without a gap, so that each begins a period of frames after
 * the last, and cuts the recordings, which may overlap, out of what is captured without a gap.
 */
export class PlayedTrain implements SignalTrain {
  trouble: RecordTrouble | null = null;
  missed = 0;
  /** Settled when nothing of it plays any more: whether the stream is at rest, or to be given up. */
  readonly over: Promise<'rest' | 'lost'>;
  private settleOver!: (end: 'rest' | 'lost') => void;
  private hasEnded = false;
  private failure: unknown = null;
  private readonly turns: SignalTurns;
  private readonly rows: CaptureRows;
  private readonly ready: Recorded[] = [];
  private waiter: (() => void) | null = null;
  private timer: NodeJS.Timeout | null = null;
  private movedMs = performance.now();
  private xruns: number;
  private first: RowMark | null = null;
  /** Frames given to the stream, and frames captured, since the beginning. */
  private given = 0;
  private taken = 0;
  /** The recording that is completed next. */
  private index = 0;
  /** The last frames that were captured, as far back as a recording goes. */
  private readonly heard: Float32Array;
  private readonly heardFrames: number;
  private loops: { from: number; frames: number }[] = [];

  /** The stream is at rest. */
  constructor(
    private readonly engine: string,
    private readonly memory: EngineMemory,
    private readonly stream: ClientStream,
    private readonly signal: TrainSignal,
  ) {
    const { segment } = memory;
    const { quantum, captureChannels } = segment.layout;
    this.over = new Promise((resolve) => {
      this.settleOver = resolve;
    });
    this.turns = new SignalTurns(segment, stream);
    this.rows = new CaptureRows(segment, currentPosition(segment));
    this.xruns = readCounter(segment, counterIndex.xruns);
    this.heardFrames = signal.recordFrames + quantum;
    this.heard = new Float32Array(this.heardFrames * captureChannels);
    this.look();
  }

  async next(): Promise<Recorded | null> {
    for (;;) {
      const recorded = this.ready.shift();
      if (recorded !== undefined) return recorded;
      if (this.failure !== null) throw this.failure;
      if (this.hasEnded) return null;
      await new Promise<void>((resolve) => {
        this.waiter = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    this.end();
    await this.over;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Ends it with an error, as the engine or the connection has ended. */
  cut(what: 'engine' | 'connection'): void {
    const text =
      what === 'engine'
        ? `engine "${this.engine}" has ended while it played and recorded`
        : `the connection to engine "${this.engine}" was closed`;
    this.fail(new TenutoError('TENUTO_CAPTURE_CLOSED', text));
  }

  private look(): void {
    this.timer = null;
    try {
      this.give();
      this.listen();
      this.doubt();
    } catch (error) {
      this.fail(error);
    }
    if (!this.hasEnded) this.timer = setTimeout(() => this.look(), lookMs);
  }

  private fail(error: unknown): void {
    if (!this.hasEnded) this.failure = error;
    this.end();
  }

  private end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.waiter?.();
    void this.bringToRest().then(this.settleOver);
  }

  private async bringToRest(): Promise<'rest' | 'lost'> {
    const { stream } = this;
    if (this.failure === null && stream.state === 'open') {
      const flushed = stream.flush().then(
        () => true,
        () => false,
      );
      const late = delay(restMs, false, { ref: false });
      if (await Promise.race([flushed, late])) return 'rest';
    }
    void stream.abort();
    return 'lost';
  }

  /** Gives the stream what it plays next: the signal where its time has come, else silence. */
  private give(): void {
    const { stream, signal, memory } = this;
    const { rateHz, channels } = memory.segment.layout;
    const waiting = stream.written - stream.played - stream.flushed;
    const frames = Math.ceil((aheadMs * rateHz) / 1000) - waiting;
    if (frames <= 0) return;
    const samples = new Float32Array(frames * channels);
    const { periodFrames } = signal;
    let at = 0;
    while (at < frames) {
      const phase = (this.given + at) % periodFrames;
      if (phase < signal.frames) {
        const count = Math.min(signal.frames - phase, frames - at);
        const part = signal.samples.subarray(phase * channels, (phase + count) * channels);
        samples.set(part, at * channels);
      }
      at += Math.min(periodFrames - phase, frames - at);
    }
    this.given += frames;
    stream.writeTogether(samples).catch((error) => this.fail(error));
  }

  private listen(): void {
    const { rows, memory } = this;
    const firstTick = this.turns.firstTick();
    // Without the tick no turn is read: those that may be the first wait in the ring.
    if (firstTick === null) return;
    for (;;) {
      const expected = rows.nextFrom;
      const row = rows.read();
      if (row === null) break;
      this.movedMs = performance.now();
      if (this.first === null) {
        if (row.concealed || ticksBetween(row.tick, firstTick) < 0) continue;
        if (row.tick !== firstTick) throw lostTurns();
        this.first = row;
      } else if (row.from !== expected) throw lostTurns();
      this.trouble = this.troubleOf(row);
      if (this.trouble === null) this.take(row);
      if (this.trouble !== null) {
        this.end();
        return;
      }
    }
    if (readCounter(memory.segment, counterIndex.xruns) === this.xruns) return;
    this.trouble = 'xrun';
    this.end();
  }

  private troubleOf(row: RowMark): RecordTrouble | null {
    if (row.away) return 'away';
    if (row.generation !== this.first!.generation) return 'generation';
    if (row.concealed) return 'concealed';
    if (row.deviceDropFrames > 0) return 'dropped';
    const { quantum } = this.memory.segment.layout;
    return this.turns.playedAfter(row.tick) === this.taken + quantum ? null : 'starved';
  }

  private take(row: RowMark): void {
    const { quantum, captureChannels } = this.memory.segment.layout;
    const { captured } = this.rows;
    const { heard, heardFrames, signal } = this;
    const at = this.taken % heardFrames;
    const before = Math.min(quantum, heardFrames - at);
    heard.set(captured.subarray(0, before * captureChannels), at * captureChannels);
    heard.set(captured.subarray(before * captureChannels, quantum * captureChannels), 0);
    if (row.loopFrames > 0) this.loops.push({ from: this.taken, frames: row.loopFrames });
    this.taken += quantum;
    while (this.trouble === null && this.taken >= this.begin + signal.recordFrames) this.complete();
  }

  /** Where the recording begins that is completed next. */
  private get begin(): number {
    return this.index * this.signal.periodFrames;
  }

  private complete(): void {
    const { begin, ready } = this;
    const end = begin + this.signal.recordFrames;
    const loops = this.loops.filter(({ from }) => from < end).map(({ frames }) => frames);
    if (!isSteady(loops)) {
      this.trouble = 'way';
      return;
    }
    ready.push(this.recordedFrom(begin, loops));
    if (ready.length > limits.trainWaitingMax) {
      ready.shift();
      this.missed++;
    }
    this.index++;
    this.loops = this.loops.filter(({ from }) => from >= this.begin);
    this.waiter?.();
  }

  private recordedFrom(begin: number, loops: readonly number[]): Recorded {
    const { segment } = this.memory;
    const { quantum, captureChannels, rateHz } = segment.layout;
    const { heard, heardFrames, signal } = this;
    const { recordFrames } = signal;
    const at = begin % heardFrames;
    const before = Math.min(recordFrames, heardFrames - at);
    const samples = new Float32Array(recordFrames * captureChannels);
    samples.set(heard.subarray(at * captureChannels, (at + before) * captureChannels));
    const rest = heard.subarray(0, (recordFrames - before) * captureChannels);
    samples.set(rest, before * captureChannels);
    const turns = Math.floor(begin / quantum);
    const { latencyFrames } = readDevice(segment);
    return {
      samples,
      frames: recordFrames,
      channels: captureChannels,
      rate: rateHz,
      position: (this.first!.position + turns) | 0,
      tick: tickAfter(this.first!.tick, turns),
      generation: this.first!.generation,
      clean: true,
      trouble: null,
      loopFrames: loops.length > 0 ? medianLoop(loops) : null,
      latencyFrames: latencyFrames > 0 ? latencyFrames : null,
    };
  }

  private doubt(): void {
    const stillMs = performance.now() - this.movedMs;
    if (stillMs > patienceMs) {
      const text = `engine "${this.engine}" did not play the signal: its device is away`;
      throw new TenutoError('TENUTO_DEVICE_LOST', text);
    }
    if (stillMs > doubtMs && !this.memory.isAlive) this.cut('engine');
  }
}
