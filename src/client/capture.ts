import { TenutoError } from '../errors.js';
import { currentPosition } from '../memory/output-ring.js';
import type { Segment } from '../memory/segment.js';
import { arrayFor, CaptureConversion, framesFor } from './capture-conversion.js';
import { checkCaptureFormat } from './capture-format.js';
import { CaptureRows } from './capture-rows.js';
import type { EngineMemory } from './engine-memory.js';
import type {
  CaptureBlock,
  CaptureData,
  CaptureFormat,
  CaptureMark,
  EngineCapture,
} from './types.js';

/** Longest and shortest time between two looks for frames. */
const lookMsMax = 50;
const lookMsMin = 1;
/** Without a new turn for so long, it asks whether the engine's keeper still lives. */
const doubtMs = 100;

/** What a capture needs of the connection that it was begun over. */
export interface CaptureHost {
  readonly engine: string;
  readonly memory: EngineMemory;
  /** It has ended. */
  forget(): void;
}

/** @throws TenutoError `TENUTO_CAPTURE_OFF` */
export function demandCapture(engine: string, segment: Segment): void {
  if (segment.layout.captureChannels > 0) return;
  throw new TenutoError('TENUTO_CAPTURE_OFF', `engine "${engine}" listens to no device`);
}

/** What is known of frames that follow each other. */
function joined(first: CaptureMark, next: CaptureMark): CaptureMark {
  return {
    ...first,
    concealed: first.concealed || next.concealed,
    away: first.away || next.away,
    deviceDropFrames: first.deviceDropFrames + next.deviceDropFrames,
  };
}

/**
 * One reader of the captured side of the output ring. The ring itself is its buffer: what it has not
 * read yet waits there, and is left out once it is more than `bufferFrames`.
 */
export class CaptureReader implements EngineCapture {
  readonly format: EngineCapture['format'];
  state: 'open' | 'closed' = 'open';
  last: CaptureMark | null = null;
  readFrames = 0;
  droppedFrames = 0;
  droppedEngineFrames = 0;
  private readonly rows: CaptureRows;
  private readonly conversion: CaptureConversion;
  private readonly ratio: number;
  private readonly quantum: number;
  private readonly rateHz: number;
  private hasEnded = false;
  private isReading = false;
  /** Frames lost since the last ones that were given. */
  private dropped = 0;
  private movedMs = performance.now();
  private wake: (() => void) | null = null;

  constructor(
    private readonly host: CaptureHost,
    given: CaptureFormat,
  ) {
    const { segment } = host.memory;
    const { layout } = segment;
    demandCapture(host.engine, segment);
    this.format = checkCaptureFormat(given, layout);
    this.quantum = layout.quantum;
    this.rateHz = layout.rateHz;
    this.ratio = this.format.rate / layout.rateHz;
    this.rows = new CaptureRows(segment, currentPosition(segment));
    this.conversion = new CaptureConversion(this.format, {
      rate: layout.rateHz,
      channels: layout.captureChannels,
      quantum: layout.quantum,
    });
  }

  get available(): number {
    return this.state === 'open' ? Math.min(this.waiting, this.format.bufferFrames) : 0;
  }

  /** Frames that wait, those beyond the buffer too. */
  private get waiting(): number {
    const unread = this.hasEnded ? 0 : this.rows.waiting * this.quantum;
    return this.conversion.frames + Math.floor(unread * this.ratio);
  }

  async read(into: CaptureData | Uint8Array, timeoutMs = Number.POSITIVE_INFINITY) {
    const frames = framesFor(into, this.format);
    return this.alone(() => this.pull(into, frames, timeoutMs));
  }

  readNow(into: CaptureData | Uint8Array): number {
    const frames = framesFor(into, this.format);
    this.refuseWhileReading();
    this.refuseIfOver();
    return this.take(into, 0, frames);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CaptureBlock, void> {
    const { blockFrames } = this.format;
    try {
      while (this.state === 'open') {
        const data = arrayFor(this.format, blockFrames);
        const frames = await this.alone(() =>
          this.pull(data, blockFrames, Number.POSITIVE_INFINITY),
        ).catch((error) => {
          // Closed by its own program while it waited: that is how a loop ends.
          if (this.hasEnded || this.state === 'open') throw error;
          return 0;
        });
        if (frames === 0) return;
        const whole = data.subarray(0, frames * this.format.channels);
        yield { ...this.last!, data: whole, frames };
      }
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.wake?.();
    this.host.forget();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The engine has ended: takes what is left in its memory, before that is gone. */
  engineEnded(): void {
    if (this.hasEnded) return;
    if (this.state === 'open') {
      this.leaveOut();
      this.fetch(this.format.bufferFrames);
    }
    this.hasEnded = true;
    this.wake?.();
  }

  private async alone<T>(work: () => Promise<T>): Promise<T> {
    this.refuseWhileReading();
    this.isReading = true;
    try {
      return await work();
    } finally {
      this.isReading = false;
    }
  }

  /** Fills `into` as frames come, until the time is over or nothing more will come. */
  private async pull(
    into: CaptureData | Uint8Array,
    frames: number,
    timeoutMs: number,
  ): Promise<number> {
    this.refuseIfOver();
    const deadlineMs = performance.now() + timeoutMs;
    let given = 0;
    for (;;) {
      given += this.take(into, given, frames - given);
      if (given >= frames || this.isOver) break;
      // What was lost in between would be a hole in the array: the next one begins behind it.
      if (given > 0 && (this.dropped > 0 || this.isOverfull)) return given;
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return given;
      await this.sleep(Math.min(leftMs, this.waitMs(frames - given)));
    }
    if (given === 0 && frames > 0) this.refuseIfOver();
    return given;
  }

  /** Gives up to `frames` frames that are there. */
  private take(into: CaptureData | Uint8Array, at: number, frames: number): number {
    if (!this.hasEnded) {
      if (at === 0) this.leaveOut();
      this.fetch(frames);
    }
    const count = Math.min(frames, this.conversion.frames);
    if (count <= 0 || (at > 0 && this.dropped > 0)) return 0;
    const mark = { ...this.conversion.markOf(count), dropped: this.dropped };
    this.last = at > 0 && this.last !== null ? joined(this.last, mark) : mark;
    this.dropped = 0;
    this.conversion.give(into, at, count);
    this.readFrames += count;
    return count;
  }

  private get isOverfull(): boolean {
    return !this.hasEnded && this.waiting > this.format.bufferFrames + this.slackFrames;
  }

  /** What may come while it looks, so that a reader at the edge loses nothing in every look. */
  private get slackFrames(): number {
    return Math.ceil(this.quantum * this.ratio);
  }

  /** Leaves out what is more than the buffer holds: the oldest. */
  private leaveOut(): void {
    if (!this.isOverfull) return;
    const { format, conversion, quantum, ratio } = this;
    let excess = this.waiting - format.bufferFrames;
    const turns = Math.floor((excess - conversion.frames) / (quantum * ratio));
    if (turns > 0) {
      this.rows.skip(turns);
      this.countLost(conversion.restart(this.rows.nextFrom));
      excess = this.waiting - format.bufferFrames;
    }
    if (excess <= 0) return;
    this.fetch(excess);
    const lost = Math.min(excess, conversion.frames);
    conversion.drop(lost);
    this.countLost(lost);
  }

  private countLost(frames: number): void {
    this.dropped += frames;
    this.droppedFrames += frames;
    this.droppedEngineFrames = Math.round(this.droppedFrames / this.ratio);
  }

  /** Brings turns in until `frames` frames are ready, or no turn is left. */
  private fetch(frames: number): void {
    const { rows, conversion } = this;
    while (conversion.frames < frames) {
      const missing = frames - conversion.frames;
      let turns = Math.ceil(missing / (this.quantum * this.ratio));
      for (; turns > 0; turns--) {
        const expected = rows.nextFrom;
        const mark = rows.read();
        if (mark === null) break;
        this.movedMs = performance.now();
        // Overwritten before it was read: this process was kept from running for seconds.
        if (mark.from !== expected) this.countLost(conversion.restart(mark.from));
        conversion.push(mark, rows.captured);
      }
      conversion.convert();
      if (turns > 0) return;
    }
  }

  /** Until so many frames may be there. */
  private waitMs(frames: number): number {
    const missing = Math.max(0, frames - this.conversion.frames) / this.format.rate;
    const turnMs = (this.quantum * 1000) / this.rateHz;
    return Math.min(lookMsMax, Math.max(lookMsMin, turnMs / 2, missing * 1000));
  }

  private async sleep(ms: number): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.movedMs > doubtMs) {
      this.movedMs = nowMs;
      if (!this.host.memory.isAlive) this.engineEnded();
    }
    if (this.isOver) return;
    await new Promise<void>((resolve) => {
      this.wake = () => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
      const timer = setTimeout(this.wake, ms);
    });
  }

  private get isOver(): boolean {
    return this.state === 'closed' || this.hasEnded;
  }

  private refuseWhileReading(): void {
    if (!this.isReading) return;
    const text = 'another read of this capture is waiting; await it, or begin another capture';
    throw new TenutoError('TENUTO_CAPTURE_FORMAT', text);
  }

  private refuseIfOver(): void {
    const { engine } = this.host;
    if (this.state === 'closed') {
      throw new TenutoError(
        'TENUTO_CAPTURE_CLOSED',
        `this capture of engine "${engine}" was closed`,
      );
    }
    if (this.hasEnded && this.conversion.frames === 0) {
      const text = `engine "${engine}" has ended, and this capture with it`;
      throw new TenutoError('TENUTO_CAPTURE_CLOSED', text);
    }
  }
}
