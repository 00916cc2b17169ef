import { processEntries, processEntry } from './layout.js';
import type { Segment } from './segment.js';

/** What a process is for. The same words in code, `ps`, status and docs. */
export const roles = ['none', 'keeper', 'driver', 'replica', 'control', 'service'] as const;
export type Role = (typeof roles)[number];

/**
 * How a process is. `standby`: a driver that is ready to take over. `joining`: a replica that
 * catches up. `waiting`: a place that nobody holds yet, or again. `abandoned`: it cannot be killed
 * and was fenced off.
 */
export const processStates = [
  'none',
  'starting',
  'running',
  'standby',
  'joining',
  'waiting',
  'ended',
  'gave-up',
  'abandoned',
] as const;
export type ProcessState = (typeof processStates)[number];

/** How a process is scheduled. */
export const schedulings = ['unknown', 'other', 'nice', 'rtkit', 'fifo'] as const;
export type Scheduling = (typeof schedulings)[number];

export interface ProcessRow {
  pid: number;
  role: Role;
  place: number;
  state: ProcessState;
  starts: number;
  startedUs: number;
  scheduling: Scheduling;
}

/** Writes a row of the table. Only the keeper does. */
export function writeProcess(segment: Segment, index: number, row: Omit<ProcessRow, 'scheduling'>) {
  const { words, layout } = segment;
  const at = layout.processes + index * processEntry.words;
  words[at + processEntry.role] = roles.indexOf(row.role);
  words[at + processEntry.place] = row.place;
  words[at + processEntry.state] = processStates.indexOf(row.state);
  words[at + processEntry.starts] = row.starts;
  words[at + processEntry.startedUs] = row.startedUs | 0;
  Atomics.store(words, at + processEntry.pid, row.pid);
}

/** A process tells that it has started up. */
export function tellReady(segment: Segment, index: number): void {
  const at = segment.layout.processes + index * processEntry.words;
  Atomics.store(segment.words, at + processEntry.ready, 1);
}

/** Has the process of this row started up? */
export function isReady(segment: Segment, index: number): boolean {
  const at = segment.layout.processes + index * processEntry.words;
  return Atomics.load(segment.words, at + processEntry.ready) === 1;
}

/** Empties a row for the process that is about to start. */
export function clearProcess(segment: Segment, index: number): void {
  const { words, layout } = segment;
  const at = layout.processes + index * processEntry.words;
  words[at + processEntry.scheduling] = 0;
  Atomics.store(words, at + processEntry.assignedSlot, 0);
  Atomics.store(words, at + processEntry.ready, 0);
}

/** A process tells how it is scheduled. */
export function writeScheduling(segment: Segment, index: number, scheduling: Scheduling): void {
  const at = segment.layout.processes + index * processEntry.words;
  segment.words[at + processEntry.scheduling] = schedulings.indexOf(scheduling);
}

/** All rows in use. */
export function readProcesses(segment: Segment): ProcessRow[] {
  const { words, layout } = segment;
  const rows: ProcessRow[] = [];
  for (let index = 0; index < processEntries; index++) {
    const at = layout.processes + index * processEntry.words;
    const role = roles[words[at + processEntry.role]!] ?? 'none';
    if (role === 'none') continue;
    rows.push({
      pid: Atomics.load(words, at + processEntry.pid),
      role,
      place: words[at + processEntry.place]!,
      state: processStates[words[at + processEntry.state]!] ?? 'none',
      starts: words[at + processEntry.starts]!,
      startedUs: words[at + processEntry.startedUs]! >>> 0,
      scheduling: schedulings[words[at + processEntry.scheduling]!] ?? 'unknown',
    });
  }
  return rows;
}
