import { lineWords } from './line.js';

/** Word offsets of the timers and of the tripwires: the part of the layout that watches. */

/**
 * Places for timers, and measurements of each that are kept: a power of two, so that the count may
 * wrap. The last `timerWindow` of them count.
 */
export const timerEntries = 16;
export const timerPlaces = 128;
export const timerWindow = 100;

export const timer = {
  /** Measurements ever begun to be written; the place of the next one. */
  count: 0,
  lastUs: 1,
  maxUs: 2,
  places: lineWords,
  words: lineWords + timerPlaces,
} as const;

export const timersWords = timerEntries * timer.words;

export const tripwireEntries = 64;
/** Looks back that are kept: more than a window is divided into. */
export const tripwireRows = 64;
export const alarmEntries = 32;

/** One tripwire: the threshold is the keeper's, all else is written by control. */
export const tripwire = {
  /** So many, or so many microseconds; 0 is off. */
  threshold: 0,
  value: 1,
  /** Changes between tripped and not: odd while it is tripped. */
  crossings: 2,
  /** Tenths of a second of the monotonic clock (32 bits) at the last change. */
  sinceDs: 3,
  /** The last alarm of it. Written first; what follows from it may be made up for. */
  alarmSequence: 4,
  alarmDs: 5,
  /** What was counted or measured when it was told. */
  alarmCount: 6,
  words: 8,
} as const;

export const alarm = {
  sequence: 0,
  wire: 1,
  value: 2,
  threshold: 3,
  timeDs: 4,
  count: 5,
  words: 8,
} as const;

/** The counts of all tripwires when a stretch of the window began. */
export const tripwireRow = {
  /** 1 + the number of the stretch; 0 while it is empty or being written. */
  stretch: 0,
  counts: lineWords,
  words: lineWords + tripwireEntries,
} as const;

const tripwireHead = 2 * lineWords;
const alarmsWords = alarmEntries * alarm.words;
const tripwiresWords = tripwireEntries * tripwire.words;

/** Octaves of microseconds that a histogram tells apart: up to a second; eight buckets in each. */
export const histogramOctaves = 20;
export const histogramBuckets = (histogramOctaves - 2) * 8;
export const histogramEntries = 8;

export const histogram = {
  sumLowUs: 0,
  sumHighUs: 1,
  buckets: lineWords,
  words: lineWords + histogramBuckets,
} as const;

export const histogramsWords = histogramEntries * histogram.words;

/** Bytes of one address that control is reached by: its length, and the text. */
export const addressBytes = 128;
const addressEntries = 8;
export const addressesWords = (addressEntries * addressBytes) / 4;

/** The region of the tripwires: the first line is the keeper's, the rest is control's. */
export const tripwireRegion = {
  windowSec: 0,
  cooldownSec: 1,
  /** The last alarm that counts. */
  alarmHead: lineWords,
  /** Tenths of a second of the monotonic clock (32 bits) at control's last look. */
  lookDs: lineWords + 1,
  alarms: tripwireHead,
  wires: tripwireHead + alarmsWords,
  rows: tripwireHead + alarmsWords + tripwiresWords,
  words: tripwireHead + alarmsWords + tripwiresWords + tripwireRows * tripwireRow.words,
} as const;
