import type { Recorded, SignalTrain } from '../client/index.js';
import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import type { Take } from './persistent-stream.js';
import { troubleTexts } from './trouble-texts.js';

/** How a signal is played and recorded again and again over an open stream. */
export interface TrainOptions {
  /** Frames from one beginning to the next: at least the signal's. */
  periodFrames: number;
  /** Frames of each recording; it may be longer than the period. */
  recordFrames: number;
  /** The captured channel that is given back, from 0. Default 0. */
  channel?: number;
}

/** What a train of takes needs of the stream that it runs over. */
export interface TrainHost {
  begin(): Promise<SignalTrain>;
  makeTake(recorded: Recorded, repeats: number): Promise<Take>;
  tell(message: string): void;
}

/**
 * Takes of one signal, each a period after the last to the frame. When something comes between, it
 * begins again, and the next take says how often it did.
 */
export class TakeTrain implements AsyncDisposable {
  /** Takes that nobody came to fetch in time, and those that something came between. */
  missed = 0;
  repeats = 0;
  private train: SignalTrain | null = null;
  /** Of the running train: takes that it gave, and those missed that are counted already. */
  private given = 0;
  private counted = 0;
  private isStopped = false;

  constructor(private readonly host: TrainHost) {}

  /**
   * The next take; null after `stop`, and when somebody else plays over the stream.
   *
   * @throws TenutoError as `PersistentStream.playAndRecord`
   */
  async next(): Promise<{ take: Take; isFirst: boolean } | null> {
    for (let repeats = 0; ; repeats++) {
      if (this.isStopped) return null;
      this.train ??= await this.host.begin();
      if (this.isStopped) await this.train.stop();
      const recorded = await this.train.next();
      if (recorded !== null) {
        const isFirst = this.given === 0 && this.train.missed === 0;
        this.missed += this.train.missed - this.counted;
        this.counted = this.train.missed;
        this.given++;
        return { take: await this.host.makeTake(recorded, repeats), isFirst };
      }
      const { trouble } = this.train;
      this.train = null;
      this.given = 0;
      this.counted = 0;
      if (trouble === null) return null;
      this.repeats++;
      this.host.tell(`measured again: ${troubleTexts[trouble]}`);
      if (repeats + 1 < limits.measureTriesMax) continue;
      const text = `${repeats + 1} times in a row ${troubleTexts[trouble]}`;
      const code = trouble === 'away' ? 'TENUTO_MEASURE_DISCONNECTED' : 'TENUTO_MEASURE_DISTURBED';
      throw new TenutoError(code, text);
    }
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.train?.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
