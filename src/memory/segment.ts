import { assert } from '../errors.js';
import {
  clock,
  type Geometry,
  generation,
  header,
  type Layout,
  layoutMagic,
  layoutOf,
  layoutVersion,
} from './layout.js';
import { packFenced, tickAfter } from './ticks.js';

/**
 * The engine's memory: one layout over one buffer, seen as words, as samples and as bytes. It does
 * not care whether the buffer is a mapped `memfd` or an array in a simulation.
 */
export interface Segment {
  readonly layout: Layout;
  readonly words: Int32Array;
  readonly samples: Float32Array;
  readonly bytes: Uint8Array;
}

/** The waiting that a process needs: futexes in production, a scheduler in the simulation. */
export interface Waiting {
  /** Wakes all who wait for the word at this index. Allocation-free. */
  wake(word: number): void;
}

/** Words of the header that a process must map before it knows how much there is to map. */
export const headerBytes = header.words * 4;

function viewsOf(buffer: ArrayBufferLike, layout: Layout): Segment {
  return {
    layout,
    words: new Int32Array(buffer, 0, layout.bytes / 4),
    samples: new Float32Array(buffer, 0, layout.bytes / 4),
    bytes: new Uint8Array(buffer, 0, layout.bytes),
  };
}

/**
 * Writes the header and the first clock words into a zeroed buffer. Only the keeper does this,
 * before any other process exists.
 */
export function createSegment(buffer: ArrayBufferLike, geometry: Geometry): Segment {
  const layout = layoutOf(geometry);
  assert(buffer.byteLength >= layout.bytes, 'the buffer holds the layout');
  const segment = viewsOf(buffer, layout);
  const { words } = segment;
  words[header.version] = layoutVersion;
  words[header.bytes] = layout.bytes / 4096;
  words[header.quantum] = geometry.quantum;
  words[header.rateHz] = geometry.rateHz;
  words[header.channels] = geometry.channels;
  words[header.captureChannels] = geometry.captureChannels;
  words[header.lead] = geometry.lead;
  words[header.snapshotTicks] = geometry.snapshotTicks;
  words[header.arenaBytes] = geometry.arenaBytes;
  words[header.programBytes] = geometry.programBytes;
  words[header.firstTick] = geometry.firstTick;
  words[layout.clock + clock.sealed] = packFenced(0, tickAfter(geometry.firstTick, -1));
  words[layout.clock + clock.committed] = packFenced(0, 0);
  words[layout.clock + clock.nearTick] = tickAfter(geometry.firstTick, -1);
  words[layout.clock + clock.headTick] = geometry.firstTick;
  // Generation 0 sealed and played nothing; it is where every search in the table ends.
  const first = layout.generations;
  words[first + generation.sealStart] = geometry.firstTick;
  words[first + generation.playStart] = geometry.firstTick;
  Atomics.store(words, header.magic, layoutMagic);
  return segment;
}

/** Reads the geometry from a mapped header; refuses what is not a segment of this version. */
export function readGeometry(buffer: ArrayBufferLike): Geometry {
  const words = new Int32Array(buffer, 0, header.words);
  assert(Atomics.load(words, header.magic) === layoutMagic, 'this is a segment');
  assert(words[header.version] === layoutVersion, 'the segment has this layout version');
  return {
    quantum: words[header.quantum]!,
    rateHz: words[header.rateHz]!,
    channels: words[header.channels]!,
    captureChannels: words[header.captureChannels]!,
    lead: words[header.lead]!,
    snapshotTicks: words[header.snapshotTicks]!,
    arenaBytes: words[header.arenaBytes]!,
    programBytes: words[header.programBytes]!,
    firstTick: words[header.firstTick]!,
  };
}

/** Views an existing segment. */
export function openSegment(buffer: ArrayBufferLike): Segment {
  const layout = layoutOf(readGeometry(buffer));
  assert(buffer.byteLength >= layout.bytes, 'the mapping holds the layout');
  return viewsOf(buffer, layout);
}
