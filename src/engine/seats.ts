import type { ProcessState, Role } from '../memory/process-table.js';

/** How the keeper treats the processes it starts. All times in milliseconds. */
export interface KeeperPolicy {
  /** Wait before a process that died before it was of use is started again; doubles each time. */
  backoffMs: number;
  backoffMaxMs: number;
  /** Starts of one seat in a minute after which the keeper gives it up. */
  startsPerMinute: number;
  /** A process that is not up by then is ended. */
  bootMs: number;
  /** A replica that stands still for so long is ended. */
  replicaMs: number;
  /** A driver without a beat for so long is ended, should the standby not have done it. */
  driverMs: number;
  /** Control or a service without a beat for so long is ended. */
  serviceMs: number;
  /** A killed process that is not gone by then is left behind. */
  abandonMs: number;
  /** A driver that another one followed may play for so long what its device still holds. */
  drainMs: number;
  /** A program that ends its replicas within so long of its beginning goes back by itself. */
  probationMs: number;
  /** An opening of a device that takes longer counts as hung. */
  openMs: number;
  phases: { fadeMs: number; servicesMs: number; replicasMs: number; driverMs: number };
}

/** Who is to be kept. */
export interface Crew {
  replicas: number;
  /** Replica processes that wait, warm, for a slot to fall vacant. */
  spares: number;
  control: boolean;
  services: number;
}

/** A place for one process, which outlives the processes that hold it. */
export interface Seat {
  /** Row in the process table. */
  readonly row: number;
  readonly role: Role;
  /** Needed for the first quantum; the others are started once there is sound. */
  readonly firstWave: boolean;
  /** A replica's slot, a driver's generation, a service's index, control's incarnation. */
  place: number;
  state: ProcessState;
  /** 0 while nobody holds the seat. */
  pid: number;
  starts: number;
  startedUs: number;
  /** When to start the next one; Infinity for not at all. */
  dueUs: number;
  /** Deaths in a row before the process was of use. */
  earlyDeaths: number;
  /** Times of the starts within the last minute. */
  recentStartsUs: number[];
  killedUs: number;
  /** When a driver that another one followed is ended; Infinity for one that may stay. */
  leaveByUs: number;
  /** The last sign of progress, for how long it has been the same, and when it was looked at; 0: not yet. */
  progress: number;
  stillMs: number;
  lookedUs: number;
}

export function emptySeat(what: Pick<Seat, 'row' | 'role' | 'place' | 'firstWave'>): Seat {
  return {
    ...what,
    state: 'waiting',
    pid: 0,
    starts: 0,
    startedUs: 0,
    dueUs: 0,
    earlyDeaths: 0,
    recentStartsUs: [],
    killedUs: 0,
    leaveByUs: Number.POSITIVE_INFINITY,
    progress: 0,
    stillMs: 0,
    lookedUs: 0,
  };
}

const minuteUs = 60e6;

/**
 * When a seat whose process died is to be filled again: at once after a death in service, later
 * and later after deaths before that, never when it used up its starts for the minute.
 */
export function nextStartUs(seat: Seat, policy: KeeperPolicy, nowUs: number): number {
  seat.recentStartsUs = seat.recentStartsUs.filter((time) => nowUs - time < minuteUs);
  if (seat.recentStartsUs.length >= policy.startsPerMinute) return Number.POSITIVE_INFINITY;
  if (seat.earlyDeaths <= 1) return nowUs;
  const backoffMs = policy.backoffMs * 2 ** Math.min(seat.earlyDeaths - 2, 20);
  return nowUs + Math.min(backoffMs, policy.backoffMaxMs) * 1000;
}

/**
 * Notes progress; true when there has been none for longer than `patienceMs`. One look counts half
 * of that at most: a keeper that could not look for long, or a machine that stood still as a whole,
 * says nothing about who did not get to work either.
 */
export function isStill(seat: Seat, progress: number, nowUs: number, patienceMs: number): boolean {
  const isNew = seat.lookedUs === 0 || progress !== seat.progress;
  const passedMs = (nowUs - seat.lookedUs) / 1000;
  seat.stillMs = isNew ? 0 : seat.stillMs + Math.min(passedMs, patienceMs / 2);
  seat.progress = progress;
  seat.lookedUs = nowUs;
  return seat.stillMs >= patienceMs;
}
