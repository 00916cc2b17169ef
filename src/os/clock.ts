import { errno, libc, scratch } from './libc.js';

/**
 * The monotonic clock, clock_gettime(2) CLOCK_MONOTONIC: never set, slewed at most, not running
 * while the machine is suspended, and the same for all processes.
 */

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const TIMER_ABSTIME = 1;

const { clockGettime, clockNanosleep } = libc;
const clockAddress = scratch.clock.address;
const clockWords = scratch.clock.words;
const sleepAddress = scratch.sleep.address;
const sleepWords = scratch.sleep.words;
const { EINTR } = errno;

/**
 * Nanoseconds since some moment before this machine's start, as a double: exact for 104 days of
 * uptime, to 2 ns for 208. The result may be boxed (16 bytes) where the call is not inlined: in the
 * audio thread's loop use readClock or monotonicUs.
 */
export function monotonicNs(): number {
  clockGettime(CLOCK_MONOTONIC, clockAddress);
  return (clockWords[0] as number) * 1e9 + (clockWords[2] as number);
}

/** Writes what monotonicNs returns to `times[index]`. Allocates nothing: for the audio thread. */
export function readClock(times: Float64Array, index: number): void {
  clockGettime(CLOCK_MONOTONIC, clockAddress);
  times[index] = (clockWords[0] as number) * 1e9 + (clockWords[2] as number);
}

/**
 * The clock in microseconds as a signed 32-bit number, which wraps every 71 minutes: compare by
 * `(a - b) | 0` only. Allocates nothing, compiled or not: for the audio thread.
 */
export function monotonicUs(): number {
  clockGettime(CLOCK_MONOTONIC, clockAddress);
  const us = ((clockWords[2] as number) / 1000) | 0;
  return (Math.imul(clockWords[0] as number, 1_000_000) + us) | 0;
}

/** Nanoseconds since 1970 by the clock that people set, clock_gettime(2) CLOCK_REALTIME. */
export function wallNs(): bigint {
  clockGettime(CLOCK_REALTIME, clockAddress);
  return BigInt(clockWords[0] as number) * 1_000_000_000n + BigInt(clockWords[2] as number);
}

/** The latest time that a timespec gets here: its seconds fit 32 bits, and it is 63 years away. */
const timeNsMax = 2e18;

/**
 * Writes a time as a `struct timespec` over four 32-bit words. What is negative or no number
 * becomes 0. May be called on the audio thread.
 */
export function writeTimespec(words: Int32Array, ns: number): void {
  const bounded = ns > 0 ? Math.min(ns, timeNsMax) : 0;
  let seconds = Math.floor(bounded / 1e9);
  let rest = bounded - seconds * 1e9;
  // The quotient can be rounded up to the next whole second; the kernel refuses negative rests.
  if (rest < 0) {
    seconds -= 1;
    rest += 1e9;
  }
  words[0] = seconds;
  words[2] = rest;
}

function sleepUntilWritten(): number {
  let error: number = EINTR;
  while (error === EINTR) {
    error = clockNanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, sleepAddress, 0);
  }
  return error === 0 ? 0 : -error;
}

/**
 * Sleeps until the monotonic clock has reached `deadlineNs`; returns at once when it has, and for
 * what is negative or no number. Goes on sleeping after a signal. Blocks the thread: for the audio
 * thread, not for one with an event loop. See clock_nanosleep(2) TIMER_ABSTIME.
 *
 * @returns 0, or -errno, which no valid call has
 */
export function sleepUntilNs(deadlineNs: number): number {
  writeTimespec(sleepWords, deadlineNs);
  return sleepUntilWritten();
}

/** As sleepUntilNs, until `times[index]`, which no call can box: for the audio thread. */
export function sleepUntil(times: Float64Array, index: number): number {
  writeTimespec(sleepWords, times[index] as number);
  return sleepUntilWritten();
}
