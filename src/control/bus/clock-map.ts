import { clock, controlDesk } from '../../memory/layout.js';
import type { Segment } from '../../memory/segment.js';
import { ticksBetween } from '../../memory/ticks.js';
import type { RecordTime } from './records.js';

/** Seconds from 1900, where time tags begin, to 1970. */
const ntpToUnixSec = 2_208_988_800;
/** A clock that is off by more than this is set anew: the content had to wait, or clocks drifted. */
const toleranceNs = 5_000_000;
/** Looks of which the earliest counts: a turn of the driver may be late, never early. */
const observationsKept = 16;
/** A driver that gave nothing for so long says nothing about the clock. */
const freshUs = 1_000_000;

/** The two clocks that are mapped. */
export interface Clocks {
  /** Microseconds of the monotonic clock, as the driver reads it. */
  monotonicUs(): number;
  /** Nanoseconds since 1970. */
  wallNs(): bigint;
}

/** Where the two clocks meet. */
interface ClockAnchor {
  /** Nanoseconds since 1970 at which frame 0 of the tick is given to the device. */
  readonly wallNs: bigint;
  readonly tick: number;
}

/**
 * Which tick and frame a moment of the wall clock is. The map stands still, so that tags keep their
 * distances to the frame, until it is off by more than 5 ms; it lies in the engine's memory, so that
 * a successor goes by the same.
 */
export class ClockMap {
  private anchor: ClockAnchor | null;
  /** Of the latest looks: when tick 0 of the anchor's time would have been given. */
  private readonly seen: number[] = [];
  private isUsed: boolean;

  constructor(
    private readonly segment: Segment,
    private readonly clocks: Clocks,
  ) {
    this.anchor = readAnchor(segment);
    this.isUsed = this.anchor !== null;
  }

  /** Compares the clocks. Cheap; to be called now and then, and before a tag is read. */
  look(): void {
    const { words, layout } = this.segment;
    const tick = words[layout.clock + clock.headTick]!;
    const commitUs = Atomics.load(words, layout.clock + clock.commitUs);
    const agoUs = (this.clocks.monotonicUs() - commitUs) | 0;
    if (tick === layout.firstTick || agoUs < 0 || agoUs > freshUs) return;
    const givenNs = this.clocks.wallNs() - BigInt(agoUs) * 1000n;
    // What was committed last is the tick before the one that is due.
    const given = (tick - 1) | 0;
    this.anchor ??= this.set({ wallNs: givenNs, tick: given });
    const aheadNs = Number(givenNs - this.anchor.wallNs) - this.nsBetween(given, this.anchor.tick);
    this.seen.push(aheadNs);
    if (this.seen.length > observationsKept) this.seen.shift();
    const earliest = Math.min(...this.seen);
    // Until somebody has gone by it, it may be made better.
    const isBetter = !this.isUsed && earliest < 0;
    const isOff = isBetter || earliest < -toleranceNs || (this.isSure && earliest > toleranceNs);
    if (!isOff) return;
    const wallNs = this.anchor.wallNs + BigInt(Math.round(earliest));
    this.set({ wallNs, tick: this.anchor.tick });
  }

  /** The moment of a time tag; null for `immediately`, and while nothing plays yet. */
  timeOf([seconds, fraction]: readonly [number, number]): RecordTime | null {
    if (seconds === 0) return null;
    this.look();
    if (this.anchor === null) return null;
    this.isUsed = true;
    const wallNs = wallNsOf(seconds, fraction);
    const { rateHz, quantum, firstTick } = this.segment.layout;
    const frames = Math.round((Number(wallNs - this.anchor.wallNs) * rateHz) / 1e9);
    const ticks = Math.floor(frames / quantum);
    return {
      tick: (ticksBetween(this.anchor.tick, firstTick) + ticks) | 0,
      frame: frames - ticks * quantum,
    };
  }

  /** Where the clocks meet, as a time tag; null while nothing plays yet. */
  get view(): { ntp: [number, number]; tick: number } | null {
    this.look();
    if (this.anchor === null) return null;
    // Who is shown it may go by it.
    this.isUsed = true;
    const { wallNs, tick } = this.anchor;
    return { ntp: timeTagOf(wallNs), tick: tick >>> 0 };
  }

  private get isSure(): boolean {
    return this.seen.length === observationsKept;
  }

  private nsBetween(tick: number, since: number): number {
    const { rateHz, quantum } = this.segment.layout;
    return (ticksBetween(tick, since) * quantum * 1e9) / rateHz;
  }

  private set(anchor: ClockAnchor): ClockAnchor {
    this.anchor = anchor;
    this.seen.length = 0;
    writeAnchor(this.segment, anchor);
    return anchor;
  }
}

function wallNsOf(seconds: number, fraction: number): bigint {
  const rest = BigInt(Math.round((fraction / 2 ** 32) * 1e9));
  return BigInt(seconds - ntpToUnixSec) * 1_000_000_000n + rest;
}

function timeTagOf(wallNs: bigint): [number, number] {
  const seconds = Number(wallNs / 1_000_000_000n) + ntpToUnixSec;
  const fraction = Math.round((Number(wallNs % 1_000_000_000n) / 1e9) * 2 ** 32);
  return [seconds >>> 0, Math.min(fraction, 0xffff_ffff)];
}

function writeAnchor({ words, layout }: Segment, { wallNs, tick }: ClockAnchor): void {
  const at = layout.controlDesk;
  const turn = Atomics.load(words, at + controlDesk.clockTurn) | 1;
  Atomics.store(words, at + controlDesk.clockTurn, turn);
  words[at + controlDesk.clockNsLow] = Number(BigInt.asIntN(32, wallNs));
  words[at + controlDesk.clockNsHigh] = Number(wallNs >> 32n);
  words[at + controlDesk.clockTick] = tick;
  Atomics.store(words, at + controlDesk.clockTurn, (turn + 1) | 0);
}

/** What a predecessor went by; null when it had begun to change it, or there was none. */
function readAnchor({ words, layout }: Segment): ClockAnchor | null {
  const at = layout.controlDesk;
  const turn = Atomics.load(words, at + controlDesk.clockTurn);
  if (turn === 0 || turn % 2 !== 0) return null;
  const low = BigInt(words[at + controlDesk.clockNsLow]! >>> 0);
  const high = BigInt(words[at + controlDesk.clockNsHigh]!);
  return { wallNs: (high << 32n) | low, tick: words[at + controlDesk.clockTick]! };
}
