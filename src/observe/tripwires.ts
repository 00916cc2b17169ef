import { assert } from '../errors.js';
import { type CounterName, counterIndex } from '../memory/counters.js';
import type { Segment } from '../memory/segment.js';
import { recentTimes, type TimerName, timerCount, timerIndex } from '../memory/timers.js';
import { raiseAlarm, settleAlarm, tripwireAt } from '../memory/tripwires.js';
import {
  tripwire,
  tripwireEntries,
  tripwireRegion,
  tripwireRow,
  tripwireRows,
} from '../memory/watch-layout.js';
import { type Tripwire, tripwireTable } from '../settings/index.js';

/** The table again, which so has no counter and no timer that is not there. */
const table: Record<
  string,
  Tripwire & ({ counter: CounterName } | { timer: TimerName; of: string })
> = tripwireTable;

const wires = Object.values(table);
assert(wires.length <= tripwireEntries, 'every tripwire has a place');

/** One tripwire in the status. */
export interface TripwireStatus {
  /** The name of docs/tripwires.md. */
  name: string;
  /** So many in the window, or milliseconds. */
  value: number;
  /** 0 when it is off. */
  threshold: number;
  tripped: boolean;
  /** For how long it has been tripped; null when it is not. */
  sinceSec: number | null;
  /** How often it tripped. */
  trips: number;
}

/** A tripwire that is to be told. */
export interface Alarm {
  name: string;
  value: number;
  threshold: number;
  windowSec: number;
}

/** How many parts the window is divided into, and the least length of one. */
const stretches = 60;
const stretchMsMin = 250;
assert(stretches < tripwireRows, 'what the window begins with is still kept');

/** What is measured in microseconds is told in milliseconds. */
const shown = (wire: Tripwire, value: number) => (wire.timer === undefined ? value : value / 1000);

/**
 * Watches the counters and timers for thresholds that are reached. Pure over memory and the time
 * that is passed in. All it knows lies in memory: a successor goes on with it.
 */
export class TripwireWatch {
  private readonly windowSec: number;
  private readonly cooldownDs: number;
  private readonly stretchMs: number;
  /** Stretches in the window. */
  private readonly depth: number;
  private readonly rows: number;

  constructor(private readonly segment: Segment) {
    const { words, layout } = segment;
    this.windowSec = words[layout.tripwires + tripwireRegion.windowSec]!;
    this.cooldownDs = words[layout.tripwires + tripwireRegion.cooldownSec]! * 10;
    const windowMs = this.windowSec * 1000;
    this.stretchMs = Math.max(stretchMsMin, Math.ceil(windowMs / stretches));
    this.depth = Math.ceil(windowMs / this.stretchMs);
    this.rows = layout.tripwires + tripwireRegion.rows;
    for (const index of wires.keys()) settleAlarm(segment, index);
  }

  /**
   * One look.
   *
   * @param nowMs - the monotonic clock, in milliseconds since some moment that is the same for all
   *   control processes of an engine
   * @returns what is to be told now: each tripwire at most once in the cooldown, and only for
   *   something that came after what was told before
   */
  look(nowMs: number): Alarm[] {
    const { words, layout } = this.segment;
    const nowDs = Math.floor(nowMs / 100);
    const stretch = Math.floor(nowMs / this.stretchMs) + 1;
    const before = this.rowBefore(stretch - this.depth);
    const alarms: Alarm[] = [];
    for (const [index, wire] of wires.entries()) {
      const alarm = this.watch(index, wire, before, nowDs);
      if (alarm) alarms.push(alarm);
    }
    this.keep(stretch);
    Atomics.store(words, layout.tripwires + tripwireRegion.lookDs, nowDs | 0);
    return alarms;
  }

  private watch(index: number, wire: Tripwire, before: number, nowDs: number): Alarm | null {
    const { words } = this.segment;
    const own = tripwireAt(this.segment, index);
    const threshold = words[own + tripwire.threshold]!;
    const count = this.countOf(wire);
    const inWindow = (count - (before < 0 ? 0 : words[before + index]!)) >>> 0;
    const value = this.valueOf(wire, inWindow);
    Atomics.store(words, own + tripwire.value, value | 0);
    const tripped = threshold > 0 && value >= threshold;
    this.cross(own, tripped, nowDs);
    if (!tripped) return null;
    const told = Atomics.load(words, own + tripwire.alarmSequence) !== 0;
    if (told) {
      const sinceDs = (nowDs - words[own + tripwire.alarmDs]!) >>> 0;
      if (sinceDs < this.cooldownDs) return null;
      const fresh = Math.min(inWindow, (count - words[own + tripwire.alarmCount]!) >>> 0);
      if (fresh === 0) return null;
      if (wire.timer !== undefined && this.valueOf(wire, fresh) < threshold) return null;
    }
    raiseAlarm(this.segment, index, { value, threshold, timeDs: nowDs, count });
    const { name } = wire;
    const { windowSec } = this;
    return { name, value: shown(wire, value), threshold: shown(wire, threshold), windowSec };
  }

  /** Notes a change between tripped and not; one word tells both how often and which. */
  private cross(own: number, tripped: boolean, nowDs: number): void {
    const { words } = this.segment;
    const crossings = Atomics.load(words, own + tripwire.crossings);
    if ((crossings & 1) === (tripped ? 1 : 0)) return;
    words[own + tripwire.sinceDs] = nowDs;
    Atomics.store(words, own + tripwire.crossings, crossings + 1);
  }

  private countOf({ counter, timer }: Tripwire): number {
    const { words, layout } = this.segment;
    if (counter !== undefined) {
      return Atomics.load(words, layout.counters + counterIndex[counter as CounterName]);
    }
    return timerCount(this.segment, timerIndex[timer as TimerName]);
  }

  /** What the newest `among` of a counter's or timer's events come to. */
  private valueOf({ timer, of }: Tripwire, among: number): number {
    if (timer === undefined) return among;
    const recent = recentTimes(this.segment, timerIndex[timer as TimerName], among);
    return Math.round(of === 'average' ? recent.averageUs : recent.maxUs);
  }

  /**
   * Where the counts stand that the window begins with: those of the newest stretch up to `last`.
   * -1 when the engine is younger than that, and all it counted is in the window.
   */
  private rowBefore(last: number): number {
    const { words } = this.segment;
    let found = -1;
    let newest = 0;
    for (let row = 0; row < tripwireRows; row++) {
      const at = this.rows + row * tripwireRow.words;
      const stretch = words[at + tripwireRow.stretch]!;
      if (stretch <= newest || stretch > last) continue;
      newest = stretch;
      found = at + tripwireRow.counts;
    }
    return found;
  }

  /** Keeps the counts that a stretch begins with. */
  private keep(stretch: number): void {
    const { words } = this.segment;
    const at = this.rows + (stretch % tripwireRows) * tripwireRow.words;
    if (words[at + tripwireRow.stretch] === stretch) return;
    Atomics.store(words, at + tripwireRow.stretch, 0);
    for (const [index, wire] of wires.entries()) {
      words[at + tripwireRow.counts + index] = this.countOf(wire);
    }
    Atomics.store(words, at + tripwireRow.stretch, stretch);
  }
}

/** All tripwires, in the order of docs/tripwires.md, as control last saw them. */
export function readTripwires(segment: Segment): TripwireStatus[] {
  const { words, layout } = segment;
  const lookDs = Atomics.load(words, layout.tripwires + tripwireRegion.lookDs);
  return wires.map((wire, index) => {
    const own = tripwireAt(segment, index);
    const crossings = Atomics.load(words, own + tripwire.crossings) >>> 0;
    const tripped = (crossings & 1) === 1;
    const sinceDs = Math.max(0, (lookDs - words[own + tripwire.sinceDs]!) | 0);
    return {
      name: wire.name,
      value: shown(wire, words[own + tripwire.value]! >>> 0),
      threshold: shown(wire, words[own + tripwire.threshold]!),
      tripped,
      sinceSec: tripped ? sinceDs / 10 : null,
      trips: Math.ceil(crossings / 2),
    };
  });
}
