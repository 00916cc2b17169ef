import { lastAnswer, readDevice } from '../memory/device-desk.js';
import type { EngineEvent } from '../memory/events.js';
import { RecordStatus } from '../memory/layout.js';
import { type ProcessRow, readProcesses } from '../memory/process-table.js';
import { programFailures } from '../memory/programs.js';
import type { Segment } from '../memory/segment.js';
import { type Tripwire, tripwires } from '../settings/tripwires.js';

/** How much an event weighs: the levels of the log. */
export type EventLevel = 'debug' | 'info' | 'warn' | 'error';

/** What an event says to people. */
export interface EventWords {
  level: EventLevel;
  text: string;
  /** What belongs to it, by name. */
  fields: Record<string, unknown>;
}

/** A process in the words of `ps`: `control`, `replica 1`, `driver 3`. */
export function processName({ role, place }: Pick<ProcessRow, 'role' | 'place'>): string {
  if (role === 'control' || role === 'keeper') return role;
  return place < 0 ? `spare ${role}` : `${role} ${place}`;
}

/** Who a row of the process table is: the role of the row, at the place that the event tells. */
function whoIs(segment: Segment, { place, a: row }: EngineEvent): string {
  const role = readProcesses(segment)[row]?.role;
  return role === undefined ? `process ${place}` : processName({ role, place });
}

/** How a process ended, from the number that the keeper noted. */
export function howEnded(ending: number): string {
  const signal = ending >> 8;
  if (signal === 9) return 'was killed';
  return signal > 0 ? 'ended by a signal' : `ended with status ${ending & 0xff}`;
}

/** What the keeper made of a record that kills. */
function fateText(fate: number): string {
  if (fate === RecordStatus.reverted) return 'the program before plays on';
  if (fate === RecordStatus.silenced) return "the user's own nodes are silenced";
  return 'its commands were voided';
}

/** Says what the keeper noted, in words, at the weight it deserves. */
export function describeEvent(segment: Segment, event: EngineEvent): EventWords {
  const [level, text, fields = {}] = words(segment, event);
  return { level, text, fields };
}

function words(
  segment: Segment,
  event: EngineEvent,
): [EventLevel, string, Record<string, unknown>?] {
  const { kind, place, a, b } = event;
  const who = () => whoIs(segment, event);
  const tick = { tick: a >>> 0 };
  switch (kind) {
    case 'process-started':
      return ['debug', `${who()} started`, { startedPid: b }];
    case 'process-ended':
      return ['info', `${who()} ${howEnded(b)}`];
    case 'replica-ready':
      return ['info', `replica ${place} renders`, { replicaPid: b }];
    case 'replica-hung':
      return ['warn', `replica ${place} stood still and is replaced`, tick];
    case 'driver-hung':
      return ['warn', `driver ${place} stood still and is replaced`];
    case 'process-hung':
      return ['warn', `${who()} stood still and is replaced`];
    case 'takeover':
      return ['info', `driver ${place} took over`, { silentMs: a / 1000 }];
    case 'divergence':
      return ['error', `replica ${place} rendered other samples and is replaced`, tick];
    case 'record-voided':
      return ['error', `a journal record killed two replicas: ${fateText(b)}`, tick];
    case 'program-ready':
      return ['info', `program ${a} is ready to be played`];
    case 'program-changed':
      return ['info', `program ${a} plays, after program ${b}`];
    case 'program-failed':
      return ['error', `program ${a} is withdrawn: ${programFailures[b] ?? 'it failed'}`];
    case 'gave-up': {
      const why = b === 1 ? 'cannot do its work' : 'failed too often';
      return ['error', `${who()} is not started again: it ${why}`];
    }
    case 'abandoned':
      return ['error', 'a process could not be killed and is left behind', { leftPid: a }];
    case 'open-hung':
      return ['warn', `${who()} hung while it opened a device and is replaced`];
    case 'device-playing':
      return ['info', `driver ${place} plays on ${readDevice(segment).name}`];
    case 'device-lost':
      return ['warn', `the device is away: ${readDevice(segment).lostReason}`];
    case 'device-refused':
      return ['warn', `a device could not be opened: ${lastAnswer(segment)?.text ?? ''}`];
    case 'tripwire':
      return tripwireWords(place, a, b);
    case 'stopping':
      return ['info', 'the engine stops'];
    default:
      return ['info', kind];
  }
}

function tripwireWords(
  index: number,
  value: number,
  threshold: number,
): [EventLevel, string, Record<string, unknown>?] {
  const wire: Tripwire | undefined = tripwires[index];
  if (wire === undefined) return ['warn', 'a tripwire tripped'];
  // What is measured in microseconds is told in milliseconds.
  const [now, at] =
    wire.timer === undefined ? [value, threshold] : [value / 1000, threshold / 1000];
  const unit = wire.timer === undefined ? '' : ' ms';
  const text = `tripwire ${wire.name}: ${now}${unit}, it trips at ${at}${unit}`;
  return ['warn', text, { name: wire.name, value: now, threshold: at }];
}
