import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { enterGeneration, segmentFor } from '../../test/kit/segment.js';
import { Sealer } from '../engine/sealing.js';
import { limits } from '../limits.js';
import { readCounters } from '../memory/counters.js';
import { SeatState } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import {
  openStreamSegment,
  readStreamPlace,
  type StreamSegment,
  streamBytes,
  streamHeader,
  writeStream,
} from '../memory/stream.js';
import { readSeat, seatState } from '../memory/stream-seats.js';
import { StreamDesk, type StreamWish } from './stream-desk.js';

/** A segment whose ticks a real sealer seals, and the desk over it. */
class Office {
  readonly segment: Segment = segmentFor({ channels: 1 });
  readonly streams: StreamSegment[];
  readonly dead = new Set<number>();
  nowMs = 0;
  desk: StreamDesk;
  private readonly sealer: Sealer;
  private tick = 0;

  constructor(
    count = 3,
    private readonly named: ReadonlySet<number> = new Set(),
  ) {
    const { layout } = this.segment;
    this.streams = Array.from({ length: count }, () =>
      openStreamSegment(new ArrayBuffer(streamBytes(layout)), layout),
    );
    enterGeneration(this.segment, 1, { position: 0, tick: 0, previous: 0 });
    this.sealer = new Sealer(this.segment, this.streams, 1);
    this.desk = this.reopen();
  }

  /** Another control process takes over. */
  reopen(): StreamDesk {
    this.desk = new StreamDesk(this.segment, this.streams, () => this.named, {
      nowMs: () => this.nowMs,
      isAlive: ({ pid }) => !this.dead.has(pid),
    });
    return this.desk;
  }

  /** Seals ticks, and has the desk look after each. */
  pass(ticks: number): void {
    for (let i = 0; i < ticks; i++) {
      this.seal();
      this.desk.poll();
    }
  }

  seal(): void {
    this.sealer.prepare(this.tick++, 0);
    expect(this.sealer.commit()).toBe(true);
    this.nowMs += 10;
  }

  ask(pid: number, token: number, more: Partial<StreamWish> = {}): (number | null)[] {
    const answers: (number | null)[] = [];
    const owner = { pid, startTicks: 2 ** 40 + pid, token };
    const answer = (stream: number | null) => answers.push(stream);
    this.desk.open({ owner, name: `of ${pid}`, stream: undefined, waitMs: 1000, answer, ...more });
    return answers;
  }

  close(pid: number, token: number, discard: boolean): boolean {
    return this.desk.close({ pid, startTicks: 2 ** 40 + pid, token }, discard);
  }

  states(): number[] {
    return this.streams.map((_, stream) => seatState(this.segment, stream));
  }
}

describe('the desk', () => {
  it('gives each stream to one owner, in order, and says who it is', () => {
    const office = new Office();
    expect([office.ask(5, 1), office.ask(5, 2), office.ask(6, 1)]).toEqual([[0], [1], [2]]);
    const seat = readSeat(office.segment, 2);
    expect(seat).toEqual({
      state: SeatState.open,
      pid: 6,
      startTicks: 2 ** 40 + 6,
      token: 1,
      name: 'of 6',
    });
  });

  it('answers the same stream to who asks again in the same words, also after a restart', () => {
    const office = new Office();
    expect(office.ask(5, 9)).toEqual([0]);
    expect(office.ask(5, 9)).toEqual([0]);
    office.reopen();
    expect(office.ask(5, 9)).toEqual([0]);
    expect(office.ask(6, 9)).toEqual([1]);
  });

  it('lets wait in order, and refuses at the deadline', () => {
    const office = new Office(1);
    office.ask(5, 1);
    const second = office.ask(6, 1);
    const third = office.ask(7, 1, { waitMs: 20 });
    const fourth = office.ask(8, 1);
    office.pass(3);
    expect([second, third, fourth]).toEqual([[], [null], []]);
    office.close(5, 1, false);
    office.pass(10);
    expect([second, fourth]).toEqual([[0], []]);
    expect(readCounters(office.segment).streamsRefused).toBe(1);
  });

  it('frees a closed stream when its last frame was played and has died away', () => {
    const office = new Office(1);
    office.ask(5, 1);
    writeStream(office.streams[0]!, new Float32Array(100));
    office.close(5, 1, false);
    office.dead.add(5);
    office.pass(3);
    expect(office.states()).toEqual([SeatState.draining]);
    office.pass(10);
    expect(office.states()).toEqual([SeatState.free]);
    expect(readStreamPlace(office.segment, 0)?.cursor).toBe(100);
    expect(readCounters(office.segment).streamsOrphaned).toBe(0);
  });

  it.each([
    ['is killed', (office: Office) => office.dead.add(5)],
    ['wants no more of it', (office: Office) => office.close(5, 1, true)],
  ])('takes back what was not played when the owner %s', (_, end) => {
    const office = new Office(1);
    office.ask(5, 1);
    writeStream(office.streams[0]!, new Float32Array(5000));
    office.pass(2);
    end(office);
    office.pass(16);
    expect(office.states()).toEqual([SeatState.free]);
    const { words } = office.streams[0]!;
    const cursor = readStreamPlace(office.segment, 0)!.cursor;
    expect(cursor).toBeLessThan(500);
    expect(words[streamHeader.written]).toBe(cursor);
    expect(words[streamHeader.hold]).toBe(0);
    office.pass(3);
    expect(readStreamPlace(office.segment, 0)!.cursor).toBe(cursor);
  });

  it('ends what a client left in the middle of a flush', () => {
    const office = new Office(1);
    office.ask(5, 1);
    writeStream(office.streams[0]!, new Float32Array(5000));
    Atomics.store(office.streams[0]!.words, streamHeader.hold, 1);
    office.close(5, 1, false);
    office.pass(16);
    expect(office.states()).toEqual([SeatState.free]);
    expect(office.ask(6, 1)).toEqual([0]);
    writeStream(office.streams[0]!, new Float32Array(32));
    office.pass(2);
    expect(readStreamPlace(office.segment, 0)!.cursor).toBe(
      office.streams[0]!.words[streamHeader.written],
    );
  });

  it('gives what the patch plays itself only to who names it', () => {
    const office = new Office(2, new Set([0]));
    expect(office.ask(5, 1)).toEqual([1]);
    expect(office.ask(6, 1)).toEqual([]);
    expect(office.ask(7, 1, { stream: 0 })).toEqual([0]);
  });

  it('adds what clients counted to the engine, once, whoever runs the desk', () => {
    const office = new Office(1);
    office.ask(5, 1);
    const { words } = office.streams[0]!;
    words[streamHeader.badSamples] = 7;
    words[streamHeader.loudSamples] = 3;
    office.desk.poll();
    office.reopen().poll();
    words[streamHeader.badSamples] = 9;
    office.desk.poll();
    const { streamBadSamples, streamLoudSamples } = readCounters(office.segment);
    expect([streamBadSamples, streamLoudSamples]).toEqual([9, 3]);
  });

  it('refuses more who wait than the limit', () => {
    const office = new Office(1);
    office.ask(1, 1);
    for (let i = 0; i < limits.streamWaitersMax; i++) office.ask(2, i + 1);
    expect(office.ask(3, 1)).toEqual([null]);
  });
});

const acts = fc.array(
  fc.record({
    pid: fc.integer({ min: 1, max: 4 }),
    act: fc.constantFrom('open', 'write', 'close', 'abort', 'die', 'pass'),
    /** The desk is killed at this store; most often it is not. */
    killAt: fc.option(fc.integer({ min: 1, max: 8 }), { nil: 0, freq: 2 }),
  }),
  { maxLength: 60 },
);

/** Runs `work` in a desk that is killed at the n-th word it stores. */
function withDeath(office: Office, killAt: number, work: () => void): void {
  const { store } = Atomics;
  let stores = 0;
  const dying = (words: Int32Array, at: number, value: number): number => {
    if (++stores === killAt) throw death;
    return store(words, at, value);
  };
  try {
    if (killAt > 0) Object.assign(Atomics, { store: dying });
    work();
  } catch (error) {
    if (error !== death) throw error;
    Object.assign(Atomics, { store });
    office.reopen();
  } finally {
    Object.assign(Atomics, { store });
  }
}

const death = Symbol('the desk was killed');

describe('a desk that is killed between any two stores', () => {
  it('never gives a stream to two owners, and loses none', () => {
    fc.assert(
      fc.property(acts, (list) => {
        const office = new Office();
        const held = new Map<number, number>();
        const tokens = new Map<number, number>();
        for (const { pid, act, killAt } of list) {
          office.dead.delete(pid);
          const mine = [...held].find(([, owner]) => owner === pid)?.[0];
          if (act === 'open' && mine === undefined) {
            const token = (tokens.get(pid) ?? 0) + 1;
            tokens.set(pid, token);
            const take = (stream: number | null) => {
              if (stream === null) return;
              expect(held.get(stream)).toBeUndefined();
              held.set(stream, pid);
            };
            withDeath(office, killAt, () => {
              office.ask(pid, token, { waitMs: 0, answer: take });
            });
          } else if (act === 'write' && mine !== undefined) {
            writeStream(office.streams[mine]!, new Float32Array(50));
          } else if ((act === 'close' || act === 'abort') && mine !== undefined) {
            held.delete(mine);
            withDeath(office, killAt, () => office.close(pid, tokens.get(pid)!, act === 'abort'));
          } else if (act === 'die') {
            office.dead.add(pid);
            if (mine !== undefined) held.delete(mine);
            office.seal();
            withDeath(office, killAt, () => office.desk.poll());
          } else {
            office.seal();
            withDeath(office, killAt, () => office.desk.poll());
          }
        }
        for (let pid = 1; pid <= 4; pid++) office.dead.add(pid);
        office.pass(40);
        expect(office.states()).toEqual([SeatState.free, SeatState.free, SeatState.free]);
      }),
      { numRuns: 300 },
    );
  });
});
