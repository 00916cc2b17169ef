import type { ChildProcess } from 'node:child_process';

interface Chunk {
  samples: Float32Array;
  /** Frames before it. */
  from: number;
  frames: number;
  /** Milliseconds of `performance.now` when it came. */
  ms: number;
}

/** The chunk that came with the least delay, of those within this time, tells when it was heard. */
const envelopeMs = 250;

/** What a program hears that writes interleaved floats to its standard output, and when. */
export class Ear {
  readonly rateHz: number;
  readonly channels: number;
  private readonly closed: Promise<unknown>;
  private readonly chunks: Chunk[] = [];
  private rest: Buffer = Buffer.alloc(0);
  private heard = 0;

  constructor(
    /** Name of the sink whose monitor is heard. */
    readonly sink: string,
    private readonly child: ChildProcess,
    { rate, channels }: { rate: number; channels: number },
  ) {
    this.rateHz = rate;
    this.channels = channels;
    this.closed = new Promise((resolve) => {
      child.once('close', resolve).once('error', resolve);
    });
    child.stdout!.on('data', (bytes: Buffer) => this.take(bytes));
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Frames heard so far. */
  get frames(): number {
    return this.heard;
  }

  private take(bytes: Buffer): void {
    const all = this.rest.length > 0 ? Buffer.concat([this.rest, bytes]) : bytes;
    const frameBytes = this.channels * 4;
    const frames = Math.floor(all.length / frameBytes);
    this.rest = Buffer.from(all.subarray(frames * frameBytes));
    const samples = new Float32Array(Uint8Array.from(all.subarray(0, frames * frameBytes)).buffer);
    this.chunks.push({ samples, from: this.heard, frames, ms: performance.now() });
    this.heard += frames;
  }

  /** All that was heard so far. */
  get samples(): Float32Array {
    const all = new Float32Array(this.heard * this.channels);
    for (const { samples, from } of this.chunks) all.set(samples, from * this.channels);
    return all;
  }

  /** One channel of it. */
  channel(index: number): Float32Array {
    const { samples, channels } = this;
    return Float32Array.from({ length: this.heard }, (_, i) => samples[i * channels + index]!);
  }

  /**
   * When a frame was heard, in milliseconds of `performance.now`: exact to the step in which the
   * server hands on what it plays, and late by as much for each frame.
   */
  msOf(frame: number): number {
    let low = 0;
    let high = this.chunks.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { from, frames } = this.chunks[middle]!;
      if (from + frames <= frame) low = middle + 1;
      else high = middle;
    }
    let least = Number.POSITIVE_INFINITY;
    for (let i = low; i < this.chunks.length; i++) {
      const { from, frames, ms } = this.chunks[i]!;
      const afterMs = ((from + frames - frame) * 1000) / this.rateHz;
      if (afterMs > envelopeMs && Number.isFinite(least)) break;
      least = Math.min(least, ms - afterMs);
    }
    return least;
  }

  /** Stops listening; what was heard stays. Idempotent. */
  async stop(): Promise<Float32Array> {
    this.child.kill('SIGKILL');
    await this.closed;
    return this.samples;
  }
}
