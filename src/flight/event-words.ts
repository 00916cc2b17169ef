import { lastAnswer, readDevice } from '../memory/device-desk.js';
import type { EngineEvent } from '../memory/events.js';
import { readProcesses } from '../memory/process-table.js';
import type { Segment } from '../memory/segment.js';
import { type Tripwire, tripwires } from '../settings/tripwires.js';

/** What happened, in words, at the weight it deserves, and the figures that go with it. */
export interface EventWords {
  level: 'debug' | 'info' | 'warn' | 'error';
  text: string;
  fields?: object;
}

/** Who a row of the process table is, in the words of `ps`. */
function whoIs(segment: Segment, { place, a: row }: EngineEvent): string {
  const role = readProcesses(segment)[row]?.role ?? 'process';
  return role === 'control' ? role : `${role} ${place}`;
}

/** How a process ended, from the number that the keeper noted. */
function howEnded(ending: number): string {
  const signal = ending >> 8;
  if (signal === 9) return 'was killed';
  return signal > 0 ? 'ended by a signal' : `ended with status ${ending & 0xff}`;
}

function tripwireText(index: number, value: number, threshold: number): string {
  const wire: Tripwire | undefined = tripwires[index];
  if (wire === undefined) return 'a tripwire tripped';
  const shown = (figure: number) =>
    wire.timer === undefined ? `${figure}` : `${figure / 1000} ms`;
  return `tripwire ${wire.name}: ${shown(value)}, it trips at ${shown(threshold)}`;
}

/**
 * Says what the keeper noted. To be asked soon after: who stands in a row of the process table and
 * what the device said may be another later.
 */
export function eventWords(segment: Segment, event: EngineEvent): EventWords {
  const { kind, place, a, b } = event;
  const who = whoIs(segment, event);
  switch (kind) {
    case 'process-started':
      return { level: 'debug', text: `${who} started`, fields: { startedPid: b } };
    case 'process-ended':
      return { level: 'info', text: `${who} ${howEnded(b)}` };
    case 'replica-ready':
      return { level: 'info', text: `replica ${place} renders`, fields: { replicaPid: b } };
    case 'replica-hung':
      return {
        level: 'warn',
        text: `replica ${place} stood still and is replaced`,
        fields: { tick: a >>> 0 },
      };
    case 'driver-hung':
      return { level: 'warn', text: `driver ${place} stood still and is replaced` };
    case 'process-hung':
      return { level: 'warn', text: `${who} stood still and is replaced` };
    case 'takeover':
      return { level: 'info', text: `driver ${place} took over`, fields: { silentMs: a / 1000 } };
    case 'divergence':
      return {
        level: 'error',
        text: `replica ${place} rendered other samples and is replaced`,
        fields: { tick: a >>> 0 },
      };
    case 'record-voided':
      return {
        level: 'error',
        text: 'a journal record that killed two replicas was voided',
        fields: { tick: a >>> 0 },
      };
    case 'gave-up': {
      const why = b === 1 ? 'cannot do its work' : 'failed too often';
      return { level: 'error', text: `${who} is not started again: it ${why}` };
    }
    case 'abandoned':
      return {
        level: 'error',
        text: 'a process could not be killed and is left behind',
        fields: { leftPid: a },
      };
    case 'stopping':
      return { level: 'info', text: 'the engine was told to end' };
    default:
      return deviceWords(segment, event, who);
  }
}

function deviceWords(segment: Segment, event: EngineEvent, who: string): EventWords {
  const { kind, place, a, b } = event;
  switch (kind) {
    case 'open-hung':
      return { level: 'warn', text: `${who} hung while it opened a device and is replaced` };
    case 'device-playing':
      return { level: 'info', text: `driver ${place} plays on ${readDevice(segment).name}` };
    case 'device-lost':
      return { level: 'warn', text: `the device is away: ${readDevice(segment).lostReason}` };
    case 'device-refused': {
      const answer = lastAnswer(segment)?.text ?? '';
      return { level: 'warn', text: `a device could not be opened: ${answer}` };
    }
    case 'tripwire':
      return { level: 'warn', text: tripwireText(place, a, b) };
    default:
      return { level: 'info', text: kind };
  }
}
