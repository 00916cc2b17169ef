import { clock, generation, generationEntries } from './layout.js';
import type { Segment } from './segment.js';
import { fencedGeneration, ticksBetween } from './ticks.js';

/**
 * The table of driver generations: from which output position and from which tick each of them
 * counts. With it a reader finds the bank that holds a position or a tick. A generation's entry is
 * complete before the word that makes it current is exchanged.
 */

/** Word index of the entry of a generation (any number; 8 bits are enough). */
export function generationAt(segment: Segment, number: number): number {
  return segment.layout.generations + (number % generationEntries) * generation.words;
}

/** The bank that a generation writes in. Allocation-free. */
export function bankOf(segment: Segment, number: number): number {
  return segment.words[generationAt(segment, number) + generation.bank]!;
}

/**
 * The generation, from `current` backward, whose range holds `value`. `start` and `before` are the
 * word offsets of a range's first value and of the generation before it. Allocation-free.
 */
function search(
  segment: Segment,
  current: number,
  value: number,
  start: number,
  before: number,
): number {
  const { words } = segment;
  let number = current;
  for (let hops = 0; hops < generationEntries; hops++) {
    const entry = generationAt(segment, number);
    if (ticksBetween(value, words[entry + start]!) >= 0) return number;
    const previous = words[entry + before]!;
    if (previous === number) return number;
    number = previous;
  }
  return number;
}

/** The generation that sealed a tick which is already sealed. */
export function generationOfTick(segment: Segment, tick: number): number {
  const word = Atomics.load(segment.words, segment.layout.clock + clock.sealed);
  const { sealStart, previousSeal } = generation;
  return search(segment, fencedGeneration(word), tick, sealStart, previousSeal);
}

/** The generation that wrote an output position which is already committed. */
export function generationOfPosition(segment: Segment, position: number): number {
  const word = Atomics.load(segment.words, segment.layout.clock + clock.committed);
  const { commitStart, previousCommit } = generation;
  return search(segment, fencedGeneration(word), position, commitStart, previousCommit);
}
