import type { Random } from './random.js';

/** When faults happen: in which tick, and when in it, so that a process is hit at any of its steps. */
export class FaultPlan {
  private nextTick: number;
  private dueUs = Number.POSITIVE_INFINITY;

  /** @param everyTicks - mean distance of two faults */
  constructor(
    private readonly random: Random,
    private readonly everyTicks: number,
    firstTick: number,
    private readonly tickUs: number,
  ) {
    this.nextTick = firstTick;
  }

  /** Whether one is due now; it counts as done. Sometimes the next is right behind it. */
  isDue(tick: number, nowUs: number): boolean {
    const { random } = this;
    if (tick >= this.nextTick) {
      this.nextTick = Number.POSITIVE_INFINITY;
      this.dueUs = nowUs + random.between(0, this.tickUs);
    }
    if (nowUs < this.dueUs) return false;
    this.dueUs = Number.POSITIVE_INFINITY;
    this.nextTick = tick + (random.chance(0.15) ? 0 : random.between(1, 2 * this.everyTicks));
    return true;
  }
}
