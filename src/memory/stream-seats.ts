import { type SeatState, streamSeat } from './layout.js';
import type { Segment } from './segment.js';

/**
 * Who holds which client stream. Only the control process writes here, and it knows nothing else:
 * the one that replaces it goes on from these words.
 */
export interface StreamOwner {
  readonly pid: number;
  /** When that process started, in clock ticks since the machine did: pids come again. */
  readonly startTicks: number;
  /** What the owner calls this opening; not 0. */
  readonly token: number;
}

/** One place for a stream. */
export interface StreamSeat extends StreamOwner {
  readonly state: SeatState;
  readonly name: string;
}

const nameBytesMax = (streamSeat.words - streamSeat.name) * 4;

/** Word index of the seat of a stream. */
export function streamSeatAt(segment: Segment, stream: number): number {
  return segment.layout.streamSeats + stream * streamSeat.words;
}

export function seatState(segment: Segment, stream: number): SeatState {
  const at = streamSeatAt(segment, stream);
  return Atomics.load(segment.words, at + streamSeat.state) as SeatState;
}

export function setSeatState(segment: Segment, stream: number, state: SeatState): void {
  Atomics.store(segment.words, streamSeatAt(segment, stream) + streamSeat.state, state);
}

/** Writes all but the state, which makes it count. */
export function writeSeat(
  segment: Segment,
  stream: number,
  { pid, startTicks, token, name }: StreamOwner & { name: string },
): void {
  const { words, bytes } = segment;
  const at = streamSeatAt(segment, stream);
  words[at + streamSeat.pid] = pid;
  words[at + streamSeat.startLow] = startTicks | 0;
  words[at + streamSeat.startHigh] = Math.floor(startTicks / 2 ** 32);
  words[at + streamSeat.token] = token;
  const text = bytes.subarray(
    (at + streamSeat.name) * 4,
    (at + streamSeat.name) * 4 + nameBytesMax,
  );
  words[at + streamSeat.nameBytes] = new TextEncoder().encodeInto(name, text).written;
}

export function readSeat(segment: Segment, stream: number): StreamSeat {
  const { words, bytes } = segment;
  const at = streamSeatAt(segment, stream);
  const from = (at + streamSeat.name) * 4;
  const length = Math.min(words[at + streamSeat.nameBytes]! >>> 0, nameBytesMax);
  return {
    state: seatState(segment, stream),
    pid: words[at + streamSeat.pid]!,
    startTicks:
      words[at + streamSeat.startHigh]! * 2 ** 32 + (words[at + streamSeat.startLow]! >>> 0),
    token: words[at + streamSeat.token]!,
    name: new TextDecoder().decode(bytes.slice(from, from + length)),
  };
}
