import { writeTimespec } from './clock.js';
import { errno, lastErrno, scratch, syscall, syscallNumbers } from './libc.js';

/**
 * Waiting for a 32-bit word in shared memory to change, and waking those who wait: futex(2).
 *
 * The word is an Int32 at an address that is a multiple of 4. The rule that loses no wake-up: the
 * waker changes the word by an atomic operation, then wakes; the waiter reads the word, decides,
 * and passes what it has read as `expected`. A return of 0 only says "look again".
 *
 * All functions may be called on the audio thread: they allocate nothing, provided that `address`
 * is kept in a `const` (also one that a closure holds). One that is computed for the call, or read
 * from a field, may be boxed for it (16 bytes), and so may a time of 2^31 ns or more. They work on read-only mappings.
 */

const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const FUTEX_WAIT_BITSET = 9;
const FUTEX_BITSET_MATCH_ANY = -1;

const number = syscallNumbers.futex;
const timeAddress = scratch.futex.address;
const timeWords = scratch.futex.words;
const { EAGAIN, EINTR } = errno;

/** Wakes everybody who waits. */
export const everyWaiter = 0x7fffffff;

function outcome(result: number): number {
  if (result === 0) return 0;
  const error = lastErrno();
  // A changed word and a signal both mean what a wake-up means: look again.
  return error === EAGAIN || error === EINTR ? 0 : -error;
}

/**
 * Waits while the word at `address` holds `expected`, for at most `timeoutNs` (0 or less: looks
 * once). The time runs on while the process is stopped.
 *
 * @returns 0 when woken, when the word differs, or after a signal; -ETIMEDOUT; -EFAULT for memory
 *   that is not mapped; -EINVAL for an address that is no multiple of 4
 */
export function futexWait(address: number, expected: number, timeoutNs: number): number {
  writeTimespec(timeWords, timeoutNs);
  return outcome(syscall(number, address, FUTEX_WAIT, expected, timeAddress, 0, 0));
}

/**
 * As futexWait, until the monotonic clock (`monotonicNs`) has reached `deadlineNs`. Waits that are
 * repeated against one deadline do not drift.
 */
export function futexWaitUntil(address: number, expected: number, deadlineNs: number): number {
  writeTimespec(timeWords, deadlineNs);
  return outcome(
    syscall(number, address, FUTEX_WAIT_BITSET, expected, timeAddress, 0, FUTEX_BITSET_MATCH_ANY),
  );
}

/**
 * Wakes at most `count` of those who wait for the word at `address`.
 *
 * @returns how many were woken, or -errno (-EFAULT, -EINVAL)
 */
export function futexWake(address: number, count: number): number {
  const woken = syscall(number, address, FUTEX_WAKE, count, 0, 0, 0);
  return woken >= 0 ? woken : -lastErrno();
}
