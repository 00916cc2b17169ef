import { commandWords, laneCommands, laneCount, lane as laneWords } from './layout.js';
import type { Segment } from './segment.js';

/**
 * Command lanes: one per incarnation of the control process (incarnation modulo the number of
 * lanes), so that a control process that was replaced cannot write where its successor does. The
 * driver copies commands from the lanes into the journal; the lane cursors in the journal say how
 * far it came.
 */
export function laneAt(segment: Segment, laneIndex: number): number {
  return segment.layout.lanes + laneIndex * segment.layout.laneStride;
}

/** Commands ever written to a lane (wraps). */
export function laneWritten(segment: Segment, laneIndex: number): number {
  return Atomics.load(segment.words, laneAt(segment, laneIndex) + laneWords.written);
}

/** Word index of the command with this running number. */
export function laneCommandAt(segment: Segment, laneIndex: number, number: number): number {
  const row = number & (laneCommands - 1);
  return laneAt(segment, laneIndex) + laneWords.body + row * commandWords;
}

/**
 * Appends commands of `commandWords` words each, all at once or none: who is killed in between
 * has appended none. `taken` is the lane's cursor in the last sealed record. False when the lane
 * lacks the room: try again after the next tick.
 */
export function offerCommands(
  segment: Segment,
  laneIndex: number,
  taken: number,
  commands: ArrayLike<number>,
): boolean {
  const written = laneWritten(segment, laneIndex);
  const more = commands.length / commandWords;
  if (((written - taken) | 0) + more > laneCommands) return false;
  for (let n = 0; n < more; n++) {
    const at = laneCommandAt(segment, laneIndex, (written + n) | 0);
    for (let i = 0; i < commandWords; i++) {
      segment.words[at + i] = commands[n * commandWords + i]!;
    }
  }
  const word = laneAt(segment, laneIndex) + laneWords.written;
  Atomics.store(segment.words, word, (written + more) | 0);
  return true;
}

export { laneCount };
