import { bankOf, generationOfTick } from './generations.js';
import {
  clock,
  commandWords,
  journalTicks,
  RecordStatus,
  record,
  recordCommandWords,
} from './layout.js';
import type { Segment } from './segment.js';
import { fencedValue, tickIndex, ticksBetween } from './ticks.js';

/** Word index of a tick's record in the bank of a generation. */
export function recordAt(segment: Segment, generation: number, tick: number): number {
  const row = bankOf(segment, generation) * journalTicks + tickIndex(tick, journalTicks);
  return segment.layout.journal + row * record.words;
}

/** The last sealed tick; `near` is any tick known to be within 2^23 of it. */
export function sealedTick(segment: Segment, near: number): number {
  const word = Atomics.load(segment.words, segment.layout.clock + clock.sealed);
  return fencedValue(word, near);
}

/** The last sealed tick, for one who knows no tick yet. */
export function currentSealedTick(segment: Segment): number {
  return sealedTick(segment, segment.words[segment.layout.clock + clock.nearTick]!);
}

/** Word index of the record of a sealed tick, or -1 when it has been overwritten. */
export function findRecord(segment: Segment, tick: number): number {
  const at = recordAt(segment, generationOfTick(segment, tick), tick);
  return Atomics.load(segment.words, at + record.tick) === tick && isKept(segment, tick) ? at : -1;
}

/** False when the driver may already be writing over the record of this tick. */
export function isKept(segment: Segment, tick: number): boolean {
  return ticksBetween(sealedTick(segment, tick), tick) < journalTicks - 1;
}

/** Marks a record as being written, so that no reader takes it for the old or the new one. */
export function beginRecord(segment: Segment, at: number, tick: number): void {
  Atomics.store(segment.words, at + record.tick, ~tick);
  segment.words[at + record.status] = RecordStatus.live;
}

/** The record is whole. It counts only once the tick is sealed. */
export function endRecord(segment: Segment, at: number, tick: number): void {
  Atomics.store(segment.words, at + record.tick, tick);
}

/** A record's status without the bit that says whether it was passed. Allocation-free. */
export function fateOf(status: number): number {
  return status & ~1;
}

/**
 * A replica passed the tick as `fate` says. False when the keeper had decided otherwise meanwhile:
 * the replica has then done what nobody else will, and must start again.
 */
export function passRecord(
  segment: Segment,
  at: number,
  fate: number = RecordStatus.live,
): boolean {
  const { words } = segment;
  const before = Atomics.compareExchange(words, at + record.status, fate, fate | 1);
  return fateOf(before) === fate;
}

/** Gives another fate to a record that kills. False when it was passed, or had another one. */
export function changeFate(segment: Segment, at: number, from: number, to: number): boolean {
  return Atomics.compareExchange(segment.words, at + record.status, from, to) === from;
}

/** Takes the commands out of a record that kills. False when it was passed, or voided before. */
export function voidRecord(segment: Segment, at: number): boolean {
  return changeFate(segment, at, RecordStatus.live, RecordStatus.void);
}

/** Word index of the n-th command of the record at `at`. Allocation-free. */
export function commandAt({ layout }: Segment, at: number, index: number): number {
  const row = (at - layout.journal) / record.words;
  return layout.journalCommands + row * recordCommandWords + index * commandWords;
}
