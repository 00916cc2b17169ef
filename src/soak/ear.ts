import type { ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, readSync } from 'node:fs';

/** So much was there at that time. */
interface Look {
  frames: number;
  /** Milliseconds of `performance.now`. */
  ms: number;
}

const lookMs = 3;
/** The look that came with the least delay, of those within this time, tells when it was heard. */
const envelopeMs = 250;
/** Long enough for many looks. */
const missSpanFrames = 4096;

/**
 * What a program hears that writes interleaved floats into a file, and when. A file, since a pipe
 * that is not read for a while would hold up the program, and it the sound server.
 */
export class Ear {
  readonly rateHz: number;
  readonly channels: number;
  private readonly closed: Promise<unknown>;
  private readonly looks: Look[] = [];
  private readonly timer: NodeJS.Timeout;
  private kept: Float32Array | null = null;

  /** @param fd - of the file, which it closes */
  constructor(
    /** Name of the sink whose monitor is heard. */
    readonly sink: string,
    private readonly child: ChildProcess,
    private readonly fd: number,
    { rate, channels }: { rate: number; channels: number },
  ) {
    this.rateHz = rate;
    this.channels = channels;
    this.closed = new Promise((resolve) => {
      child.once('close', resolve).once('error', resolve);
    });
    this.timer = setInterval(() => this.look(), lookMs);
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Frames heard so far. */
  get frames(): number {
    return this.looks.at(-1)?.frames ?? 0;
  }

  private look(): void {
    const frames = Math.floor(fstatSync(this.fd).size / (4 * this.channels));
    if (frames > this.frames) this.looks.push({ frames, ms: performance.now() });
  }

  /** All that was heard so far. */
  get samples(): Float32Array {
    if (this.kept !== null) return this.kept;
    const bytes = Buffer.alloc(this.frames * this.channels * 4);
    readSync(this.fd, bytes, 0, bytes.length, 0);
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  }

  /** One channel of it. */
  channel(index: number): Float32Array {
    const { samples, channels } = this;
    return Float32Array.from({ length: this.frames }, (_, i) => samples[i * channels + index]!);
  }

  /**
   * When a frame was heard, in milliseconds of `performance.now`: exact to the step in which the
   * server hands on what it plays, and late by as much for each frame.
   */
  msOf(frame: number): number {
    const first = this.looks.findIndex(({ frames }) => frames > frame);
    let least = Number.POSITIVE_INFINITY;
    for (const { frames, ms } of this.looks.slice(Math.max(0, first))) {
      const afterMs = ((frames - frame) * 1000) / this.rateHz;
      if (afterMs > envelopeMs && Number.isFinite(least)) break;
      least = Math.min(least, ms - afterMs);
    }
    return least;
  }

  /** Frames for which time passed just before a frame while nothing was heard, roughly. */
  missedBefore(frame: number): number {
    const back = Math.min(frame, missSpanFrames);
    const tookMs = this.msOf(frame) - this.msOf(frame - back);
    return (tookMs * this.rateHz) / 1000 - back;
  }

  /** Stops listening; what was heard stays. Idempotent. */
  async stop(): Promise<Float32Array> {
    if (this.kept !== null) return this.kept;
    clearInterval(this.timer);
    this.child.kill('SIGKILL');
    await this.closed;
    this.look();
    this.kept = this.samples;
    closeSync(this.fd);
    return this.kept;
  }
}
