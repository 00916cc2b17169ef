import { type ErrorCode, errorCodes } from '../errors.js';
import { type ControlAddresses, readAddresses } from '../memory/addresses.js';
import { type CounterName, readCounters } from '../memory/counters.js';
import { type DeviceStatus, lastAnswer, readDevice } from '../memory/device-desk.js';
import { generationAt } from '../memory/generations.js';
import { type HistogramName, type HistogramStatus, readHistograms } from '../memory/histograms.js';
import { currentSealedTick } from '../memory/journal.js';
import {
  clock,
  Directive,
  DriverMark,
  generation,
  ServiceKind,
  service,
} from '../memory/layout.js';
import {
  type ProcessRow,
  type ProcessState,
  type Role,
  readProcesses,
  type Scheduling,
} from '../memory/process-table.js';
import type { Segment } from '../memory/segment.js';
import { fencedGeneration } from '../memory/ticks.js';
import { readTimers, type TimerName, type TimerStatus } from '../memory/timers.js';
import { errnoName } from '../os/index.js';
import { readTripwires, type TripwireStatus } from './tripwires.js';

/**
 * How an engine is. `starting`: nothing played yet. `degraded`: it plays, but a process was given
 * up or left behind, so that it is less protected or incomplete. `ended`: the stream is over.
 */
export type EngineState = 'starting' | 'running' | 'degraded' | 'stopping' | 'ended';

/** One process of the engine, or a place for one. */
export interface ProcessStatus {
  /** 0 while nobody holds the place: then `state` is `waiting`, `ended`, `gave-up` or `abandoned`. */
  pid: number;
  role: Role;
  state: ProcessState;
  scheduling: Scheduling;
  /** How often the place has been filled. */
  starts: number;
  /** A replica's slot; null while it waits, warm, for one to fall vacant. */
  slot?: number | null;
  /** Of a replica: whether the driver reads it first. */
  primary?: boolean;
  /** A driver's generation. */
  generation?: number;
}

/** One recording: how far it is, and what the disk was too slow for. */
export interface RecordingStatus {
  state: 'starting' | 'running' | 'finished' | 'failed';
  frames: number;
  lostFrames: number;
}

/** Why a device could not be opened. */
export interface DeviceFailure {
  code: ErrorCode;
  message: string;
}

function readDeviceFailure(segment: Segment): DeviceFailure | null {
  const answer = lastAnswer(segment);
  if (answer === null || answer.opened) return null;
  return { code: errorCodes[answer.error] ?? 'TENUTO_DEVICE_LOST', message: answer.text };
}

/** The state of an engine at one moment. `tenuto status --json` prints it with `"v": 1`. */
export interface Status {
  name: string;
  state: EngineState;
  /** Frames per second. */
  rate: number;
  /** Frames per quantum. */
  quantum: number;
  channels: number;
  /** Quanta between sealing and playing. */
  lead: number;
  /** The last sealed tick, as unsigned 32-bit number. */
  tick: number;
  /** Seconds of content that were played. */
  playedSec: number;
  generation: number;
  processes: ProcessStatus[];
  recordings: RecordingStatus[];
  /** Null when nothing is taken down. */
  flight: FlightStatus | null;
  /** The device that plays, and why the last one that was asked for could not be opened. */
  device: DeviceStatus & { failure: DeviceFailure | null };
  /** Where the control process is reached over the network; null for a door that is not open. */
  control: ControlAddresses;
  /** The counters of docs/architecture.md, and `restarts`: those of all roles together. */
  counters: Record<CounterName | 'restarts', number>;
  timers: Record<TimerName, TimerStatus>;
  histograms: Record<HistogramName, HistogramStatus>;
  /** What is watched, as the control process last saw it; docs/tripwires.md describes each. */
  tripwires: TripwireStatus[];
}

const recordingStates = ['starting', 'starting', 'running', 'finished', 'failed'] as const;

function readRecordings(segment: Segment): RecordingStatus[] {
  const { words, layout } = segment;
  return readProcesses(segment)
    .filter((row) => isService(segment, row, ServiceKind.recorder))
    .map((row) => {
      const at = layout.services + row.place * service.words;
      const low = words[at + service.framesLow]! >>> 0;
      return {
        state: recordingStates[Atomics.load(words, at + service.state)] ?? 'starting',
        frames: words[at + service.framesHigh]! * 2 ** 32 + low,
        lostFrames: words[at + service.lostFrames]! >>> 0,
      };
    });
}

/** How the flight recorder is: docs/flight-recorder.md. */
export interface FlightStatus {
  state: 'starting' | 'running' | 'finished' | 'failed';
  /** Bytes of its files. */
  bytes: number;
  /** Times that it came too late, and the ticks that are missing for that. */
  gaps: number;
  lostTicks: number;
  /** Stretches around incidents that were kept. */
  kept: number;
  /** What the disk refuses just now, such as `ENOSPC`; null for nothing. */
  trouble: string | null;
}

function readFlight(segment: Segment): FlightStatus | null {
  const { words, layout } = segment;
  const row = readProcesses(segment).find((one) => isService(segment, one, ServiceKind.flight));
  if (row === undefined) return null;
  const at = layout.services + row.place * service.words;
  const trouble = Atomics.load(words, at + service.trouble);
  return {
    state: recordingStates[Atomics.load(words, at + service.state)] ?? 'starting',
    bytes: words[at + service.bytesHigh]! * 2 ** 32 + (words[at + service.bytesLow]! >>> 0),
    gaps: words[at + service.gaps]! >>> 0,
    lostTicks: words[at + service.lostFrames]! >>> 0,
    kept: words[at + service.kept]! >>> 0,
    trouble: trouble === 0 ? null : errnoName(trouble),
  };
}

function isService({ words, layout }: Segment, row: ProcessRow, kind: number): boolean {
  if (row.role !== 'service') return false;
  return words[layout.services + row.place * service.words + service.kind] === kind;
}

function readState(segment: Segment, processes: ProcessStatus[]): EngineState {
  const { words, layout } = segment;
  const mark = Atomics.load(words, layout.clock + clock.driverMark);
  if (mark === DriverMark.ended) return 'ended';
  if (Atomics.load(words, layout.clock + clock.directive) > Directive.run) return 'stopping';
  if (mark === DriverMark.starting) return 'starting';
  const lost = processes.some(({ state }) => state === 'gave-up' || state === 'abandoned');
  const failed = readRecordings(segment).some(({ state }) => state === 'failed');
  return lost || failed ? 'degraded' : 'running';
}

function restartsOf(counters: Record<CounterName, number>): number {
  const { restartsReplica, restartsDriver, restartsControl, restartsService } = counters;
  return restartsReplica + restartsDriver + restartsControl + restartsService;
}

/** Reads all processes, in the order of the keeper's table. */
export function readProcessStatus(segment: Segment): ProcessStatus[] {
  const primary = Atomics.load(segment.words, segment.layout.clock + clock.primary);
  return readProcesses(segment).map((row): ProcessStatus => {
    const { pid, role, state, scheduling, starts, place } = row;
    const shared = { pid, role, state, scheduling, starts };
    if (role === 'replica') {
      const slot = place >= 0 ? place : null;
      return { ...shared, slot, primary: place === primary };
    }
    return role === 'driver' ? { ...shared, generation: place } : shared;
  });
}

/** Reads the status from the engine's memory, without asking anybody. */
export function readStatus(segment: Segment, name: string): Status {
  const { words, layout } = segment;
  const counters = readCounters(segment);
  const processes = readProcessStatus(segment);
  const committed = Atomics.load(words, layout.clock + clock.committed);
  const entry = generationAt(segment, fencedGeneration(committed));
  return {
    name,
    state: readState(segment, processes),
    rate: layout.rateHz,
    quantum: layout.quantum,
    channels: layout.channels,
    lead: layout.lead,
    tick: currentSealedTick(segment) >>> 0,
    playedSec: (counters.quanta * layout.quantum) / layout.rateHz,
    generation: words[entry + generation.number]!,
    processes,
    recordings: readRecordings(segment),
    flight: readFlight(segment),
    device: { ...readDevice(segment), failure: readDeviceFailure(segment) },
    control: readAddresses(segment),
    counters: { ...counters, restarts: restartsOf(counters) },
    timers: readTimers(segment),
    histograms: readHistograms(segment),
    tripwires: readTripwires(segment),
  };
}
