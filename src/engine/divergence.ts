import { count, counterIndex } from '../memory/counters.js';
import { clock, evidence, quantumHeader, replicaSlots } from '../memory/layout.js';
import { hasQuantum, isOwnQuantum, quantumAt, quantumChecksum } from '../memory/replica-ring.js';
import type { Segment } from '../memory/segment.js';
import { ticksBetween } from '../memory/ticks.js';

/**
 * Compares what the replicas rendered for a tick that was played a moment ago. Where they differ,
 * the tick and both quanta are kept, and the keeper is told whom to replace: with three replicas
 * the odd one out, with two the one that was not heard. Allocation-free; on the audio thread.
 */
export function checkDivergence(segment: Segment, tick: number): void {
  const { words, layout } = segment;
  if (ticksBetween(tick, layout.firstTick) < 0) return;
  const primary = Atomics.load(words, layout.clock + clock.primary);
  if (!holds(segment, primary, tick)) return;
  let odd = -1;
  for (let slot = 0; slot < replicaSlots; slot++) {
    if (slot === primary || !holds(segment, slot, tick)) continue;
    if (compare(segment, primary, slot, tick) !== 'other') continue;
    if (odd >= 0 && compare(segment, odd, slot, tick) === 'same') {
      report(segment, primary, odd, tick);
      return;
    }
    odd = slot;
  }
  if (odd >= 0) report(segment, odd, primary, tick);
}

function holds(segment: Segment, slot: number, tick: number): boolean {
  return hasQuantum(segment, slot, tick) && isOwnQuantum(segment, slot, tick);
}

/**
 * Whether two replicas rendered the same samples. At the longest lead a replica that catches up may
 * write over the quantum while it is looked at: what is there no more by then tells nothing.
 */
function compare(segment: Segment, a: number, b: number, tick: number): 'same' | 'other' | 'gone' {
  const isSame = quantumChecksum(segment, a, tick) === quantumChecksum(segment, b, tick);
  const isThere = isOwnQuantum(segment, a, tick) && isOwnQuantum(segment, b, tick);
  if (!isThere) return 'gone';
  return isSame ? 'same' : 'other';
}

/** Keeps the evidence and names the replica to replace, unless one is named already. */
function report(segment: Segment, culprit: number, other: number, tick: number): void {
  const { words, layout } = segment;
  const told = layout.clock + clock.diverged;
  if (Atomics.load(words, told) !== 0) return;
  count(segment, counterIndex.divergences, 1);
  const at = layout.evidence;
  words[at + evidence.tick] = tick;
  words[at + evidence.slotA] = culprit;
  words[at + evidence.slotB] = other;
  words[at + evidence.count] = words[at + evidence.count]! + 1;
  copyQuantum(segment, culprit, tick, at + evidence.words);
  copyQuantum(segment, other, tick, at + evidence.words + layout.quantumSamples);
  words[layout.clock + clock.divergedTick] = tick;
  Atomics.store(words, told, culprit + 1);
}

function copyQuantum(segment: Segment, slot: number, tick: number, to: number): void {
  const { words, layout } = segment;
  const from = quantumAt(segment, slot, tick) + quantumHeader.words;
  for (let i = 0; i < layout.quantumSamples; i++) words[to + i] = words[from + i]!;
}
