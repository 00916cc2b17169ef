import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { assert } from '../errors.js';
import { errnoName, lastErrno, libc, scratch, systemError } from './libc.js';

/** How the kernel schedules this thread, and what it may ask for. Not for the audio thread's loop. */

const SCHED_OTHER = 0;
const SCHED_FIFO = 1;
const SCHED_RR = 2;
/** Children and new threads start without the privilege: V8's helpers stay ordinary. */
const SCHED_RESET_ON_FORK = 0x40000000;

const PRIO_PROCESS = 0;
const PR_SET_TIMERSLACK = 29;

const RLIMIT_MEMLOCK = 8;
const RLIMIT_NICE = 13;
const RLIMIT_RTPRIO = 14;
const RLIMIT_RTTIME = 15;

/** Bits of /proc/self/status CapEff, capabilities(7). */
const CAP_IPC_LOCK = 14;
const CAP_SYS_NICE = 23;

/** What RealtimeKit and PipeWire use where real time is refused. */
const niceWanted = -11;

/** What a thread was given. */
export interface SchedulingResult {
  /**
   * `fifo`: real time (SCHED_FIFO). `rtkit`: real time through RealtimeKit. `nice`: ordinary, but
   * preferred. `other`: ordinary.
   */
  readonly policy: 'fifo' | 'rtkit' | 'nice' | 'other';
  /** 1 to 99 for `fifo` and `rtkit`; the nice value (-20 to 19) for the others. */
  readonly priority: number;
  /** Why it is not `fifo`, for status and doctor. */
  readonly reason?: string;
}

/** A soft and a hard limit; Infinity for none. */
export interface ResourceLimit {
  readonly soft: number;
  readonly hard: number;
}

function readLimit(resource: number, pid = 0): ResourceLimit {
  const at = scratch.setUp;
  if (libc.prlimit(pid, resource, 0, at.address) !== 0) throw systemError('prlimit(2)');
  const view = new DataView(at.bytes.buffer, at.bytes.byteOffset, 16);
  const word = (offset: number): number => {
    const value = view.getBigUint64(offset, true);
    return value === 0xffff_ffff_ffff_ffffn ? Number.POSITIVE_INFINITY : Number(value);
  };
  return { soft: word(0), hard: word(8) };
}

function writeLimit(resource: number, limit: ResourceLimit, pid = 0): void {
  const at = scratch.setUp;
  const view = new DataView(at.bytes.buffer, at.bytes.byteOffset, 16);
  const put = (offset: number, value: number): void => {
    const all = value === Number.POSITIVE_INFINITY;
    view.setBigUint64(offset, all ? 0xffff_ffff_ffff_ffffn : BigInt(value), true);
  };
  put(0, limit.soft);
  put(8, limit.hard);
  if (libc.prlimit(pid, resource, at.address, 0) !== 0) throw systemError('prlimit(2)');
}

function hasCapability(bit: number): boolean {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'));
  return line?.[1] !== undefined && ((BigInt(`0x${line[1]}`) >> BigInt(bit)) & 1n) === 1n;
}

function setPolicy(policy: number, priority: number): number {
  const at = scratch.setUp;
  new Int32Array(at.bytes.buffer, at.bytes.byteOffset, 1)[0] = priority;
  return libc.schedSetscheduler(0, policy, at.address) === 0 ? 0 : lastErrno();
}

function refusal(error: number): string {
  return `SCHED_FIFO was refused (${errnoName(error)}): needs CAP_SYS_NICE or an rtprio limit`;
}

/** Raises the nice value as far as the limits allow, setpriority(2), and says what became of it. */
function becomePreferred(reason: string): SchedulingResult {
  const current = getPriority();
  const limit = readLimit(RLIMIT_NICE).soft;
  const best = hasCapability(CAP_SYS_NICE) ? niceWanted : Math.max(niceWanted, 20 - limit);
  if (best >= current) return { policy: 'other', priority: current, reason };
  if (libc.setpriority(PRIO_PROCESS, 0, best) !== 0) {
    return { policy: 'other', priority: current, reason };
  }
  return { policy: 'nice', priority: best, reason };
}

/**
 * Makes the calling thread a real-time one: SCHED_FIFO with SCHED_RESET_ON_FORK,
 * sched_setscheduler(2). Where that is refused, prefers it by its nice value, setpriority(2).
 * Never fails: the result says what was given. For RealtimeKit see requestRealtimeKit.
 *
 * @param priority - 1 to 99; more goes first. Where the rtprio limit is lower, that is taken.
 */
export function becomeRealtime(priority: number): SchedulingResult {
  assert(Number.isInteger(priority) && priority >= 1 && priority <= 99, 'priority is 1 to 99');
  let granted = priority;
  let error = setPolicy(SCHED_FIFO | SCHED_RESET_ON_FORK, granted);
  if (error !== 0) {
    const allowed = readLimit(RLIMIT_RTPRIO).soft;
    if (allowed >= 1 && allowed < priority) {
      granted = allowed;
      error = setPolicy(SCHED_FIFO | SCHED_RESET_ON_FORK, granted);
    }
  }
  if (error === 0) return { policy: 'fifo', priority: granted };
  return becomePreferred(refusal(error));
}

/**
 * Makes the calling thread an ordinary one again, sched_setscheduler(2) SCHED_OTHER; its nice value
 * stays.
 */
export function becomeNormal(): void {
  // Without the capability, a thread that has the reset flag may not clear it.
  const error = setPolicy(SCHED_OTHER, 0) && setPolicy(SCHED_OTHER | SCHED_RESET_ON_FORK, 0);
  if (error !== 0) throw systemError('sched_setscheduler(2)', error);
}

/**
 * Whether the calling thread is a real-time one, sched_getscheduler(2): SCHED_FIFO, or SCHED_RR,
 * which is what RealtimeKit gives.
 */
export function isRealtime(): boolean {
  const policy = libc.schedGetscheduler(0) & ~SCHED_RESET_ON_FORK;
  return policy === SCHED_FIFO || policy === SCHED_RR;
}

/**
 * Whether `becomeRealtime(priority)` would be given `fifo`, found by trying it and going back at
 * once, since limits, capabilities, control groups and sandboxes can each refuse it.
 */
export function realtimeAllowed(priority = 1): { allowed: boolean; reason?: string } {
  if (isRealtime()) return { allowed: true };
  const error = setPolicy(SCHED_FIFO, priority);
  if (error !== 0) return { allowed: false, reason: refusal(error) };
  becomeNormal();
  return { allowed: true };
}

/**
 * Limits how long a real-time thread of a process may compute without waiting once, setrlimit(2)
 * RLIMIT_RTTIME: at `softUs` the kernel sends SIGXCPU (which ends it, unless handled), at `hardUs`
 * SIGKILL. RealtimeKit serves only processes that have a limit of at most 200 ms. Has no effect on
 * ordinary threads.
 *
 * @param softUs - microseconds; Infinity for no limit
 * @param hardUs - not below softUs; can be lowered by anybody, raised only with CAP_SYS_RESOURCE
 * @param pid - another process of this user; 0 (default) is this one
 */
export function limitRealtimeCpu(softUs: number, hardUs: number, pid = 0): void {
  assert(softUs <= hardUs, 'the soft limit is below the hard one');
  writeLimit(RLIMIT_RTTIME, { soft: softUs, hard: hardUs }, pid);
}

/** The limit that limitRealtimeCpu sets, in microseconds. */
export function realtimeCpuLimit(pid = 0): ResourceLimit {
  return readLimit(RLIMIT_RTTIME, pid);
}

/** How many bytes lockRegion may lock in all, RLIMIT_MEMLOCK; Infinity with CAP_IPC_LOCK. */
export function memoryLockLimit(): number {
  return hasCapability(CAP_IPC_LOCK) ? Number.POSITIVE_INFINITY : readLimit(RLIMIT_MEMLOCK).soft;
}

/**
 * How late the kernel may wake the calling thread to spare wake-ups, prctl(2) PR_SET_TIMERSLACK:
 * 50 us by default. Real-time threads have none whatever is set.
 *
 * @param ns - at least 1; 0 sets the default
 */
export function setTimerSlack(ns: number): void {
  if (libc.prctl(PR_SET_TIMERSLACK, ns, 0, 0, 0) !== 0) throw systemError('prctl(2)');
}
