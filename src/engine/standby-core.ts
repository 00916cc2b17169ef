import { deskHealth, hasRequest } from '../memory/device-desk.js';
import { clock, DeviceState, Directive, DriverMark, desk } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';

/** What the standby driver should do now. */
export const StandbyAdvice = {
  wait: 0,
  takeOver: 1,
  leave: 2,
  /** Open the device that is asked for, and take over when it plays. */
  open: 3,
} as const;
export type StandbyAdvice = (typeof StandbyAdvice)[keyof typeof StandbyAdvice];

/** No device may hold up the stream for longer, however much it holds. */
const patienceMaxUs = 100_000;

/**
 * The watch of the standby driver: it takes over when the keeper asks for its generation (a death
 * was seen), when the current driver has made no turn for too long (it hangs), or when control asks
 * for another device.
 */
export class StandbyCore {
  /** Wait until this word leaves `waitValue`, at most for `waitUs`. */
  readonly waitWord: number;
  waitValue = 0;
  waitUs = 0;

  constructor(
    private readonly segment: Segment,
    private readonly generation: number,
    /**
     * Microseconds without a turn after which the current driver counts as hung, where its device
     * does not hold more than that.
     */
    private readonly leastPatienceUs: number,
  ) {
    this.waitWord = segment.layout.clock + clock.requestedGeneration;
  }

  /**
   * Microseconds without a turn that the current driver may take: until its device has run dry it
   * does no harm, and to open the device once more takes far longer.
   */
  get patienceUs(): number {
    const { words, layout } = this.segment;
    const state = Atomics.load(words, layout.desk + desk.state);
    // Nothing can be late while the content waits, and the next device needs somebody to open it.
    if (state === DeviceState.held) return patienceMaxUs;
    if (state !== DeviceState.playing) return this.leastPatienceUs;
    const heldFrames = words[layout.desk + desk.health + deskHealth.latencyFrames]!;
    const heldUs = Math.round((heldFrames * 1e6) / layout.rateHz);
    return Math.max(this.leastPatienceUs, Math.min(heldUs, patienceMaxUs));
  }

  /**
   * Asks the current driver to leave at its next turn, which it does with all committed that it
   * gave. `waitWord` and its companions say what to wait for; then `hasLeft` tells.
   */
  askToLeave(): void {
    const { words, layout } = this.segment;
    Atomics.store(words, layout.clock + clock.handover, this.generation);
  }

  /** Whether the current driver left for this one. */
  get hasLeft(): boolean {
    const { words, layout } = this.segment;
    return Atomics.load(words, layout.clock + clock.handedOver) === this.generation;
  }

  /** Looks around; `nowUs` is the monotonic clock, 32 bits. */
  advise(nowUs: number): StandbyAdvice {
    const { words, layout } = this.segment;
    Atomics.add(words, layout.clock + clock.standbyBeat, 1);
    if (Atomics.load(words, layout.clock + clock.directive) >= Directive.leave) {
      return StandbyAdvice.leave;
    }
    this.waitValue = Atomics.load(words, this.waitWord);
    if (this.waitValue === this.generation) return StandbyAdvice.takeOver;
    const { patienceUs } = this;
    this.waitUs = patienceUs;
    const mark = Atomics.load(words, layout.clock + clock.driverMark);
    if (mark === DriverMark.closed) return StandbyAdvice.wait;
    const running = Atomics.load(words, layout.clock + clock.directive) === Directive.run;
    const asked = running && hasRequest(this.segment);
    // The first driver is not judged by its beat; but it may have lost its device already.
    if (mark === DriverMark.starting) return asked ? StandbyAdvice.open : StandbyAdvice.wait;
    const silentUs = (nowUs - Atomics.load(words, layout.clock + clock.beatUs)) | 0;
    if (silentUs >= patienceUs) return StandbyAdvice.takeOver;
    if (asked) return StandbyAdvice.open;
    // It wakes up just when the turn that it saw last has become too old.
    this.waitUs = Math.min(patienceUs, patienceUs - silentUs);
    return StandbyAdvice.wait;
  }
}
