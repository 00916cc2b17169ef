import { clock, Directive, DriverMark } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';

/** What the standby driver should do now. */
export const StandbyAdvice = { wait: 0, takeOver: 1, leave: 2 } as const;
export type StandbyAdvice = (typeof StandbyAdvice)[keyof typeof StandbyAdvice];

/**
 * The watch of the standby driver: it takes over when the keeper asks for its generation (a death
 * was seen), or when the current driver's beat stands still for too long (it hangs).
 */
export class StandbyCore {
  /** Wait until this word leaves `waitValue`, at most until the deadline. */
  readonly waitWord: number;
  waitValue = 0;
  private beatSinceUs = 0;

  constructor(
    private readonly segment: Segment,
    private readonly generation: number,
    /** Microseconds without a beat after which the current driver counts as hung. */
    private readonly patienceUs: number,
    nowUs: number,
  ) {
    this.waitWord = segment.layout.clock + clock.beat;
    this.waitValue = Atomics.load(segment.words, this.waitWord);
    this.beatSinceUs = nowUs;
  }

  /** Looks around; `nowUs` is the monotonic clock. Allocation-free. */
  advise(nowUs: number): StandbyAdvice {
    const { words, layout } = this.segment;
    Atomics.add(words, layout.clock + clock.standbyBeat, 1);
    const directive = Atomics.load(words, layout.clock + clock.directive);
    if (directive >= Directive.leave) return StandbyAdvice.leave;
    if (Atomics.load(words, layout.clock + clock.requestedGeneration) === this.generation) {
      return StandbyAdvice.takeOver;
    }
    const beat = Atomics.load(words, this.waitWord);
    if (beat !== this.waitValue) {
      this.waitValue = beat;
      this.beatSinceUs = nowUs;
      return StandbyAdvice.wait;
    }
    const mark = Atomics.load(words, layout.clock + clock.driverMark);
    const playing = mark !== DriverMark.starting && mark !== DriverMark.closed;
    const silentUs = nowUs - this.beatSinceUs;
    return playing && silentUs >= this.patienceUs ? StandbyAdvice.takeOver : StandbyAdvice.wait;
  }
}
