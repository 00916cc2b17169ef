import type { JournalEvent } from '../flight/step.js';
import type { Incident } from './flight-folder.js';

/** What is worth a stretch of the past, beside processes that end on their own. */
const grave = new Set([
  'replica-hung',
  'driver-hung',
  'process-hung',
  'open-hung',
  'divergence',
  'record-voided',
  'gave-up',
  'abandoned',
  'tripwire',
]);

/** A row of trouble is one stretch, but not for ever. */
const stretchMsMax = 600_000;

/**
 * Finds in what the keeper noted where something went wrong, and says when the stretch around it is
 * whole. Trouble that follows while it waits makes it longer.
 */
export class IncidentWatch {
  private first: Incident | null = null;
  private untilMs = 0;
  private isStopping = false;

  constructor(private readonly afterMs: number) {}

  see({ kind, b, text }: JournalEvent, timeMs: number): void {
    if (kind === 'stopping') this.isStopping = true;
    // At the end all processes end.
    if (this.isStopping) return;
    const isDeath = kind === 'process-ended' && b !== 0;
    if (!isDeath && !grave.has(kind)) return;
    this.first ??= { reason: kind, text, timeMs };
    this.untilMs = Math.min(timeMs + this.afterMs, this.first.timeMs + stretchMsMax);
  }

  /** The incident whose stretch is whole now, once. */
  due(nowMs: number): Incident | null {
    if (this.first === null || nowMs < this.untilMs) return null;
    return this.takeAll();
  }

  /** What waits, whole or not: the run ends. */
  takeAll(): Incident | null {
    const incident = this.first;
    this.first = null;
    return incident;
  }
}
