import { lineWords } from './line.js';

/** One service's words, which it writes itself, but for its kind and its first state. */
export const service = {
  kind: 0,
  state: 1,
  /** 1 once the recorder has made its file, which a successor goes on with. */
  begun: 2,
  nextTick: 3,
  framesLow: 4,
  framesHigh: 5,
  /** Of a flight recorder: ticks. */
  lostFrames: 6,
  /** Counts the service's looks, for the keeper to see that it lives. */
  beat: 7,
  /**
   * Of a flight recorder: 1 + the number of the file that it writes (0 while that changes), and where
   * the last step in it begins, for a successor.
   */
  file: 8,
  stepLow: 9,
  stepHigh: 10,
  /** Times that ticks are missing in what it wrote, and stretches that were kept. */
  gaps: 11,
  kept: 12,
  /** Errno of what the disk refuses; 0 for nothing. */
  trouble: 13,
  /** Bytes that it has on the disk. */
  bytesLow: 14,
  bytesHigh: 15,
  /** The highest number of a program that its files hold. */
  program: 16,
  words: 2 * lineWords,
} as const;

export const ServiceKind = { recorder: 0, flight: 1 } as const;
export const ServiceState = { empty: 0, booting: 1, running: 2, finished: 3, failed: 4 } as const;
