import { bankOf, generationAt } from '../../src/memory/generations.js';
import { beginRecord, endRecord, recordAt } from '../../src/memory/journal.js';
import {
  banks,
  clock,
  type Geometry,
  generation,
  layoutOf,
  outputHeader,
} from '../../src/memory/layout.js';
import { outputAt } from '../../src/memory/output-ring.js';
import { createSegment, type Segment } from '../../src/memory/segment.js';
import { packFenced, tickAfter } from '../../src/memory/ticks.js';

/** A small segment in this process. */
export function segmentFor(more: Partial<Geometry> = {}): Segment {
  const geometry: Geometry = {
    quantum: 32,
    rateHz: 8000,
    channels: 1,
    captureChannels: 0,
    lead: 2,
    snapshotTicks: 16,
    arenaBytes: 64,
    programBytes: 4,
    firstTick: 0,
    ...more,
  };
  return createSegment(new ArrayBuffer(layoutOf(geometry).bytes), geometry);
}

/** Makes a generation current from the given position and tick on, as a takeover does. */
export function enterGeneration(
  segment: Segment,
  number: number,
  from: { position: number; tick: number; previous: number },
): void {
  const { words, layout } = segment;
  const entry = generationAt(segment, number);
  words[entry + generation.number] = number;
  words[entry + generation.bank] = (bankOf(segment, from.previous) + 1) % banks;
  words[entry + generation.previousCommit] = from.previous;
  words[entry + generation.previousSeal] = from.previous;
  words[entry + generation.commitStart] = from.position;
  words[entry + generation.sealStart] = from.tick;
  words[layout.clock + clock.committed] = packFenced(number, from.position);
  words[layout.clock + clock.sealed] = packFenced(number, tickAfter(from.tick, -1));
}

/** Writes and commits one quantum, all of whose samples are `value`. */
export function playQuantum(
  segment: Segment,
  number: number,
  what: { position: number; tick: number; kind: number; value: number },
): void {
  const { words, samples, layout } = segment;
  const at = outputAt(segment, number, what.position);
  words[at + outputHeader.position] = what.position;
  words[at + outputHeader.tick] = what.tick;
  words[at + outputHeader.kind] = what.kind;
  words[at + outputHeader.generation] = number;
  const from = at + outputHeader.words;
  samples.fill(what.value, from, from + layout.quantumSamples);
  words[layout.clock + clock.committed] = packFenced(number, what.position + 1);
  words[layout.clock + clock.nearPosition] = tickAfter(what.position, 1);
}

/** Seals an empty record and returns its word index. */
export function sealTick(segment: Segment, number: number, tick: number): number {
  const { words, layout } = segment;
  const at = recordAt(segment, number, tick);
  beginRecord(segment, at, tick);
  endRecord(segment, at, tick);
  words[layout.clock + clock.sealed] = packFenced(number, tick);
  words[layout.clock + clock.nearTick] = tick;
  return at;
}
