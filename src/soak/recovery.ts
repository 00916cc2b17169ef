import { readEvents } from '../memory/events.js';
import { readProcesses } from '../memory/process-table.js';
import type { Segment } from '../memory/segment.js';
import type { Strike } from './storm.js';

/**
 * Measures how long the engine took to be whole again after each fault: takeovers and replicas by
 * the keeper's own events, control and recorder by the process table.
 */
export class Recovery {
  readonly takeoverMs: number[] = [];
  readonly rejoinMs: number[] = [];
  readonly rejoinHungMs: number[] = [];
  readonly controlBackMs: number[] = [];
  readonly recorderBackMs: number[] = [];
  private open: Strike[] = [];
  private seen = 0;

  constructor(private readonly segment: Segment) {}

  /** A fault was done. */
  note(strike: Strike): void {
    if (strike.target !== 'driver') this.open.push(strike);
  }

  /** True while a victim has not been replaced. */
  get pending(): boolean {
    return this.open.length > 0;
  }

  /** Looks what happened since the last call; `nowUs` is the monotonic clock. */
  poll(nowUs: number): void {
    for (const { sequence, kind, place, a, b, timeUs } of readEvents(this.segment, this.seen)) {
      this.seen = sequence;
      if (kind === 'takeover') this.takeoverMs.push(a / 1000);
      if (kind === 'replica-ready') this.rejoined(place, b, timeUs);
    }
    if (this.open.some(({ target }) => target !== 'replica')) this.lookForOthers(nowUs);
  }

  private rejoined(slot: number, pid: number, timeUs: number): void {
    this.settle(
      ({ target, row }) => target === 'replica' && row.place === slot && row.pid !== pid,
      timeUs,
    );
  }

  private lookForOthers(nowUs: number): void {
    for (const { role, place, pid, state } of readProcesses(this.segment)) {
      if (state !== 'running' && state !== 'ended') continue;
      this.settle(
        ({ target, row }) =>
          (target === 'control' && role === 'control' && row.pid !== pid) ||
          (target === 'recorder' && role === 'service' && row.place === place && row.pid !== pid),
        nowUs,
      );
    }
  }

  /** Event times have 32 bits: differences count. */
  private settle(which: (strike: Strike) => boolean, timeUs: number): void {
    const settled = this.open.filter((strike) => which(strike));
    if (settled.length === 0) return;
    this.open = this.open.filter((strike) => !settled.includes(strike));
    for (const strike of settled) {
      this.timesOf(strike).push((((timeUs | 0) - (strike.timeUs | 0)) | 0) / 1000);
    }
  }

  private timesOf({ action, target }: Strike): number[] {
    if (target === 'control') return this.controlBackMs;
    if (target === 'recorder') return this.recorderBackMs;
    return action === 'kill' ? this.rejoinMs : this.rejoinHungMs;
  }
}
