import { limits } from '../limits.js';
import { lineWords } from './line.js';

/** One client stream's words, which only the control process writes: who holds it. */
export const streamSeat = {
  /** A `SeatState`. */
  state: 0,
  /** The owner, and when it started, in clock ticks since the machine did. */
  pid: 1,
  startLow: 2,
  startHigh: 3,
  /** What the owner calls this opening, so that asking twice opens once. */
  token: 4,
  /** Counts of the stream's header that have been added to the engine's. */
  badSamples: 5,
  loudSamples: 6,
  nameBytes: 7,
  name: 8,
  words: 2 * lineWords,
} as const;

/** How a client stream is. Only `free` ones are given to a client. */
export const SeatState = {
  free: 0,
  /** Its owner writes. */
  open: 1,
  /** Closed: what it holds is played, and then it is free. */
  draining: 2,
  /** Its owner is gone, or does not want the rest: what it holds is thrown away. */
  discarding: 3,
} as const;
export type SeatState = (typeof SeatState)[keyof typeof SeatState];

/** By which clock control reads time tags. */
export const controlDesk = {
  /** Counts the changes of the words below: odd while they are being written. */
  clockTurn: 0,
  /** Nanoseconds since 1970 at which frame 0 of tick `clockTick` is given to the device. */
  clockNsLow: 1,
  clockNsHigh: 2,
  clockTick: 3,
  words: lineWords,
} as const;

/**
 * What control answered to a command that was to wait for long: its record leaves the journal before
 * its time has come. Only the control process writes them.
 */
export const receipt = {
  /** 1 once the rest is whole. */
  isWhole: 0,
  /** Of the command's id. */
  idLow: 1,
  idHigh: 2,
  seq: 3,
  sealedTick: 4,
  /** At which it takes effect. */
  tick: 5,
  frame: 6,
  words: 8,
} as const;

/**
 * Those that wait now, those that waited half a journal ago, and those that waited a whole one ago:
 * none else is still to be remembered.
 */
export const receiptEntries = 3 * limits.timedCommandsMax;
