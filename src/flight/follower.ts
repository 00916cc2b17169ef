import { limits } from '../limits.js';
import { checksumWords } from '../memory/checksum.js';
import { readEvents } from '../memory/events.js';
import { commandAt, currentSealedTick, fateOf, findRecord, isKept } from '../memory/journal.js';
import {
  commandWords,
  laneCount,
  OutputKind,
  outputQuanta,
  RecordStatus,
  record,
  SnapshotState,
  snapshot,
} from '../memory/layout.js';
import { currentPosition, OutputReader, Reading } from '../memory/output-ring.js';
import type { Segment } from '../memory/segment.js';
import { newestSnapshot, snapshotBytesAt } from '../memory/snapshots.js';
import { hasStreamContent, type StreamSegment, streamRecordedTicks } from '../memory/stream.js';
import { tickAfter, ticksBetween } from '../memory/ticks.js';
import { describeEvent } from './event-text.js';
import type { BusyTick, JournalEvent, PlayedRun, Step, StreamPart } from './step.js';

/** Ticks in one step at most: what comes later waits in the engine's own journal. */
const stepTicksMax = 128;
/** Quanta played that one step looks at, at most. */
const stepQuantaMax = 512;

/** Where a follower goes on: all that the last step says of it. */
export type FollowerPlace = Pick<
  Step,
  'streamCursors' | 'laneCursors' | 'nextPosition' | 'lastEvent'
> & { nextTick: number };

/** The state of the patch after a tick, to begin a journal with. */
export interface PatchState {
  tick: number;
  /** Number of the program whose state it is, and of the one before it; 0 for none. */
  program: number;
  previous: number;
  arena: Uint8Array;
  /** Per stream, frames played when the tick is over. */
  streamCursors: Int32Array;
}

/** Adds a quantum's checksum to that of the quanta before it. */
export function mixSum(sum: number, quantum: number): number {
  const mixed = Math.imul(sum ^ quantum, 0x01000193);
  return (mixed << 7) | (mixed >>> 25);
}

export function placeAfter(step: Step): FollowerPlace {
  const { streamCursors, laneCursors, nextPosition, lastEvent } = step;
  const nextTick = tickAfter(step.firstTick, step.ticks);
  return { nextTick, streamCursors, laneCursors, nextPosition, lastEvent };
}

/** The place before the first tick of an engine. */
export function firstPlace({ layout }: Segment): FollowerPlace {
  return {
    nextTick: layout.firstTick,
    streamCursors: new Int32Array(limits.streamsMax),
    laneCursors: new Int32Array(laneCount),
    nextPosition: 0,
    lastEvent: 0,
  };
}

/**
 * Takes what is to be kept of a run out of the engine's memory, step by step: the journal's records
 * once it is decided whether they count, the frames of streams that they play, what was given to
 * the device, and what the keeper noted. It only reads, and never waits; when it comes too late it
 * says so, and can begin anew from a snapshot. Pure over memory.
 */
export class JournalFollower {
  private reader: OutputReader;
  private isHeld = false;
  /** It has come to the first quantum that is its business. */
  private isSettled: boolean;
  /** What was played of earlier ticks is none of its business. */
  private playedFrom: number;
  private readonly keptTicks: number;

  constructor(
    private readonly segment: Segment,
    private readonly streams: readonly StreamSegment[],
    private place: FollowerPlace,
    private readonly clocks: { nowMs(): number; nowUs(): number },
  ) {
    this.reader = new OutputReader(segment, place.nextPosition);
    this.playedFrom = segment.layout.firstTick;
    this.keptTicks = streamRecordedTicks(segment.layout);
    this.isSettled = true;
  }

  get nextTick(): number {
    return this.place.nextTick;
  }

  /** The next step; null when there is nothing new, `lost` when some of it is gone. */
  take(): Step | 'lost' | null {
    const ticks = this.takeTicks();
    if (ticks === 'lost') return 'lost';
    const parts = this.takeStreams(ticks);
    if (parts === 'lost') return 'lost';
    const { nextTick } = this.place;
    const played = this.takePlayed(tickAfter(nextTick, ticks.count));
    if (played === 'lost') return 'lost';
    const events = this.takeEvents();
    if (ticks.count === 0 && played.length === 0 && events.length === 0) return null;
    const step: Step = {
      firstTick: nextTick,
      ticks: ticks.count,
      busy: ticks.busy,
      parts,
      played,
      events,
      laneCursors: ticks.laneCursors,
      streamCursors: ticks.streamCursors,
      nextPosition: tickAfter(this.reader.position, this.isHeld ? -1 : 0),
      lastEvent: events.at(-1)?.sequence ?? this.place.lastEvent,
      timeMs: this.clocks.nowMs(),
      clockUs: this.clocks.nowUs() | 0,
    };
    this.place = placeAfter(step);
    return step;
  }

  /**
   * Goes on from the newest snapshot, wherever it was. Null when there is none just now; it is where
   * it was then.
   */
  rejoin(): PatchState | null {
    const { segment } = this;
    const { words, bytes } = segment;
    const from = newestSnapshot(segment);
    if (from < 0) return null;
    const tick = words[from + snapshot.tick]!;
    const start = snapshotBytesAt(from);
    const program = words[from + snapshot.program]!;
    const previous = words[from + snapshot.previous]!;
    const arena = bytes.slice(start, start + words[from + snapshot.bytes]!);
    const isWhole =
      Atomics.load(words, from + snapshot.state) === SnapshotState.valid &&
      words[from + snapshot.tick] === tick;
    const at = findRecord(segment, tick);
    if (!isWhole || at < 0) return null;
    const lanes = at + record.laneCursors;
    const streams = at + record.streamCursors;
    const place: FollowerPlace = {
      nextTick: tickAfter(tick, 1),
      laneCursors: words.slice(lanes, lanes + laneCount),
      streamCursors: words.slice(streams, streams + limits.streamsMax),
      nextPosition: this.someTimeAgo(),
      lastEvent: this.place.lastEvent,
    };
    if (!isKept(segment, tick)) return null;
    this.place = place;
    this.reader = new OutputReader(segment, place.nextPosition);
    this.isHeld = false;
    this.playedFrom = place.nextTick;
    this.isSettled = false;
    return { tick, program, previous, arena, streamCursors: place.streamCursors };
  }

  /** A position well before that of any tick that a snapshot is of, and surely there. */
  private someTimeAgo(): number {
    const now = currentPosition(this.segment);
    const back = outputQuanta / 2;
    return now >= 0 ? Math.max(0, now - back) : tickAfter(now, -back);
  }

  private takeTicks(): TakenTicks | 'lost' {
    const { segment, place } = this;
    const { words, layout } = segment;
    const { streamsMax } = limits;
    const samplesMax = limits.journalStepSamplesMax - streamsMax * layout.quantumSamples;
    const streamCursors = place.streamCursors.slice();
    let laneCursors = place.laneCursors;
    const busy: BusyTick[] = [];
    let count = 0;
    let samples = 0;
    const sealed = currentSealedTick(segment);
    while (count < stepTicksMax && samples < samplesMax) {
      const tick = tickAfter(place.nextTick, count);
      if (ticksBetween(sealed, tick) < 0) break;
      const at = findRecord(segment, tick);
      if (at < 0) return 'lost';
      const status = Atomics.load(words, at + record.status);
      if (status === fateOf(status)) break;
      const lanes = words.slice(at + record.laneCursors, at + record.laneCursors + laneCount);
      const cursors = words.slice(
        at + record.streamCursors,
        at + record.streamCursors + streamsMax,
      );
      const from = commandAt(segment, at, 0);
      const commands = words.slice(from, from + words[at + record.commands]! * commandWords);
      if (!isKept(segment, tick) || words[at + record.tick] !== tick) return 'lost';
      const played = cursors.reduce<BusyTick['streams']>((list, cursor, stream) => {
        const frames = (cursor - streamCursors[stream]!) | 0;
        if (frames > 0) list.push({ stream, frames });
        samples += Math.max(0, frames) * layout.channels;
        return list;
      }, []);
      streamCursors.set(cursors);
      laneCursors = lanes;
      const fate = fateOf(status);
      if (commands.length > 0 || played.length > 0 || fate !== RecordStatus.live) {
        busy.push({ tick, fate, commands, streams: played });
      }
      count++;
    }
    return { count, busy, streamCursors, laneCursors };
  }

  /** What the ticks play of the streams. A client may have overwritten it by now. */
  private takeStreams({ count, streamCursors }: TakenTicks): StreamPart[] | 'lost' {
    const { segment, place } = this;
    const parts: StreamPart[] = [];
    for (const [stream, ring] of this.streams.entries()) {
      const from = place.streamCursors[stream]!;
      const frames = (streamCursors[stream]! - from) | 0;
      if (frames <= 0) continue;
      const samples = new Float32Array(frames * ring.channels);
      const first = from & (ring.frames - 1);
      const straight = Math.min(frames, ring.frames - first);
      const { channels } = ring;
      samples.set(ring.samples.subarray(first * channels, (first + straight) * channels));
      samples.set(ring.samples.subarray(0, (frames - straight) * channels), straight * channels);
      parts.push({ stream, from, samples });
    }
    if (parts.length === 0 || count === 0) return parts;
    const sealed = currentSealedTick(segment);
    return hasStreamContent(segment, place.nextTick, sealed, this.keptTicks) ? parts : 'lost';
  }

  /** What was given to the device up to `end`, the first tick that this step does not have. */
  private takePlayed(end: number): PlayedRun[] | 'lost' {
    const { reader } = this;
    const bits = new Int32Array(reader.samples.buffer);
    const runs: PlayedRun[] = [];
    for (let taken = 0; taken < stepQuantaMax; ) {
      if (!this.isHeld) {
        const reading = reader.read();
        if (reading === Reading.empty) break;
        if (reading === Reading.lost && this.isSettled) return 'lost';
        if (reading === Reading.lost) continue;
      }
      const { tick, kind, generation } = reader;
      this.isHeld = kind !== OutputKind.concealed && ticksBetween(tick, end) >= 0;
      if (this.isHeld) break;
      if (ticksBetween(tick, this.playedFrom) < 0) continue;
      this.isSettled = true;
      taken++;
      const position = tickAfter(reader.position, -1);
      const run = runs.at(-1);
      const isContent = kind !== OutputKind.concealed;
      const next = run && tickAfter(run.tick, isContent ? run.quanta : 0);
      const goesOn = run?.kind === kind && run.generation === generation && next === tick;
      const current = goesOn ? run : { position, tick, quanta: 0, kind, generation, sum: 0 };
      if (!goesOn) runs.push(current);
      current.quanta++;
      if (isContent) current.sum = mixSum(current.sum, checksumWords(bits, 0, bits.length));
    }
    return runs;
  }

  private takeEvents(): JournalEvent[] {
    return readEvents(this.segment, this.place.lastEvent).map((event) => {
      const { level, text } = describeEvent(this.segment, event);
      return { ...event, level, text };
    });
  }
}

interface TakenTicks {
  count: number;
  busy: BusyTick[];
  streamCursors: Int32Array;
  laneCursors: Int32Array;
}
