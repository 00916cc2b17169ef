import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { assert } from '../errors.js';
import { lastErrno, libc, prctlText, syscall, syscallNumbers, systemError } from './libc.js';

/** Which process is which, whether it lives, what it uses, and how it ends. */

const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_SET_NAME = 15;
const PR_SET_CHILD_SUBREAPER = 36;

const SIG_DFL = 0;
const SIG_IGN = 1;
const SIG_ERR = -1;
const { SIGKILL } = constants.signals;
const EINVAL = constants.errno.EINVAL;

const _SC_CLK_TCK = 2;
const _SC_PAGESIZE = 30;
const ticksPerSec = libc.sysconf(_SC_CLK_TCK);
const pageBytes = libc.sysconf(_SC_PAGESIZE);

/** A process, also after its number has been given to another. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in clock ticks since the machine did. */
  readonly startTicks: number;
}

/**
 * Has the kernel end this process (SIGKILL) when its parent ends, prctl(2) PR_SET_PDEATHSIG; ends
 * it at once when the parent is gone already. To be called from the main thread, early.
 *
 * It follows the parent's *thread* that started this process (Node starts processes from the thread
 * that calls spawn) and is not inherited: processes that this one starts call it themselves. It is
 * cleared when a set-user-ID program is executed.
 *
 * @param expectedParentPid - the parent's pid, as the parent itself has told it
 */
export function dieWithParent(expectedParentPid: number): void {
  assert(isMainThread, 'dieWithParent is called from the main thread');
  if (libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) !== 0) throw systemError('prctl(2)');
  // The parent may have ended before the call: then there is no signal to come.
  if (libc.getppid() !== expectedParentPid) libc.kill(process.pid, SIGKILL);
}

/**
 * Names this process: all of `title` for ps (cut to the bytes of the command line that the process
 * was started with), its first 15 bytes for top, prctl(2) PR_SET_NAME.
 */
export function setProcessName(title: string): void {
  process.title = title;
  if (prctlText(PR_SET_NAME, title, 0, 0, 0) !== 0) throw systemError('prctl(2)');
}

/** The fields of /proc/PID/stat from the third on, proc_pid_stat(5); null when there is no such process. */
function statFields(pid: number): string[] | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The second field is the name in parentheses and may itself hold spaces and parentheses.
  const end = text.lastIndexOf(')');
  return end < 0 ? null : text.slice(end + 2).split(' ');
}

/** The number in the given field as proc_pid_stat(5) counts them, from 1. */
function statNumber(fields: string[], field: number): number {
  return Number(fields[field - 3]);
}

/**
 * Who has this pid now, or null when nobody has. A process that has ended and was not waited for
 * by its parent yet still has its pid, and an identity.
 */
export function identity(pid: number): ProcessIdentity | null {
  const fields = statFields(pid);
  return fields && { pid, startTicks: statNumber(fields, 22) };
}

/** Whether exactly this process runs or is stopped; false for one that has ended (a zombie too). */
export function isAlive(who: ProcessIdentity): boolean {
  const fields = statFields(who.pid);
  if (fields === null || statNumber(fields, 22) !== who.startTicks) return false;
  return fields[0] !== 'Z' && fields[0] !== 'X';
}

/**
 * A descriptor for a process, pidfd_open(2). It never comes to mean another process, and becomes
 * readable when the process ends. The caller closes it.
 *
 * @throws TenutoError TENUTO_SYSTEM (ESRCH) when there is no such process
 */
export function openPidfd(pid: number): number {
  const fd = syscall(syscallNumbers.pidfdOpen, pid, 0, 0, 0, 0, 0);
  if (fd === -1) throw systemError('pidfd_open(2)');
  return fd;
}

/**
 * Sends a signal to the process behind a descriptor, pidfd_send_signal(2). Allocates nothing.
 *
 * @param signal - a number from os.constants.signals; 0 only looks whether it could be sent
 * @returns 0, or -errno: -ESRCH when the process has ended and was waited for, -EPERM
 */
export function sendSignalByPidfd(pidfd: number, signal: number): number {
  const result = syscall(syscallNumbers.pidfdSendSignal, pidfd, signal, 0, 0, 0, 0);
  return result === 0 ? 0 : -lastErrno();
}

/**
 * Ends a process at once, kill(2) SIGKILL. Allocates nothing: may be called on the audio thread.
 * The pid must belong to a process that its parent has not waited for, else it may be another's by
 * now.
 *
 * @returns 0, or -errno: -ESRCH, -EPERM; -EINVAL for a pid below 2, which would mean a group, all
 *   processes, or the first one
 */
export function killNow(pid: number): number {
  if (!(pid > 1)) return -EINVAL;
  return libc.kill(pid, SIGKILL) === 0 ? 0 : -lastErrno();
}

/**
 * Makes this process the parent of all descendants whose parents have ended, prctl(2)
 * PR_SET_CHILD_SUBREAPER, so that none of them escapes its sight. Node does not wait for children
 * that it has not started itself: those stay zombies until this process ends.
 */
export function becomeSubreaper(): void {
  if (libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) !== 0) throw systemError('prctl(2)');
}

/**
 * Whether a crash may write a core file and other processes of the user may look inside, prctl(2)
 * PR_SET_DUMPABLE. Without it, openSharedMemory of this process's descriptors is refused to others.
 */
export function setDumpable(allowed: boolean): void {
  if (libc.prctl(PR_SET_DUMPABLE, allowed ? 1 : 0, 0, 0, 0) !== 0) throw systemError('prctl(2)');
}

/**
 * Ignores a signal in this process, signal(2) SIG_IGN. Children that Node starts have the default
 * again. A listener of `process.on` for the same signal, added later, undoes it.
 */
export function ignoreSignal(signal: number): void {
  if (libc.signal(signal, SIG_IGN) === SIG_ERR) throw systemError('signal(2)');
}

/** Gives a signal its default effect, signal(2) SIG_DFL. */
export function restoreSignal(signal: number): void {
  if (libc.signal(signal, SIG_DFL) === SIG_ERR) throw systemError('signal(2)');
}

/**
 * Ignores what a terminal sends to all its processes, so that Ctrl-C reaches only the program that
 * runs the engine, which ends it in order; SIGPIPE, since a closed reader is an error to handle; and
 * SIGUSR1, at which Node would open its debugger's port.
 */
export function ignoreTerminalSignals(): void {
  const { SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGUSR1 } =
    constants.signals;
  for (const signal of [SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGUSR1]) {
    ignoreSignal(signal);
  }
}

/**
 * The memory of a process in bytes, each shared page divided among those who share it (PSS),
 * proc_pid_smaps(5). Null when it has ended or is another user's.
 */
export function memoryPss(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    const line = /^Pss:\s+(\d+) kB$/m.exec(text);
    return line ? Number(line[1]) * 1024 : null;
  } catch {
    return null;
  }
}

/** The processor time that a process has used, in seconds; null when there is no such process. */
export function cpuSeconds(pid: number): number | null {
  const fields = statFields(pid);
  return fields && (statNumber(fields, 14) + statNumber(fields, 15)) / ticksPerSec;
}

/** How long a process has existed, in seconds; null when there is no such process. */
export function processAgeSec(pid: number): number | null {
  const fields = statFields(pid);
  if (fields === null) return null;
  // Both count from the start of the machine, and go on while it sleeps.
  const uptimeSec = Number.parseFloat(readFileSync('/proc/uptime', 'latin1'));
  return Math.max(0, uptimeSec - statNumber(fields, 22) / ticksPerSec);
}

/** The memory that a process holds in bytes, shared pages in full; null when there is none such. */
export function residentBytes(pid: number): number | null {
  const fields = statFields(pid);
  return fields && statNumber(fields, 24) * pageBytes;
}

/** How many threads a process has; null when there is no such process. */
export function threadCount(pid: number): number | null {
  const fields = statFields(pid);
  return fields && statNumber(fields, 20);
}

/** How many descriptors a process has open; null when it has ended or is another user's. */
export function descriptorCount(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return null;
  }
}
