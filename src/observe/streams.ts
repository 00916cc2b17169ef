import { SeatState } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import { readStreamPlace, type StreamSegment, streamHeader } from '../memory/stream.js';
import { readSeat } from '../memory/stream-seats.js';

/** How a client stream is, in words. */
export type StreamState = 'free' | 'open' | 'draining' | 'discarding';

/** One client stream. */
export interface StreamStatus {
  /** Its number, by which a patch names it. */
  stream: number;
  state: StreamState;
  /** What its client calls it; empty when it is free. */
  name: string;
  /** The client's process; null when it is free. */
  pid: number | null;
  /** Frames that were written and are not played yet. */
  bufferedFrames: number;
  /** Samples that were no numbers, and samples beyond full scale, since it was opened. */
  badSamples: number;
  loudSamples: number;
}

const stateNames = Object.fromEntries(
  Object.entries(SeatState).map(([name, state]) => [state, name]),
) as Record<number, StreamState>;

/** All client streams, in the order of their numbers. */
export function readStreams(segment: Segment, streams: readonly StreamSegment[]): StreamStatus[] {
  return streams.map(({ words }, stream) => {
    const seat = readSeat(segment, stream);
    const state = stateNames[seat.state] ?? 'free';
    const taken = state !== 'free';
    const place = taken ? readStreamPlace(segment, stream) : null;
    const written = Atomics.load(words, streamHeader.written);
    return {
      stream,
      state,
      name: taken ? seat.name : '',
      pid: taken ? seat.pid : null,
      bufferedFrames: place === null ? 0 : Math.max(0, (written - place.cursor) | 0),
      badSamples: taken ? words[streamHeader.badSamples]! >>> 0 : 0,
      loudSamples: taken ? words[streamHeader.loudSamples]! >>> 0 : 0,
    };
  });
}
