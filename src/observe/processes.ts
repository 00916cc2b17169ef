import { howEnded, processName } from '../flight/event-text.js';
import { readEvents } from '../memory/events.js';
import { readProcesses } from '../memory/process-table.js';
import type { Segment } from '../memory/segment.js';
import { cpuSeconds, monotonicNs, processAgeSec, residentBytes } from '../os/index.js';
import { type ProcessStatus, readProcessStatus } from './status.js';

/** One process of the engine, with what only the system and the events tell of it. */
export interface ProcessDetail extends ProcessStatus {
  /** In the words of `ps`: `replica 1`. */
  name: string;
  /** Null when there is no such process now. */
  ageSec: number | null;
  /** Processor time that it used. */
  cpuSec: number | null;
  /** Memory that it holds, with what it shares in full. */
  residentBytes: number | null;
  /** What ended its predecessor in this place; null when there was none, or long ago. */
  lastEnd: { how: string; agoSec: number } | null;
}

interface Ending {
  how: string;
  timeUs: number;
}

/** A replica is its slot, whichever process fills it; all others are their row of the table. */
function placeOf(role: string | undefined, place: number, row: number): string {
  return role === 'replica' ? `replica ${place}` : `row ${row}`;
}

/** What ended the last process of each place, from the events that are kept. */
function lastEndings(segment: Segment): Map<string, Ending> {
  const rows = readProcesses(segment);
  const hung = new Set<string>();
  const endings = new Map<string, Ending>();
  for (const { kind, place, a, b, timeUs } of readEvents(segment, 0)) {
    if (kind === 'replica-hung') hung.add(`replica ${place}`);
    else if (kind === 'driver-hung' || kind === 'open-hung') hung.add(`driver ${place}`);
    else if (kind === 'process-hung') hung.add(`row ${a}`);
    if (kind !== 'process-ended') continue;
    const stood = hung.delete(`${rows[a]?.role} ${place}`) || hung.delete(`row ${a}`);
    const how = stood ? 'stood still' : howEnded(b);
    endings.set(placeOf(rows[a]?.role, place, a), { how, timeUs });
  }
  return endings;
}

/** All processes of the engine. Asks the system for each, so not for every tick. */
export function readProcessDetails(segment: Segment): ProcessDetail[] {
  const rows = readProcesses(segment);
  const endings = lastEndings(segment);
  const nowUs = monotonicNs() / 1000;
  return readProcessStatus(segment).map((status, index) => {
    const { pid } = status;
    const place = rows[index]?.place ?? 0;
    const ending = endings.get(placeOf(status.role, place, index));
    return {
      ...status,
      name: processName(rows[index] ?? { role: status.role, place: index }),
      ageSec: pid > 1 ? processAgeSec(pid) : null,
      cpuSec: pid > 1 ? cpuSeconds(pid) : null,
      residentBytes: pid > 1 ? residentBytes(pid) : null,
      lastEnd: ending ? { how: ending.how, agoSec: ((nowUs - ending.timeUs) >>> 0) / 1e6 } : null,
    };
  });
}
