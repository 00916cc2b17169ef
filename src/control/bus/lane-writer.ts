import { commandWords } from '../../dsp/command.js';
import { laneCommandAt, laneCount, laneWritten, offerCommands } from '../../memory/commands.js';
import { laneCommands } from '../../memory/layout.js';
import type { Segment } from '../../memory/segment.js';

/**
 * Writes commands into the lane of this control process. What its predecessors left in theirs is
 * sealed first, so that commands are applied in the order in which they were taken.
 */
export class LaneWriter {
  private isAlone = false;

  constructor(
    private readonly segment: Segment,
    readonly lane: number,
  ) {}

  /** Number of the next command in the lane. */
  get next(): number {
    return laneWritten(this.segment, this.lane);
  }

  /** Writes all records or none. @param cursors commands of each lane that were sealed. */
  offer(records: Int32Array, cursors: Int32Array): boolean {
    if (!this.isAlone) this.isAlone = this.othersAreEmpty(cursors);
    return this.isAlone && offerCommands(this.segment, this.lane, cursors[this.lane]!, records);
  }

  /** Commands that wait to be sealed, in all lanes. */
  waiting(cursors: Int32Array): number {
    let waiting = 0;
    for (let lane = 0; lane < laneCount; lane++) {
      waiting += (laneWritten(this.segment, lane) - cursors[lane]!) | 0;
    }
    return waiting;
  }

  /** Calls `visit` with the word index of each command that waits to be sealed. */
  forEachWaiting(cursors: Int32Array, visit: (at: number) => void): void {
    for (let lane = 0; lane < laneCount; lane++) {
      const written = laneWritten(this.segment, lane);
      const waiting = Math.min((written - cursors[lane]!) | 0, laneCommands);
      for (let i = waiting; i > 0; i--) {
        visit(laneCommandAt(this.segment, lane, (written - i) | 0));
      }
    }
  }

  private othersAreEmpty(cursors: Int32Array): boolean {
    for (let lane = 0; lane < laneCount; lane++) {
      if (lane === this.lane) continue;
      if (laneWritten(this.segment, lane) !== cursors[lane]) return false;
    }
    return true;
  }
}

/** Records in an array of their words. */
export function countOf(records: Int32Array): number {
  return records.length / commandWords;
}
