import { limits } from '../limits.js';
import {
  commandsPerTick,
  commandWords,
  journalTicks,
  laneCount,
  RecordStatus,
} from '../memory/layout.js';
import { ByteReader, ByteWriter, JournalDamage } from './bytes.js';
import { packSamples, unpackSamples } from './sample-packing.js';

/** One tick at which something came in; all others are quiet. */
export interface BusyTick {
  tick: number;
  /** What became of its record, a `RecordStatus`: only where it is `live` its commands count. */
  fate: number;
  /** `commandWords` words each, as they stood in the record. */
  commands: Int32Array;
  /** Streams that this tick plays something of, and how many frames. */
  streams: { stream: number; frames: number }[];
}

/** Frames of a client's stream, by its own count of frames (wraps). */
export interface StreamPart {
  stream: number;
  from: number;
  /** Interleaved, at the engine's channels. */
  samples: Float32Array;
}

/** Quanta that were given to the device one after the other, of one kind and generation. */
export interface PlayedRun {
  position: number;
  /** Of the first one; content goes on tick by tick, filler stays at the tick that it waits for. */
  tick: number;
  quanta: number;
  /** An `OutputKind`. */
  kind: number;
  generation: number;
  /** Running checksum of the samples of all of them; 0 of filler. */
  sum: number;
}

/** Something that the keeper noted, with the words for it. */
export interface JournalEvent {
  sequence: number;
  kind: string;
  /** Monotonic clock of the engine's machine, microseconds, 32 bits. */
  timeUs: number;
  place: number;
  a: number;
  b: number;
  level: string;
  text: string;
}

/** Some ticks, complete: whatever came in, and what was played meanwhile. */
export interface Step {
  firstTick: number;
  ticks: number;
  busy: BusyTick[];
  parts: StreamPart[];
  played: PlayedRun[];
  events: JournalEvent[];
  /** Where the next step goes on: cursors after the last tick, output position, last event. */
  laneCursors: Int32Array;
  streamCursors: Int32Array;
  nextPosition: number;
  lastEvent: number;
  /** When the step was taken: milliseconds since 1970, and by the clock of the events. */
  timeMs: number;
  clockUs: number;
}

export function encodeStep(step: Step): Buffer {
  const to = new ByteWriter(4096);
  to.i32(step.firstTick);
  to.count(step.ticks);
  to.count(step.busy.length);
  let last = step.firstTick;
  for (const { tick, fate, commands, streams } of step.busy) {
    to.count((tick - last) | 0);
    last = tick;
    to.u8(fate);
    to.count(commands.length / commandWords);
    to.raw(new Uint8Array(commands.buffer, commands.byteOffset, commands.byteLength));
    to.count(streams.length);
    for (const { stream, frames } of streams) {
      to.u8(stream);
      to.count(frames);
    }
  }
  to.count(step.parts.length);
  for (const { stream, from, samples } of step.parts) {
    to.u8(stream);
    to.i32(from);
    packSamples(to, samples);
  }
  to.count(step.played.length);
  for (const run of step.played) {
    to.i32(run.position);
    to.i32(run.tick);
    to.count(run.quanta);
    to.u8(run.kind);
    to.count(run.generation);
    to.i32(run.sum);
  }
  to.text(step.events.length === 0 ? '' : JSON.stringify(step.events));
  for (const cursor of step.laneCursors) to.i32(cursor);
  const moved = [...step.streamCursors.entries()].filter(([, cursor]) => cursor !== 0);
  to.count(moved.length);
  for (const [stream, cursor] of moved) {
    to.u8(stream);
    to.i32(cursor);
  }
  to.i32(step.nextPosition);
  to.count(step.lastEvent);
  to.f64(step.timeMs);
  to.i32(step.clockUs);
  return to.bytes;
}

/** @throws JournalDamage */
export function decodeStep(payload: Buffer): Step {
  const from = new ByteReader(payload);
  const firstTick = from.i32();
  const ticks = from.count(journalTicks, 'a number of ticks');
  const busy = list(from, ticks, 'busy ticks', busyReader(from, firstTick, ticks));
  let samplesLeft: number = limits.journalStepSamplesMax;
  const parts = list(from, limits.streamsMax, 'streams', () => {
    const stream = streamOf(from);
    const first = from.i32();
    const samples = unpackSamples(from, samplesLeft);
    samplesLeft -= samples.length;
    return { stream, from: first, samples };
  });
  const played = list(from, 4 * journalTicks, 'runs', () => ({
    position: from.i32(),
    tick: from.i32(),
    quanta: from.count(4 * journalTicks, 'a number of quanta'),
    kind: from.u8(),
    generation: from.count(0xffff_ffff, 'a generation'),
    sum: from.i32(),
  }));
  const events = readEvents(from);
  const laneCursors = Int32Array.from({ length: laneCount }, () => from.i32());
  const streamCursors = new Int32Array(limits.streamsMax);
  list(from, limits.streamsMax, 'cursors', () => {
    streamCursors[streamOf(from)] = from.i32();
  });
  return {
    firstTick,
    ticks,
    busy,
    parts,
    played,
    events,
    laneCursors,
    streamCursors,
    nextPosition: from.i32(),
    lastEvent: from.count(0xffff_ffff, 'a number of events'),
    timeMs: from.f64(),
    clockUs: from.i32(),
  };
}

function list<T>(from: ByteReader, max: number, what: string, read: () => T): T[] {
  return Array.from({ length: from.count(max, `the number of ${what}`) }, read);
}

function busyReader(from: ByteReader, firstTick: number, ticks: number): () => BusyTick {
  let index = 0;
  return () => {
    index += from.count(ticks, 'a tick');
    if (index >= ticks) throw new JournalDamage('a tick is not of its step');
    const fate = from.within(from.u8(), RecordStatus.silenced, 'a fate');
    const count = from.count(commandsPerTick, 'the number of commands');
    const commands = new Int32Array(count * commandWords);
    for (let i = 0; i < commands.length; i++) commands[i] = from.i32();
    const streams = list(from, limits.streamsMax, 'streams of a tick', () => ({
      stream: streamOf(from),
      frames: from.count(limits.quantumFramesMax, 'a number of frames'),
    }));
    return { tick: (firstTick + index) | 0, fate, commands, streams };
  };
}

function streamOf(from: ByteReader): number {
  return from.within(from.u8(), limits.streamsMax - 1, 'a stream');
}

function readEvents(from: ByteReader): JournalEvent[] {
  const text = from.text(limits.journalChunkBytesMax, 'the events');
  if (text === '') return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new JournalDamage('the events cannot be read');
  }
  if (!Array.isArray(value)) throw new JournalDamage('the events are no list');
  return value.map((one: Partial<JournalEvent> | null) => ({
    sequence: Number(one?.sequence ?? 0),
    kind: String(one?.kind ?? 'none'),
    timeUs: Number(one?.timeUs ?? 0),
    place: Number(one?.place ?? 0),
    a: Number(one?.a ?? 0),
    b: Number(one?.b ?? 0),
    level: String(one?.level ?? 'info'),
    text: String(one?.text ?? ''),
  }));
}
