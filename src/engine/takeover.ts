import { bankOf, generationAt } from '../memory/generations.js';
import { currentSealedTick } from '../memory/journal.js';
import { banks, clock, generation, OutputKind, outputHeader } from '../memory/layout.js';
import { currentPosition, outputAt } from '../memory/output-ring.js';
import type { Segment } from '../memory/segment.js';
import { fencedGeneration, isLaterGeneration, packFenced, tickAfter } from '../memory/ticks.js';

/**
 * A driver becomes the current generation by two exchanges: first of the output position, so that
 * its predecessor can commit nothing more, then of the sealed tick. Both say exactly where it goes
 * on. The predecessor may be stopped anywhere in between and wake up at any time: its exchanges
 * fail, and what it writes before them lies in a bank that nobody reads.
 */

/** Entries of 8 bits: the current generation of the output ring. */
export function currentGeneration(segment: Segment): number {
  const { words, layout } = segment;
  return fencedGeneration(Atomics.load(words, layout.clock + clock.committed));
}

/** Process that drives the current generation, 0 for none. */
export function currentDriverPid(segment: Segment): number {
  return segment.words[generationAt(segment, currentGeneration(segment)) + generation.pid]!;
}

/** The tick that comes next on the output ring after `position`, which `writer` committed up to. */
function nextTick(segment: Segment, writer: number, position: number): number {
  const { words } = segment;
  const entry = generationAt(segment, writer);
  if (position === words[entry + generation.commitStart]) {
    return words[entry + generation.playStart]!;
  }
  const last = outputAt(segment, writer, tickAfter(position, -1));
  const tick = words[last + outputHeader.tick]!;
  return words[last + outputHeader.kind] === OutputKind.concealed ? tick : tickAfter(tick, 1);
}

/** Where a generation begins. */
export interface Start {
  position: number;
  playTick: number;
}

/**
 * Fences the output position. Null when a later generation is in charge already; try again when
 * the predecessor committed in between (`'again'`).
 */
export function takeOutput(segment: Segment, number: number, pid: number): Start | 'again' | null {
  const { words, layout } = segment;
  const word = layout.clock + clock.committed;
  const seen = Atomics.load(words, word);
  const previous = fencedGeneration(seen);
  if (!isLaterGeneration(number, previous)) return null;
  const position = currentPosition(segment);
  if ((position & 0xffffff) !== (seen & 0xffffff)) return 'again';
  const entry = generationAt(segment, number);
  const playTick = nextTick(segment, previous, position);
  words[entry + generation.number] = number;
  words[entry + generation.previousCommit] = previous;
  words[entry + generation.commitStart] = position;
  words[entry + generation.playStart] = playTick;
  words[entry + generation.bank] = (bankOf(segment, previous) + 1) % banks;
  words[entry + generation.pid] = pid;
  words[entry + generation.gapUs] = 0;
  const mine = packFenced(number, position);
  return Atomics.compareExchange(words, word, seen, mine) === seen
    ? { position, playTick }
    : 'again';
}

/** Fences the sealed tick. Returns the last sealed one, or `'again'`, or null as above. */
export function takeSealing(segment: Segment, number: number): number | 'again' | null {
  const { words, layout } = segment;
  const word = layout.clock + clock.sealed;
  const seen = Atomics.load(words, word);
  const previous = fencedGeneration(seen);
  if (!isLaterGeneration(number, previous)) return null;
  const tick = currentSealedTick(segment);
  if ((tick & 0xffffff) !== (seen & 0xffffff)) return 'again';
  const entry = generationAt(segment, number);
  words[entry + generation.previousSeal] = previous;
  words[entry + generation.sealStart] = tickAfter(tick, 1);
  const mine = packFenced(number, tick);
  return Atomics.compareExchange(words, word, seen, mine) === seen ? tick : 'again';
}
