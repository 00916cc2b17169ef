import { closeSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { type ProcessRow, readProcesses } from '../memory/process-table.js';
import type { Segment } from '../memory/segment.js';
import { readStatus } from '../observe/status.js';
import { openPidfd, sendSignalByPidfd } from '../os/index.js';
import { choose, type Random, seededRandom } from './random.js';
import type { FaultAction, FaultKind, FaultTarget } from './report.js';

/** How far a fault may be moved from its even place: without it, faults would keep step. */
const jitter = 0.2;
/** Victims that are remembered, so that nobody is struck twice before it is replaced. */
const victimsMax = 64;

/** One fault that was done. */
export interface Strike {
  action: FaultAction;
  target: FaultTarget;
  /** Row of the victim: its place, and the pid that was struck. */
  row: ProcessRow;
  /** Monotonic clock, microseconds. */
  timeUs: number;
}

export interface StormOptions {
  kill: readonly FaultTarget[];
  hang: readonly FaultTarget[];
  /** Faults per second. */
  rate: number;
  seed: number;
  /** Faults in all. */
  faultsMax: number;
}

const signals = { kill: constants.signals.SIGKILL, hang: constants.signals.SIGSTOP } as const;

/** Kills and stops processes of one engine, as a seeded generator chooses. */
export class Storm {
  readonly done: Partial<Record<FaultKind, number>> = {};
  private readonly random: Random;
  private readonly choices: readonly { action: FaultAction; target: FaultTarget }[];
  private readonly victims: number[] = [];
  private next: { action: FaultAction; target: FaultTarget } | undefined;
  private dueUs: number;
  private evenUs: number;
  private count = 0;

  constructor(
    private readonly segment: Segment,
    private readonly keeperPid: number,
    private readonly options: StormOptions,
    nowUs: number,
  ) {
    this.random = seededRandom(options.seed);
    this.choices = [
      ...options.kill.map((target) => ({ action: 'kill' as const, target })),
      ...options.hang.map((target) => ({ action: 'hang' as const, target })),
    ];
    this.evenUs = nowUs;
    this.dueUs = nowUs;
    this.plan();
  }

  /** Does the fault that is due, as soon as there is a victim for it. */
  poll(nowUs: number): Strike | null {
    if (this.next === undefined || nowUs < this.dueUs) return null;
    const { action, target } = this.next;
    const row = choose(this.candidates(target), this.random);
    if (row === undefined || !this.strike(row.pid, action)) return null;
    const kind: FaultKind = `${action}-${target}`;
    this.done[kind] = (this.done[kind] ?? 0) + 1;
    this.count++;
    // A fault that had to wait for a victim does not make the next one come sooner.
    const periodUs = 1e6 / this.options.rate;
    this.evenUs = Math.max(this.evenUs + periodUs, nowUs + periodUs * (1 - jitter));
    this.plan();
    return { action, target, row, timeUs: nowUs };
  }

  private plan(): void {
    this.next = this.count < this.options.faultsMax ? choose(this.choices, this.random) : undefined;
    this.dueUs = this.evenUs + ((this.random() - 0.5) * 2 * jitter * 1e6) / this.options.rate;
  }

  /** Those that run, and have not been struck yet. */
  private candidates(target: FaultTarget): ProcessRow[] {
    const role = target === 'recorder' ? 'service' : target;
    const { generation } = readStatus(this.segment, '');
    return readProcesses(this.segment).filter(
      (row) =>
        row.role === role &&
        row.state === 'running' &&
        row.pid > 1 &&
        (role !== 'driver' || row.place === generation) &&
        !this.victims.includes(row.pid),
    );
  }

  /**
   * Signals a process of this engine, never another one: the descriptor holds on to the process,
   * and only then it is asked whose child that is.
   */
  private strike(pid: number, action: FaultAction): boolean {
    let pidfd: number;
    try {
      pidfd = openPidfd(pid);
    } catch {
      return false;
    }
    try {
      if (parentOf(pid) !== this.keeperPid) return false;
      if (sendSignalByPidfd(pidfd, signals[action]) !== 0) return false;
    } finally {
      closeSync(pidfd);
    }
    this.victims.push(pid);
    if (this.victims.length > victimsMax) this.victims.shift();
    return true;
  }
}

/** Fourth field of /proc/PID/stat, proc_pid_stat(5); null when there is no such process. */
function parentOf(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}
