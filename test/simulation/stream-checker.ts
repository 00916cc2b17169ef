import { record } from '../../src/memory/layout.js';
import { type StreamSegment, streamHeader } from '../../src/memory/stream.js';
import { Violation } from './violation.js';

/**
 * Knows what clients have written and what the sealed records say was played of it, and demands
 * that every frame is sealed once and in order, unless its owner took it back before. It never
 * reads the rings: what replicas find there must be what the clients were told to write.
 */
export class StreamChecker {
  /** Per stream, what was written and neither sealed nor taken back, in order. */
  private readonly pending: number[][];
  /** Per stream, what sealed ticks play, by position, until it is played. */
  private readonly sealed: Map<number, number>[];
  private readonly cursors: Int32Array;
  /** Frames sealed, and frames taken back. */
  frames = 0;
  takenBack = 0;

  constructor(private readonly streams: readonly StreamSegment[]) {
    this.pending = streams.map(() => []);
    this.sealed = streams.map(() => new Map());
    this.cursors = new Int32Array(streams.length);
  }

  /** A client publishes these values. */
  wrote(stream: number, values: Float32Array): void {
    this.pending[stream]!.push(...values);
  }

  /** After any step: has somebody taken frames back? All that wait, or none. */
  afterStep(): void {
    this.streams.forEach(({ words }, stream) => {
      const pending = this.pending[stream]!;
      const ahead = (words[streamHeader.written]! - this.cursors[stream]!) | 0;
      if (ahead === pending.length) return;
      if (ahead !== 0) throw new Violation(`stream ${stream}: ${ahead} of ${pending.length} wait`);
      this.takenBack += pending.length;
      pending.length = 0;
    });
  }

  /** A tick was sealed. */
  takeSealed(tick: number, words: Int32Array): void {
    for (let stream = 0; stream < this.streams.length; stream++) {
      const cursor = words[record.streamCursors + stream]!;
      const count = (cursor - this.cursors[stream]!) | 0;
      const pending = this.pending[stream]!;
      if (count < 0 || count > pending.length) {
        throw new Violation(
          `tick ${tick} plays ${count} frames of stream ${stream}, ${pending.length} wait`,
        );
      }
      const sealed = this.sealed[stream]!;
      for (const value of pending.splice(0, count)) {
        sealed.set(this.cursors[stream]!, value);
        this.cursors[stream] = this.cursors[stream]! + 1;
      }
      this.frames += count;
    }
  }

  /** What the reference plays at a position of a stream, once. */
  read(stream: number, position: number): number {
    const value = this.sealed[stream]!.get(position);
    this.sealed[stream]!.delete(position);
    if (value === undefined)
      throw new Violation(`stream ${stream}: frame ${position} played again`);
    return value;
  }
}
