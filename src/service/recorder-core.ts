import { limits } from '../limits.js';
import type { WavWriter } from '../media/wav-writer.js';
import { count, counterIndex } from '../memory/counters.js';
import { OutputKind, outputQuanta, service } from '../memory/layout.js';
import { currentPosition, OutputReader, Reading } from '../memory/output-ring.js';
import type { Segment } from '../memory/segment.js';
import { tickAfter, ticksBetween } from '../memory/ticks.js';

/**
 * Follows the output ring and appends its content, tick by tick, to a WAV file: filler is left out,
 * since the content waited meanwhile. A recorder that was killed is continued by the next one from
 * the file's own length, as long as the ring still holds what came after.
 */
export class RecorderCore {
  private readonly reader: OutputReader;
  private readonly batch: Float32Array;
  private batchFrames = 0;
  private nextTick: number;
  /** Frames of the next quantum that the file already holds. */
  private skipFrames: number;
  private frames: number;

  constructor(
    private readonly segment: Segment,
    private readonly index: number,
    private readonly writer: WavWriter,
    private readonly stopFrames: number | null,
  ) {
    const { layout } = segment;
    this.frames = writer.framesWritten;
    this.nextTick = tickAfter(layout.firstTick, Math.floor(this.frames / layout.quantum));
    this.skipFrames = this.frames % layout.quantum;
    const position = currentPosition(segment);
    const oldest = Math.max(0, position - (outputQuanta - 64));
    this.reader = new OutputReader(segment, position < 0 ? position - outputQuanta / 2 : oldest);
    this.batch = new Float32Array(limits.recorderBatchFrames * layout.channels);
    this.publish();
  }

  get complete(): boolean {
    return this.stopFrames !== null && this.frames >= this.stopFrames;
  }

  /** Writes all that was played since the last call. @throws TenutoError `TENUTO_RECORD_FAILED` */
  catchUp(): void {
    for (;;) {
      const reading = this.reader.read();
      if (reading === Reading.empty) break;
      if (reading === Reading.quantum && this.reader.kind !== OutputKind.concealed) this.take();
      if (this.complete) break;
    }
    this.flush();
  }

  private take(): void {
    const { quantum } = this.segment.layout;
    const missed = ticksBetween(this.reader.tick, this.nextTick);
    if (missed < 0) return;
    if (missed > 0) this.fillGap(missed);
    this.append(this.reader.samples, this.skipFrames, quantum);
    this.skipFrames = 0;
    this.nextTick = tickAfter(this.nextTick, 1);
  }

  /** What the disk was too slow for is silence in the file, so that time stays right. */
  private fillGap(ticks: number): void {
    const { quantum, channels } = this.segment.layout;
    const silence = new Float32Array(quantum * channels);
    const lost = ticks * quantum - this.skipFrames;
    count(this.segment, counterIndex.recorderLostFrames, lost);
    Atomics.add(this.segment.words, this.at(service.lostFrames), lost);
    for (let i = 0; i < ticks; i++) this.append(silence, i === 0 ? this.skipFrames : 0, quantum);
    this.skipFrames = 0;
    this.nextTick = tickAfter(this.nextTick, ticks);
  }

  private append(samples: Float32Array, from: number, to: number): void {
    const { channels } = this.segment.layout;
    const left = this.stopFrames === null ? to - from : this.stopFrames - this.frames;
    const frames = Math.min(to - from, left);
    if (frames <= 0) return;
    if (this.batchFrames + frames > limits.recorderBatchFrames) this.flush();
    const part = samples.subarray(from * channels, (from + frames) * channels);
    this.batch.set(part, this.batchFrames * channels);
    this.batchFrames += frames;
    this.frames += frames;
  }

  private flush(): void {
    if (this.batchFrames === 0) return;
    const { channels } = this.segment.layout;
    this.writer.append(this.batch.subarray(0, this.batchFrames * channels));
    this.batchFrames = 0;
    this.publish();
  }

  private publish(): void {
    const { words } = this.segment;
    const written = this.writer.framesWritten;
    words[this.at(service.framesLow)] = written | 0;
    words[this.at(service.framesHigh)] = Math.floor(written / 2 ** 32);
    words[this.at(service.nextTick)] = this.nextTick;
  }

  private at(word: number): number {
    return this.segment.layout.services + this.index * service.words + word;
  }
}
