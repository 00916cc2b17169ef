import { describe, expect, it } from 'vitest';
import { enterGeneration, playQuantum, sealTick, segmentFor } from '../../test/kit/segment.js';
import { checksumWords } from './checksum.js';
import { laneWritten, offerCommands } from './commands.js';
import { bankOf } from './generations.js';
import { findRecord, passRecord, voidRecord } from './journal.js';
import {
  clock,
  journalTicks,
  laneCommands,
  OutputKind,
  outputQuanta,
  quantumHeader,
  ReplicaState,
  replica,
  SnapshotState,
  snapshot,
} from './layout.js';
import { OutputReader, Reading } from './output-ring.js';
import { quantumAt, replicaAt, takeQuantum } from './replica-ring.js';
import type { Segment } from './segment.js';
import { discardSnapshots, newestSnapshot, olderSnapshot, snapshotAt } from './snapshots.js';
import {
  openStreamSegment,
  streamBytes,
  streamHeader,
  streamSpace,
  writeStream,
} from './stream.js';
import { tickAfter } from './ticks.js';

const content = OutputKind.content;
/** Where the 24 bits, the sign and the 32 bits wrap. */
const wraps = [0xfffffe, 0x7ffffffe, -2];

describe('the output ring', () => {
  it.each(wraps)('gives every quantum once and in order across the wrap at %i', (start) => {
    const segment = segmentFor();
    enterGeneration(segment, 1, { position: start, tick: start, previous: 0 });
    const reader = new OutputReader(segment, start);
    for (let i = 0; i < 6; i++) {
      const position = tickAfter(start, i);
      playQuantum(segment, 1, { position, tick: position, kind: content, value: i });
      expect(reader.read()).toBe(Reading.quantum);
      expect(reader.tick).toBe(position);
      expect(reader.samples.every((sample) => sample === i)).toBe(true);
      expect(reader.read()).toBe(Reading.empty);
    }
  });

  it('reads each position from the bank of the generation that wrote it', () => {
    const segment = segmentFor();
    let position = 0;
    for (let generation = 1; generation <= 9; generation++) {
      enterGeneration(segment, generation, { position, tick: position, previous: generation - 1 });
      for (let i = 0; i < 3; i++, position++) {
        playQuantum(segment, generation, {
          position,
          tick: position,
          kind: content,
          value: position,
        });
      }
      // A fenced driver wakes up and writes where it would have gone on.
      if (generation > 1) {
        const at = quantumOfBank(segment, generation - 1, position);
        segment.words.fill(-1, at, at + 20);
      }
    }
    const reader = new OutputReader(segment, 0);
    for (let i = 0; i < position; i++) {
      expect(reader.read()).toBe(Reading.quantum);
      expect(reader.samples[0]).toBe(i);
      expect(reader.generation).toBe(Math.floor(i / 3) + 1);
    }
  });

  it('tells a reader that lags what it lost, and goes on', () => {
    const segment = segmentFor();
    enterGeneration(segment, 1, { position: 0, tick: 0, previous: 0 });
    const reader = new OutputReader(segment, 0);
    const total = outputQuanta + 500;
    for (let i = 0; i < total; i++) {
      playQuantum(segment, 1, { position: i, tick: i, kind: content, value: i });
    }
    let read = 0;
    for (let found = reader.read(); found !== Reading.empty; found = reader.read()) {
      if (found === Reading.quantum) read++;
    }
    expect(reader.lostQuanta).toBeGreaterThan(0);
    expect(read + reader.lostQuanta).toBe(total);
    expect(reader.samples[0]).toBe(total - 1);
  });
});

function quantumOfBank(segment: Segment, generation: number, position: number): number {
  const { output, outputStride } = segment.layout;
  return (
    output + (bankOf(segment, generation) * outputQuanta + (position % outputQuanta)) * outputStride
  );
}

describe('the journal', () => {
  it.each(wraps)('finds every record across the wrap at %i, and none that is gone', (start) => {
    const segment = segmentFor({ firstTick: start });
    enterGeneration(segment, 3, { position: 0, tick: start, previous: 0 });
    const count = journalTicks + 10;
    for (let i = 0; i < count; i++) sealTick(segment, 3, tickAfter(start, i));
    expect(findRecord(segment, start)).toBe(-1);
    expect(findRecord(segment, tickAfter(start, count - journalTicks))).toBe(-1);
    for (let i = count - journalTicks + 2; i < count; i++) {
      expect(findRecord(segment, tickAfter(start, i))).toBeGreaterThan(0);
    }
  });

  it('settles once whether a record is passed or void', () => {
    const segment = segmentFor();
    enterGeneration(segment, 1, { position: 0, tick: 0, previous: 0 });
    const passed = sealTick(segment, 1, 0);
    expect(passRecord(segment, passed)).toBe(true);
    expect(passRecord(segment, passed)).toBe(true);
    expect(voidRecord(segment, passed)).toBe(false);
    const voided = sealTick(segment, 1, 1);
    expect(voidRecord(segment, voided)).toBe(true);
    expect(voidRecord(segment, voided)).toBe(false);
    expect(passRecord(segment, voided)).toBe(false);
  });
});

describe('command lanes', () => {
  it('take what fits and refuse more, and the count wraps', () => {
    const segment = segmentFor();
    const command = [1, 2, 3, 4, 5, 6, 7, 8];
    for (let i = 0; i < laneCommands; i++) {
      expect(offerCommands(segment, 2, 0, command)).toBe(true);
    }
    expect(offerCommands(segment, 2, 0, command)).toBe(false);
    expect(offerCommands(segment, 2, 1, command)).toBe(true);
    expect(laneWritten(segment, 2)).toBe(laneCommands + 1);
    expect(laneWritten(segment, 1)).toBe(0);
  });
});

describe('a replica ring', () => {
  function publish(segment: Segment, tick: number): void {
    const at = quantumAt(segment, 1, tick);
    const { words, samples, layout } = segment;
    samples.fill(0.5, at + quantumHeader.words, at + quantumHeader.words + layout.quantumSamples);
    const sum = checksumWords(words, at + quantumHeader.words, layout.quantumSamples);
    words[at + quantumHeader.checksum] = sum;
    words[at + quantumHeader.incarnation] = 4;
    words[at + quantumHeader.tick] = tick;
    const own = replicaAt(segment, 1);
    words[own + replica.incarnation] = 4;
    words[own + replica.publishedBy] = 4;
    words[own + replica.state] = ReplicaState.ready;
    words[own + replica.published] = tick;
  }

  it.each(wraps)('gives a whole quantum across the wrap at %i', (start) => {
    const segment = segmentFor();
    const into = new Int32Array(segment.layout.quantumSamples);
    for (let i = 0; i < 5; i++) {
      const tick = tickAfter(start, i);
      expect(takeQuantum(segment, 1, tick, into)).toBe(false);
      publish(segment, tick);
      expect(takeQuantum(segment, 1, tick, into)).toBe(true);
    }
  });

  it('refuses a torn quantum, whichever word was torn', () => {
    const segment = segmentFor();
    const into = new Int32Array(segment.layout.quantumSamples);
    for (let i = 0; i < segment.layout.quantumSamples; i++) {
      publish(segment, 7);
      segment.words[quantumAt(segment, 1, 7) + quantumHeader.words + i]! ^= 1 << (i & 31);
      expect(takeQuantum(segment, 1, 7, into)).toBe(false);
    }
  });

  it('is not read for the one that held the slot before', () => {
    const segment = segmentFor();
    const into = new Int32Array(segment.layout.quantumSamples);
    publish(segment, 7);
    segment.words[replicaAt(segment, 1) + replica.incarnation] = 5;
    expect(takeQuantum(segment, 1, 7, into)).toBe(false);
  });
});

describe('snapshots', () => {
  it('are written in turn, and the newest valid one is found across the wrap', () => {
    const segment = segmentFor();
    const { words, layout } = segment;
    words[layout.clock + clock.headTick] = -(2 ** 31) + 20;
    expect(newestSnapshot(segment)).toBe(-1);
    const put = (at: number, tick: number, state: number) => {
      words[at + snapshot.tick] = tick;
      words[at + snapshot.state] = state;
    };
    put(snapshotAt(segment, 0, 0), 2 ** 31 - 1, SnapshotState.valid);
    expect(olderSnapshot(segment, 0, -(2 ** 31))).toBe(snapshotAt(segment, 0, 1));
    expect(olderSnapshot(segment, 0, 2 ** 31 - 1)).toBe(-1);
    put(snapshotAt(segment, 0, 1), -(2 ** 31) + 5, SnapshotState.valid);
    expect(olderSnapshot(segment, 0, -(2 ** 31) + 9)).toBe(snapshotAt(segment, 0, 0));
    put(snapshotAt(segment, 3, 0), -(2 ** 31) + 9, SnapshotState.writing);
    expect(newestSnapshot(segment)).toBe(snapshotAt(segment, 0, 1));
    words[layout.clock + clock.headTick] = -(2 ** 31) + 5;
    expect(newestSnapshot(segment)).toBe(snapshotAt(segment, 0, 0));
    discardSnapshots(segment, 0);
    expect(newestSnapshot(segment)).toBe(-1);
  });
});

describe('a stream', () => {
  it('keeps what a joining replica may ask for, and wraps', () => {
    const { layout } = segmentFor({ channels: 2 });
    const stream = openStreamSegment(new ArrayBuffer(streamBytes(layout)), layout);
    const start = -1000;
    stream.words[streamHeader.written] = start;
    expect(streamSpace(stream, start, 4096)).toBe(stream.frames - 4096);
    const part = Float32Array.from({ length: 2 * 2000 }, (_, i) => i);
    writeStream(stream, part);
    expect(stream.words[streamHeader.written]).toBe(1000);
    expect(streamSpace(stream, start, 4096)).toBe(stream.frames - 4096 - 2000);
    const first = (start & (stream.frames - 1)) * 2;
    expect(stream.samples[first]).toBe(0);
    expect(stream.samples[1999]).toBe(3999);
  });
});
