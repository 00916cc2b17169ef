import { event, eventEntries } from './layout.js';
import type { Segment } from './segment.js';

/** What happened, in the order of the numbers that stand for it in memory. */
export const eventKinds = [
  'none',
  'started',
  'process-started',
  'process-ended',
  'replica-ready',
  'replica-hung',
  'driver-hung',
  'process-hung',
  'takeover',
  'divergence',
  'record-voided',
  'gave-up',
  'abandoned',
  'stopping',
  'open-hung',
  'device-playing',
  'device-lost',
  'device-refused',
  'tripwire',
  'program-ready',
  'program-changed',
  'program-failed',
] as const;

export type EventKind = (typeof eventKinds)[number];

/** One event: `place` is a slot, generation, index or tripwire; `a` and `b` depend on the kind. */
export interface EngineEvent {
  sequence: number;
  kind: EventKind;
  /** Monotonic clock, microseconds. */
  timeUs: number;
  place: number;
  a: number;
  b: number;
}

/** Appends an event. Only the keeper writes events. */
export function recordEvent(
  segment: Segment,
  kind: EventKind,
  what: { timeUs: number; place: number; a?: number; b?: number },
): void {
  const { words, layout } = segment;
  const sequence = (Atomics.load(words, layout.eventHead) + 1) | 0;
  const at = layout.events + (sequence & (eventEntries - 1)) * event.words;
  Atomics.store(words, at + event.sequence, 0);
  words[at + event.kind] = eventKinds.indexOf(kind);
  words[at + event.timeUs] = what.timeUs | 0;
  words[at + event.timeHigh] = Math.floor(what.timeUs / 2 ** 32);
  words[at + event.place] = what.place;
  words[at + event.a] = what.a ?? 0;
  words[at + event.b] = what.b ?? 0;
  Atomics.store(words, at + event.sequence, sequence);
  Atomics.store(words, layout.eventHead, sequence);
}

/** Events after `since` (0 for all that are kept), oldest first. */
export function readEvents(segment: Segment, since: number): EngineEvent[] {
  const { words, layout } = segment;
  const head = Atomics.load(words, layout.eventHead);
  const first = Math.max(since + 1, head - eventEntries + 2, 1);
  const events: EngineEvent[] = [];
  for (let sequence = first; sequence <= head; sequence++) {
    const at = layout.events + (sequence & (eventEntries - 1)) * event.words;
    if (Atomics.load(words, at + event.sequence) !== sequence) continue;
    events.push({
      sequence,
      kind: eventKinds[words[at + event.kind]!] ?? 'none',
      timeUs: words[at + event.timeHigh]! * 2 ** 32 + (words[at + event.timeUs]! >>> 0),
      place: words[at + event.place]!,
      a: words[at + event.a]!,
      b: words[at + event.b]!,
    });
  }
  return events;
}
