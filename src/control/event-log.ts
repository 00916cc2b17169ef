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
  private last = 0;

  constructor(
    private readonly segment: Segment,
    private readonly logger: Logger,
  ) {}

  /** Logs what happened since the last call. */
  poll(): void {
    for (const event of readEvents(this.segment, this.last)) {
      this.last = event.sequence;
      this.tell(event);
    }
  }

  private tell(event: EngineEvent): void {
    const { segment, logger } = this;
    const { kind, place, a, b } = event;
    switch (kind) {
      case 'process-started':
        return logger.debug(`${whoIs(segment, event)} started`, { startedPid: b });
      case 'process-ended':
        return logger.info(`${whoIs(segment, event)} ${howEnded(b)}`);
      case 'replica-ready':
        return logger.info(`replica ${place} renders`, { replicaPid: b });
      case 'replica-hung':
        return logger.warn(`replica ${place} stood still and is replaced`, { tick: a });
      case 'driver-hung':
        return logger.warn(`driver ${place} stood still and is replaced`);
      case 'process-hung':
        return logger.warn(`${whoIs(segment, event)} stood still and is replaced`);
      case 'takeover':
        return logger
          .with({ generation: place })
          .info(`a new driver plays, after ${(a / 1000).toFixed(1)} ms`);
      case 'divergence':
        return logger.error(`replica ${place} rendered other samples and is replaced`, { tick: a });
      case 'record-voided':
        return logger.error('a journal record that killed two replicas was voided', { tick: a });
      case 'gave-up':
        return logger.error(`${whoIs(segment, event)} is not started again: it failed too often`);
      case 'abandoned':
        return logger.error('a process could not be killed and is left behind', { leftPid: a });
      default:
        return logger.info(kind);
    }
  }
}
