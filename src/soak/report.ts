import type { StopReason } from '../client/index.js';
import type { CounterName } from '../memory/counters.js';

/** What can be harmed. */
export const faultTargets = ['replica', 'driver', 'control', 'recorder'] as const;
export type FaultTarget = (typeof faultTargets)[number];

/** `kill`: SIGKILL. `hang`: SIGSTOP, for good. */
export const faultActions = ['kill', 'hang'] as const;
export type FaultAction = (typeof faultActions)[number];

export type FaultKind = `${FaultAction}-${FaultTarget}`;

/** Times in milliseconds; median and max are null when there was none. */
export interface Durations {
  count: number;
  median: number | null;
  max: number | null;
}

/** What a soak found. `tenuto soak --json` prints it. */
export interface SoakReport {
  v: 1;
  /** With the same settings it chooses the same faults again. */
  seed: number;
  /** Seconds of the stream that were played. */
  seconds: number;
  /** Faults done, by kind. */
  faults: Partial<Record<FaultKind, number>>;
  underruns: number;
  /** Quanta of filler that were played while the content waited. */
  concealedQuanta: number;
  /** Frames of the stream that are missing: on the output ring, or in the recording. */
  lostFrames: number;
  /** The output ring and the recording hold what offline rendering gives, byte for byte. */
  bitExact: boolean;
  /** First frame that differs in the recording; null when none does. */
  firstDifference: number | null;
  /** `ok`, or what was first out of order on the output ring. */
  order: string;
  /** Without a quantum while the driver was replaced. */
  takeoverMs: Durations;
  /** From the kill of a replica until its slot renders in time again. */
  rejoinMs: Durations;
  /** The same from the moment that a replica was stopped: the watchdog's patience is in it. */
  rejoinHungMs: Durations;
  /** From the fault until control, or the recorder, runs again. */
  controlBackMs: Durations;
  recorderBackMs: Durations;
  counters: Record<CounterName, number>;
  /** Why the engine ended: `stop-tick` when all was played; null when its keeper died. */
  ended: StopReason | null;
  /** Not one sample was lost or changed, and the engine ended as it was to. */
  ok: boolean;
}

/** Median and largest of some times in milliseconds, rounded to 10 µs. */
export function durationsOf(ms: readonly number[]): Durations {
  const sorted = [...ms].sort((a, b) => a - b);
  const round = (value: number | undefined) =>
    value === undefined ? null : Math.round(value * 100) / 100;
  const middle = (sorted.length - 1) / 2;
  const low = sorted[Math.floor(middle)];
  const high = sorted[Math.ceil(middle)];
  const median = low === undefined || high === undefined ? undefined : (low + high) / 2;
  return { count: sorted.length, median: round(median), max: round(sorted.at(-1)) };
}
