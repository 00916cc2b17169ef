import { assert } from '../errors.js';
import type { Segment } from './segment.js';
import { alarm, alarmEntries, tripwire, tripwireEntries, tripwireRegion } from './watch-layout.js';

/**
 * The state of the tripwires. It lies in memory so that `status` needs to ask nobody, and so that
 * the next control process goes on where one that was killed left off. The keeper writes the policy
 * before any other process exists; only control writes the rest. Control tells an alarm here, and
 * the keeper, who alone writes events, passes it on as one.
 */

/** When tripwires trip. Thresholds by their order in the table: counts, or whole microseconds. */
export interface TripwirePolicy {
  windowSec: number;
  cooldownSec: number;
  thresholds: readonly number[];
}

/** One tripwire that was told. */
export interface AlarmEntry {
  sequence: number;
  /** The tripwire's number in the table. */
  wire: number;
  /** A count, or microseconds. */
  value: number;
  threshold: number;
}

/** Word index of a tripwire's state. */
export function tripwireAt({ layout }: Segment, wire: number): number {
  return layout.tripwires + tripwireRegion.wires + wire * tripwire.words;
}

/** Only the keeper does this, before control exists. */
export function writeTripwirePolicy(segment: Segment, policy: TripwirePolicy): void {
  const { words, layout } = segment;
  assert(policy.thresholds.length <= tripwireEntries, 'every tripwire has a place');
  words[layout.tripwires + tripwireRegion.windowSec] = policy.windowSec;
  words[layout.tripwires + tripwireRegion.cooldownSec] = policy.cooldownSec;
  for (const [wire, threshold] of policy.thresholds.entries()) {
    words[tripwireAt(segment, wire) + tripwire.threshold] = threshold;
  }
}

function alarmAt({ layout }: Segment, sequence: number): number {
  const place = sequence & (alarmEntries - 1);
  return layout.tripwires + tripwireRegion.alarms + place * alarm.words;
}

/**
 * Tells a tripwire. Whether it was told is decided by one word, and `settleAlarm` makes up for what
 * a control process that was killed did not come to, so none is told twice or half. Only control.
 */
export function raiseAlarm(
  segment: Segment,
  wire: number,
  what: { value: number; threshold: number; timeDs: number; count: number },
): void {
  const { words, layout } = segment;
  const sequence = (Atomics.load(words, layout.tripwires + tripwireRegion.alarmHead) + 1) | 0;
  const at = alarmAt(segment, sequence);
  words[at + alarm.wire] = wire;
  words[at + alarm.value] = what.value;
  words[at + alarm.threshold] = what.threshold;
  words[at + alarm.timeDs] = what.timeDs;
  words[at + alarm.count] = what.count;
  Atomics.store(words, at + alarm.sequence, sequence);
  Atomics.store(words, tripwireAt(segment, wire) + tripwire.alarmSequence, sequence);
  settleAlarm(segment, wire);
}

/** Does what follows from a tripwire's last alarm, unless that was done. Only control. */
export function settleAlarm(segment: Segment, wire: number): void {
  const { words, layout } = segment;
  const own = tripwireAt(segment, wire);
  const head = layout.tripwires + tripwireRegion.alarmHead;
  const sequence = Atomics.load(words, own + tripwire.alarmSequence);
  if (sequence !== ((Atomics.load(words, head) + 1) | 0)) return;
  const at = alarmAt(segment, sequence);
  words[own + tripwire.alarmDs] = words[at + alarm.timeDs]!;
  words[own + tripwire.alarmCount] = words[at + alarm.count]!;
  Atomics.store(words, head, sequence);
}

/** Alarms after `since`, oldest first: at most as many as are kept. */
export function readAlarms(segment: Segment, since: number): AlarmEntry[] {
  const { words, layout } = segment;
  const head = Atomics.load(words, layout.tripwires + tripwireRegion.alarmHead);
  const found: AlarmEntry[] = [];
  const missed = Math.min((head - since) | 0, alarmEntries - 1);
  for (let back = missed - 1; back >= 0; back--) {
    const sequence = (head - back) | 0;
    const at = alarmAt(segment, sequence);
    if (Atomics.load(words, at + alarm.sequence) !== sequence) continue;
    found.push({
      sequence,
      wire: words[at + alarm.wire]!,
      value: words[at + alarm.value]! >>> 0,
      threshold: words[at + alarm.threshold]! >>> 0,
    });
  }
  return found;
}
