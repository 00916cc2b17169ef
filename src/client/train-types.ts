import type { Recorded, RecordTrouble } from './types.js';

/** How a signal is played again and again. */
export interface PlayTrainOptions {
  /** Frames from one beginning to the next, exact: at least the signal's. */
  periodFrames: number;
  /** Frames of each recording; it may be longer than the period. */
  recordFrames: number;
  /** Channels of the signal: 1, which plays on all, or the engine's. Default 1. */
  channels?: number;
  /** For people: how the stream is called that the first call opens; at most 64 characters. */
  name?: string;
}

/**
 * One signal, played again and again, and what was heard each time. It ends with `stop`, with the
 * first thing that comes between, and when somebody else wants to play and record over the connection.
 */
export interface SignalTrain extends AsyncDisposable {
  /** What ended it; null while it goes on, and when it was stopped. */
  readonly trouble: RecordTrouble | null;
  /** Recordings that were thrown away, because nobody came to take them. */
  readonly missed: number;
  /**
   * The next recording, undisturbed; null when the train has ended.
   *
   * @throws TenutoError `TENUTO_DEVICE_LOST` when nothing is played for 10 s, `TENUTO_CAPTURE_CLOSED`
   *   when the engine ends or this program was kept from running for too long
   */
  next(): Promise<Recorded | null>;
  /** What was not played yet is thrown away. Idempotent; resolves when nothing of it plays any more. */
  stop(): Promise<void>;
}
