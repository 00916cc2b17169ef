import { closeSync } from 'node:fs';
import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { clock } from '../memory/layout.js';
import {
  openStreamSegment,
  readStreamPlace,
  rewindStream,
  type StreamPlace,
  type StreamSegment,
  streamBytes,
  streamHeader,
  streamNoticeTicks,
  streamRecordedTicks,
  streamSpace,
  writeStream,
} from '../memory/stream.js';
import { ticksBetween } from '../memory/ticks.js';
import { type Mapping, mapShared, openSharedMemory } from '../os/index.js';
import { FormatConversion } from '../pcm/index.js';
import type { EngineMemory } from './engine-memory.js';
import { FrameAccount } from './frame-account.js';
import { SampleDoor, type StreamData } from './sample-door.js';
import type { EngineStream, StreamState, StreamStopReason } from './types.js';

/** Frames of the client that are converted at a time. */
const partFrames = 1024;
/**
 * What the conversion of the rate may hold, as a part of the buffer and at most: with as much it is
 * as fast as by blocks, and a stream with a short buffer is one that must not wait.
 */
const conversionPart = 0.1;
const conversionMsMax = 20;
/** Between two looks for room: a quarter of the buffer, within these. */
const lookMsMin = 2;
const lookMsMax = 20;
/** Without a new tick for so long, it asks whether the engine's keeper still lives. */
const doubtMs = 100;

/** What a stream needs of the connection that opened it. */
export interface StreamHost {
  readonly engine: string;
  readonly memory: EngineMemory;
  /** Gives the stream back; resolves also when nobody answers. */
  giveBack(discard: boolean): Promise<void>;
}

/** Where a stream was opened. */
export interface StreamGrant {
  stream: number;
  keeperPid: number;
  streamFd: number;
}

/** A client stream over its own memory. The desk of the control process gave it and takes it. */
export class ClientStream implements EngineStream {
  readonly stream: number;
  state: StreamState = 'open';
  stopReason: StreamStopReason | null = null;
  private readonly mapping: Mapping;
  private readonly ring: StreamSegment;
  private readonly door: SampleDoor;
  private readonly conversion: FormatConversion;
  private readonly account: FrameAccount;
  private readonly bufferFrames: number;
  private readonly keptFrames: number;
  private readonly lookMs: number;
  /** What was asked for runs one after the other. */
  private queue: Promise<unknown> = Promise.resolve();
  private queued = 0;
  /** Counts flushes: what was asked for before one of them stops early. */
  private epoch = 0;
  private readonly sleepers = new Set<() => void>();
  private place: StreamPlace = { tick: 0, cursor: 0 };
  private placeMs = 0;
  private ending: Promise<void> | null = null;
  /** What waited when the memory was given back. */
  private lastWaiting: number | null = null;
  private toldBad = 0;
  private toldLoud = 0;

  constructor(
    private readonly host: StreamHost,
    grant: StreamGrant,
    readonly format: EngineStream['format'],
  ) {
    const { layout } = host.memory.segment;
    this.stream = grant.stream;
    const fd = openSharedMemory({ pid: grant.keeperPid, fd: grant.streamFd, writable: true });
    this.mapping = mapShared(fd, streamBytes(layout), { writable: true });
    closeSync(fd);
    this.ring = openStreamSegment(this.mapping.buffer, layout);
    const { rate, channels, bufferMs } = format;
    this.door = new SampleDoor(format.format, channels);
    const engine = { rate: layout.rateHz, channels: layout.channels };
    const waitMs = Math.min(conversionMsMax, bufferMs * conversionPart);
    this.conversion = new FormatConversion({ rate, channels }, engine, { waitMs });
    this.account = new FrameAccount(layout.rateHz / rate);
    this.bufferFrames = Math.max(layout.quantum, Math.ceil((bufferMs * layout.rateHz) / 1000));
    this.keptFrames = streamRecordedTicks(layout) * layout.quantum;
    this.lookMs = Math.min(lookMsMax, Math.max(lookMsMin, bufferMs / 4));
    this.look();
  }

  get written(): number {
    return this.account.written;
  }

  /** Where in the ring the next frame goes, as a count that wraps; for proofs. */
  get position(): number {
    return Atomics.load(this.ring.words, streamHeader.written);
  }

  get played(): number {
    this.look();
    return this.account.played(this.waiting());
  }

  get flushed(): number {
    return this.account.flushed;
  }

  get badSamples(): number {
    return this.door.badSamples;
  }

  get loudSamples(): number {
    return this.door.loudSamples;
  }

  async write(data: StreamData): Promise<void> {
    await this.writeIn(data, partFrames);
  }

  /** As `write`; as much as there is room for is there at once, so that no turn comes in between. */
  async writeTogether(data: StreamData): Promise<void> {
    await this.writeIn(data, this.bufferFrames);
  }

  private async writeIn(data: StreamData, part: number): Promise<void> {
    const frames = this.door.framesIn(data);
    this.refuseIfClosed();
    if (this.queued >= limits.streamWritesMax) {
      const text = `${this.queued} writes are waiting for room; await them`;
      throw new TenutoError('TENUTO_STREAM_LIMIT', text);
    }
    const { epoch } = this;
    await this.enqueue(() => this.pour(data, frames, epoch, part));
  }

  async drain(): Promise<void> {
    this.refuseIfClosed();
    await this.playOut(this.epoch);
    if (this.stopReason !== null) throw this.closedError();
  }

  async flush(): Promise<void> {
    this.refuseIfClosed();
    this.hurry();
    await this.enqueue(() => this.takeBack());
  }

  close(): Promise<void> {
    this.ending ??= this.end('closed');
    return this.ending;
  }

  abort(): Promise<void> {
    // What a close still plays is cut short, and nothing else is new.
    this.hurry();
    this.ending ??= this.end('aborted');
    return this.ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The engine has ended: settles whatever waits. */
  engineEnded(): void {
    if (this.stopReason !== null) return;
    this.stopReason = 'engine-ended';
    this.state = 'closed';
    this.hurry();
    this.release();
  }

  private async end(reason: 'closed' | 'aborted'): Promise<void> {
    if (this.stopReason !== null) return;
    this.state = 'closing';
    if (reason === 'aborted') this.stopReason = reason;
    const { epoch } = this;
    if (reason === 'closed') await this.playOut(epoch);
    else await this.enqueue(async () => {});
    if (this.state !== 'closing') return;
    const isWhole = reason === 'closed' && epoch === this.epoch;
    // Settled before it is given back: what the next one writes there is not this one's.
    if (!isWhole) this.account.flush(this.waiting());
    this.lastWaiting = isWhole ? this.waiting() : 0;
    await this.host.giveBack(!isWhole);
    if (this.state !== 'closing') return;
    this.stopReason = isWhole ? 'closed' : 'aborted';
    this.state = 'closed';
    this.release();
  }

  private release(): void {
    this.lastWaiting ??= this.waiting();
    this.mapping.unmap();
  }

  /** Runs what is asked for after all that was asked for before. */
  private enqueue<T>(work: () => Promise<T>): Promise<T> {
    this.queued++;
    const result = this.queue.then(work).finally(() => this.queued--);
    this.queue = result.catch(() => {});
    return result;
  }

  /** Ends early what waits now: for a flush, or because there is nothing more to wait for. */
  private hurry(): void {
    this.epoch++;
    for (const wake of [...this.sleepers]) wake();
  }

  /** Puts frames into the ring, as there is room. */
  private async pour(data: StreamData, frames: number, epoch: number, part: number) {
    for (let from = 0; from < frames; from += part) {
      this.refuseIfEnded();
      const count = Math.min(part, frames - from);
      this.account.take(count);
      if (epoch !== this.epoch) {
        // Thrown away before it was heard: the flush that follows counts it.
        this.account.take(frames - from - count);
        return;
      }
      const samples = this.door.read(data, from, count);
      this.tellCounts();
      await this.push(this.conversion.push(samples), epoch);
    }
  }

  private async push(samples: Float32Array, epoch: number): Promise<void> {
    const { channels } = this.ring;
    let from = 0;
    for (;;) {
      this.refuseIfEnded();
      if (epoch !== this.epoch) return;
      const space = this.space() * channels;
      const part = samples.subarray(from, from + space);
      if (part.length > 0) {
        writeStream(this.ring, part);
        this.account.push(part.length / channels);
        from += part.length;
      }
      if (from === samples.length) return;
      await this.sleep(this.lookMs);
    }
  }

  /** Resolves when all that was written has been given to the device, or thrown away. */
  private async playOut(epoch: number): Promise<void> {
    await this.enqueue(async () => {
      if (epoch !== this.epoch) return;
      await this.push(this.conversion.end(), epoch);
      this.account.endRun();
    }).catch((error) => {
      if (this.stopReason === null) throw error;
    });
    if (this.stopReason !== null || epoch !== this.epoch) return;
    const end = Atomics.load(this.ring.words, streamHeader.written);
    while (!this.isSealed(end)) {
      await this.sleep(this.lookMs);
      if (this.stopReason !== null || epoch !== this.epoch) return;
    }
    // Sealed is not heard yet: the tick that plays the last frame has to be over.
    const { tick } = this.place;
    while (!this.isOver(tick)) {
      await this.sleep(lookMsMin);
      if (this.stopReason !== null || epoch !== this.epoch) return;
    }
  }

  private isSealed(end: number): boolean {
    this.look();
    return ((end - this.place.cursor) | 0) <= 0;
  }

  private isOver(tick: number): boolean {
    this.look();
    const { words, layout } = this.host.memory.segment;
    return ticksBetween(Atomics.load(words, layout.clock + clock.headTick), tick) > 0;
  }

  /** Takes back what is not played: the driver is told to hold, and then nobody plays it. */
  private async takeBack(): Promise<void> {
    if (this.stopReason !== null) return;
    Atomics.store(this.ring.words, streamHeader.hold, 1);
    this.look();
    const { tick } = this.place;
    while (ticksBetween(this.place.tick, tick) < streamNoticeTicks) {
      await this.sleep(lookMsMin);
      this.look();
      if (this.stopReason !== null) return;
    }
    this.account.flush(this.waiting());
    this.conversion.drop();
    rewindStream(this.ring, this.place.cursor);
  }

  private space(): number {
    this.look();
    const room = this.bufferFrames - this.waiting();
    return Math.max(0, Math.min(room, streamSpace(this.ring, this.place.cursor, this.keptFrames)));
  }

  /** Engine frames in the ring that no sealed tick plays. */
  private waiting(): number {
    if (this.lastWaiting !== null) return this.lastWaiting;
    const written = Atomics.load(this.ring.words, streamHeader.written);
    return Math.max(0, (written - this.place.cursor) | 0);
  }

  /** Looks how far the engine is, and whether it still is. */
  private look(): void {
    if (this.stopReason === 'engine-ended') return;
    const { memory } = this.host;
    const nowMs = performance.now();
    const place = readStreamPlace(memory.segment, this.stream);
    if (place !== null && (place.tick !== this.place.tick || this.placeMs === 0)) {
      this.place = place;
      this.placeMs = nowMs;
      this.account.tidy(this.waiting());
    } else if (nowMs - this.placeMs > doubtMs) {
      this.placeMs = nowMs;
      if (memory.isClosing || !memory.isAlive) this.engineEnded();
    }
  }

  private tellCounts(): void {
    const { badSamples, loudSamples } = this.door;
    const { words } = this.ring;
    if (badSamples !== this.toldBad) {
      Atomics.add(words, streamHeader.badSamples, badSamples - this.toldBad);
      this.toldBad = badSamples;
    }
    if (loudSamples !== this.toldLoud) {
      Atomics.add(words, streamHeader.loudSamples, loudSamples - this.toldLoud);
      this.toldLoud = loudSamples;
    }
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.sleepers.add(wake);
    });
  }

  private refuseIfClosed(): void {
    if (this.state !== 'open') throw this.closedError();
  }

  /** While it closes, what was asked for before still runs. */
  private refuseIfEnded(): void {
    if (this.stopReason !== null) throw this.closedError();
  }

  private closedError(): TenutoError {
    const { engine } = this.host;
    const text =
      this.stopReason === 'engine-ended'
        ? `engine "${engine}" has ended, and this stream with it`
        : `this stream of engine "${engine}" was closed`;
    return new TenutoError('TENUTO_STREAM_CLOSED', text);
  }
}
