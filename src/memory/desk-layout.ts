import { lineWords } from './line.js';

/** Bytes of a device's name or of a message in the device desk. */
export const deskTextBytes = 512;
const deskTextWords = deskTextBytes / 4;
/** Requests whose times are kept, for whoever comes after control to keep its limits too. */
export const requestTimesKept = 64;

/** Where control asks for devices, and drivers tell of them. Each line has one writer at a time. */
export const desk = {
  /** Number of the last request; 0 for none. Written by control, after the name. */
  request: 0,
  /** Microseconds of the monotonic clock (32 bits) at the request. */
  requestUs: 1,
  /** The rate that the wanted device runs at by itself; 0 when nobody knows it. */
  requestRateHz: 2,
  requestName: 1 * lineWords,
  /** Number of the last request that a driver settled, in whichever way. */
  settled: 1 * lineWords + deskTextWords,
  /** The `DeskOutcome` of it, and the number of its error in the table of errors. */
  outcome: 1 * lineWords + deskTextWords + 1,
  outcomeError: 1 * lineWords + deskTextWords + 2,
  /** The generation that is opening a device now, 0 for none, and since when. */
  opening: 1 * lineWords + deskTextWords + 3,
  openingUs: 1 * lineWords + deskTextWords + 4,
  outcomeText: 2 * lineWords + deskTextWords,
  /** A `DeviceState`, by the current driver. */
  state: 2 * lineWords + 2 * deskTextWords,
  /** The generation that says so. */
  generation: 2 * lineWords + 2 * deskTextWords + 1,
  /** Since when it is so, and a `LostReason` when the device is away. */
  sinceUs: 2 * lineWords + 2 * deskTextWords + 2,
  lostReason: 2 * lineWords + 2 * deskTextWords + 3,
  /** Frames that were given and not heard, at the last turn; kept when the device is lost. */
  unplayedFrames: 2 * lineWords + 2 * deskTextWords + 4,
  /** `deviceHealth` in fixed point, see `device-desk.ts`. */
  health: 2 * lineWords + 2 * deskTextWords + 5,
  name: 4 * lineWords + 2 * deskTextWords,
  /** `requestUs` of the last requests, each at its number modulo `requestTimesKept`. */
  requestTimes: 4 * lineWords + 3 * deskTextWords,
  words: 4 * lineWords + 3 * deskTextWords + requestTimesKept,
} as const;

export const DeskOutcome = { none: 0, opened: 1, failed: 2 } as const;

/** How the current driver stands with its device. */
export const DeviceState = {
  /** None was opened yet. */
  none: 0,
  playing: 1,
  /** It is away and the content waits. */
  held: 2,
  /** It is away and the stream goes on by the monotonic clock. */
  continuing: 3,
} as const;
export type DeviceState = (typeof DeviceState)[keyof typeof DeviceState];
