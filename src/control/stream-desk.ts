import { limits } from '../limits.js';
import { count, counterIndex } from '../memory/counters.js';
import { SeatState, streamSeat } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import {
  readStreamPlace,
  rewindStream,
  type StreamSegment,
  streamHeader,
  streamNoticeTicks,
} from '../memory/stream.js';
import {
  readSeat,
  type StreamOwner,
  seatState,
  setSeatState,
  streamSeatAt,
  writeSeat,
} from '../memory/stream-seats.js';
import { ticksBetween } from '../memory/ticks.js';

/** A stream that ended without warning falls silent within so many seconds; see the nodes. */
const endingSec = 0.005;
/** It asks the kernel whether the owners live no more often than this. */
const ownerLookMs = 50;

/** What the desk needs of the world. */
export interface DeskWorld {
  nowMs(): number;
  /** Whether exactly this process still runs. */
  isAlive(owner: StreamOwner): boolean;
}

/** Who asks for a stream. */
export interface StreamWish {
  owner: StreamOwner;
  name: string;
  /** A particular stream; undefined for any that the patch does not name. */
  stream: number | undefined;
  waitMs: number;
  /** Called once: with the stream, or null when none became free in time. */
  answer(stream: number | null): void;
}

interface Waiter extends StreamWish {
  readonly deadlineMs: number;
}

/**
 * Hands out the client streams and takes them back. All that it must remember stands in the
 * engine's memory, each change of it in one word, so that it can be killed at any moment: whoever
 * comes after it goes on, and no stream ever has two owners.
 */
export class StreamDesk {
  private readonly waiting: Waiter[] = [];
  /** The tick from which a stream has been coming to rest; for those that are. */
  private readonly restingFrom = new Map<number, number>();
  private readonly restTicks: number;
  private ownersMs = Number.NEGATIVE_INFINITY;

  /** @param named streams that the patch plays itself: handed out only when asked for by number. */
  constructor(
    private readonly segment: Segment,
    private readonly streams: readonly StreamSegment[],
    private readonly named: () => ReadonlySet<number>,
    private readonly world: DeskWorld,
  ) {
    const { rateHz, quantum } = segment.layout;
    this.restTicks = streamNoticeTicks + Math.ceil((endingSec * rateHz) / quantum);
  }

  /** Takes a wish; returns what withdraws it while it is not answered. */
  open(wish: StreamWish): () => void {
    const known = this.find(wish.owner);
    if (known >= 0) {
      // It asks again because it has not heard the answer.
      wish.answer(known);
      return () => {};
    }
    const waiter = { ...wish, deadlineMs: this.world.nowMs() + wish.waitMs };
    if (this.waiting.length >= limits.streamWaitersMax) this.refuse(waiter);
    else this.waiting.push(waiter);
    this.poll();
    return () => this.withdraw(waiter);
  }

  /** The owner wants no more of its stream. False when it has none of that token. */
  close(owner: StreamOwner, discard: boolean): boolean {
    const stream = this.find(owner);
    if (stream < 0) return false;
    setSeatState(this.segment, stream, discard ? SeatState.discarding : SeatState.draining);
    this.poll();
    return true;
  }

  /** How soon it wants to look again. */
  get haste(): 'soon' | 'now-and-then' | 'idle' {
    if (this.waiting.length > 0 || this.restingFrom.size > 0) return 'soon';
    for (let i = 0; i < this.streams.length; i++) {
      if (seatState(this.segment, i) !== SeatState.free) return 'now-and-then';
    }
    return 'idle';
  }

  /** Looks after every stream, and then who waits for one. */
  poll(): void {
    const nowMs = this.world.nowMs();
    const asksWhoLives = nowMs - this.ownersMs >= ownerLookMs;
    if (asksWhoLives) this.ownersMs = nowMs;
    const alive = new Map<number, boolean>();
    for (let i = 0; i < this.streams.length; i++) {
      const state = seatState(this.segment, i);
      if (state === SeatState.free) continue;
      this.collectCounts(i);
      if (state === SeatState.open && asksWhoLives) this.watchOwner(i, alive);
      if (state === SeatState.draining) this.drain(i);
      if (state === SeatState.discarding) this.discard(i);
    }
    this.serve();
  }

  private watchOwner(stream: number, alive: Map<number, boolean>): void {
    const seat = readSeat(this.segment, stream);
    const known = alive.get(seat.pid) ?? this.world.isAlive(seat);
    alive.set(seat.pid, known);
    if (known) return;
    count(this.segment, counterIndex.streamsOrphaned, 1);
    setSeatState(this.segment, stream, SeatState.discarding);
    this.discard(stream);
  }

  /** What was written is played to its end; then the stream is free. */
  private drain(stream: number): void {
    const { words } = this.streams[stream]!;
    const place = readStreamPlace(this.segment, stream);
    if (place === null) return;
    if (Atomics.load(words, streamHeader.hold) !== 0) {
      setSeatState(this.segment, stream, SeatState.discarding);
    } else if (Atomics.load(words, streamHeader.written) === place.cursor) {
      if (this.hasRested(stream, place.tick)) this.free(stream);
    }
  }

  /** What is not played yet is taken back; then the stream is free. */
  private discard(stream: number): void {
    const segment = this.streams[stream]!;
    if (!this.restingFrom.has(stream)) Atomics.store(segment.words, streamHeader.hold, 1);
    const place = readStreamPlace(this.segment, stream);
    if (place === null || !this.hasRested(stream, place.tick)) return;
    rewindStream(segment, place.cursor);
    this.free(stream);
  }

  /** Has it been at rest for so long that nobody plays anything of it, not even its end? */
  private hasRested(stream: number, tick: number): boolean {
    const from = this.restingFrom.get(stream) ?? tick;
    this.restingFrom.set(stream, from);
    return ticksBetween(tick, from) >= this.restTicks;
  }

  private free(stream: number): void {
    this.collectCounts(stream);
    this.restingFrom.delete(stream);
    setSeatState(this.segment, stream, SeatState.free);
  }

  private serve(): void {
    for (const waiter of [...this.waiting]) {
      const known = this.find(waiter.owner);
      const stream = known >= 0 ? known : this.findFree(waiter.stream);
      if (known >= 0) {
        // Asked twice over two connections: the first one got it.
        this.remove(waiter);
        waiter.answer(known);
      } else if (stream >= 0) {
        this.remove(waiter);
        writeSeat(this.segment, stream, { ...waiter.owner, name: waiter.name });
        setSeatState(this.segment, stream, SeatState.open);
        count(this.segment, counterIndex.streamsOpened, 1);
        waiter.answer(stream);
      } else if (this.world.nowMs() >= waiter.deadlineMs) {
        this.remove(waiter);
        this.refuse(waiter);
      }
    }
  }

  private refuse(waiter: StreamWish): void {
    count(this.segment, counterIndex.streamsRefused, 1);
    waiter.answer(null);
  }

  private withdraw(waiter: Waiter): void {
    this.remove(waiter);
    // Whoever stood behind it may have waited for nothing else.
    this.serve();
  }

  private remove(waiter: Waiter): void {
    const at = this.waiting.indexOf(waiter);
    if (at >= 0) this.waiting.splice(at, 1);
  }

  private findFree(wanted: number | undefined): number {
    if (wanted !== undefined) {
      return seatState(this.segment, wanted) === SeatState.free ? wanted : -1;
    }
    const named = this.named();
    return this.streams.findIndex(
      (_, index) => !named.has(index) && seatState(this.segment, index) === SeatState.free,
    );
  }

  private find(owner: StreamOwner): number {
    return this.streams.findIndex((_, index) => {
      if (seatState(this.segment, index) !== SeatState.open) return false;
      const seat = readSeat(this.segment, index);
      return (
        seat.pid === owner.pid && seat.startTicks === owner.startTicks && seat.token === owner.token
      );
    });
  }

  /** Adds what the client counted since the last look to the engine's counters. */
  private collectCounts(stream: number): void {
    const { words } = this.streams[stream]!;
    const at = streamSeatAt(this.segment, stream);
    this.collect(words[streamHeader.badSamples]!, at + streamSeat.badSamples, 'streamBadSamples');
    this.collect(
      words[streamHeader.loudSamples]!,
      at + streamSeat.loudSamples,
      'streamLoudSamples',
    );
  }

  private collect(
    counted: number,
    told: number,
    counter: 'streamBadSamples' | 'streamLoudSamples',
  ): void {
    const { words } = this.segment;
    const more = (counted - words[told]!) | 0;
    if (more === 0) return;
    words[told] = counted;
    if (more > 0) count(this.segment, counterIndex[counter], more);
  }
}
