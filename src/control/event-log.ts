import { lastAnswer, readDevice } from '../memory/device-desk.js';
import { type EngineEvent, readEvents } from '../memory/events.js';
import { readProcesses } from '../memory/process-table.js';
import type { Segment } from '../memory/segment.js';
import type { Logger } from '../observe/log.js';

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

/** Says what the keeper noted, in words, at the weight it deserves. */
export class EventLog {
  constructor(
    private readonly segment: Segment,
    private readonly logger: Logger,
    /** The event after which to begin; what came before, a predecessor has told. */
    private last: number,
  ) {}

  /** Logs what happened since the last call. */
  poll(): void {
    for (const event of readEvents(this.segment, this.last)) {
      this.last = event.sequence;
      // Control itself found it, and told it at once.
      if (event.kind !== 'tripwire') this.tell(event);
    }
  }

  private tell(event: EngineEvent): void {
    const [level, message, fields] = this.words(event);
    this.logger[level](message, fields);
  }

  private words(event: EngineEvent): ['debug' | 'info' | 'warn' | 'error', string, object?] {
    const who = whoIs(this.segment, event);
    const { kind, place, a, b } = event;
    switch (kind) {
      case 'process-started':
        return ['debug', `${who} started`, { startedPid: b }];
      case 'process-ended':
        return ['info', `${who} ${howEnded(b)}`];
      case 'replica-ready':
        return ['info', `replica ${place} renders`, { replicaPid: b }];
      case 'replica-hung':
        return ['warn', `replica ${place} stood still and is replaced`, { tick: a >>> 0 }];
      case 'driver-hung':
        return ['warn', `driver ${place} stood still and is replaced`];
      case 'process-hung':
        return ['warn', `${who} stood still and is replaced`];
      case 'takeover':
        return ['info', `driver ${place} took over`, { silentMs: a / 1000 }];
      case 'divergence':
        return [
          'error',
          `replica ${place} rendered other samples and is replaced`,
          { tick: a >>> 0 },
        ];
      case 'record-voided':
        return ['error', 'a journal record that killed two replicas was voided', { tick: a >>> 0 }];
      case 'gave-up':
        return [
          'error',
          `${who} is not started again: it ${b === 1 ? 'cannot do its work' : 'failed too often'}`,
        ];
      case 'abandoned':
        return ['error', 'a process could not be killed and is left behind', { leftPid: a }];
      case 'open-hung':
        return ['warn', `${who} hung while it opened a device and is replaced`];
      case 'device-playing':
        return ['info', `driver ${place} plays on ${readDevice(this.segment).name}`];
      case 'device-lost':
        return ['warn', `the device is away: ${readDevice(this.segment).lostReason}`];
      case 'device-refused':
        return ['warn', `a device could not be opened: ${lastAnswer(this.segment)?.text ?? ''}`];
      default:
        return ['info', kind];
    }
  }
}
