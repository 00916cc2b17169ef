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
/** It looks around so often when nobody calls it: a replica does that is not called in time. */
const calmUs = 50_000;
/** A wake-up that is later than this tells of a machine that stood still, and the driver with it. */
const lateUs = 1000;
/** For a driver that may have stood still with the machine to make a turn. */
const graceUs = 1000;
/** Then it is its own fault. */
const gracesMax = 3;

/**
 * The watch of the standby driver: it takes over when the keeper asks for its generation (a death
 * was seen), when the current driver has made no turn for too long (it hangs), or when control asks
 * for another device.
 *
 * In steady state it sleeps: the replicas are called by the driver tick by tick, and wake the
 * standby when a call does not come. What it then sees is believed once it has been awake on time
 * for a moment: where the whole machine stood still, the driver goes on as soon as the watch does,
 * and to take over would only make it later.
 */
export class StandbyCore {
  /** Wait until this word leaves `waitValue`, at most for `waitUs`. */
  readonly waitWord: number;
  waitValue = 0;
  waitUs = calmUs;
  /** When it will be awake to judge the driver; null while it trusts it. */
  private judgesAtUs: number | null = null;
  private graces = 0;

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
    this.waitUs = calmUs;
    const mark = Atomics.load(words, layout.clock + clock.driverMark);
    if (mark === DriverMark.closed) return StandbyAdvice.wait;
    const running = Atomics.load(words, layout.clock + clock.directive) === Directive.run;
    const asked = running && hasRequest(this.segment);
    // The first driver is not judged by its beat; but it may have lost its device already.
    if (mark === DriverMark.starting) return asked ? StandbyAdvice.open : StandbyAdvice.wait;
    const silentUs = (nowUs - Atomics.load(words, layout.clock + clock.beatUs)) | 0;
    if (silentUs >= patienceUs) {
      // A second replica that misses its call wakes it before the moment that it waits for.
      const earlyUs = this.judgesAtUs === null ? 0 : (this.judgesAtUs - nowUs) | 0;
      if (earlyUs > 0) {
        this.waitUs = earlyUs;
        return StandbyAdvice.wait;
      }
      if (this.isProof(nowUs)) return StandbyAdvice.takeOver;
      this.judgeIn(graceUs, nowUs);
      return StandbyAdvice.wait;
    }
    this.graces = 0;
    this.judgesAtUs = null;
    if (asked) return StandbyAdvice.open;
    // Then it wakes up just when the turn that it saw last has become too old.
    if (silentUs >= patienceUs / 2) this.judgeIn(patienceUs - silentUs, nowUs);
    return StandbyAdvice.wait;
  }

  /** Whether a driver that is silent hangs, and has not stood still with the whole machine. */
  private isProof(nowUs: number): boolean {
    const isOnTime = this.judgesAtUs !== null && ((nowUs - this.judgesAtUs) | 0) <= lateUs;
    return isOnTime || this.graces++ >= gracesMax;
  }

  private judgeIn(us: number, nowUs: number): void {
    this.waitUs = us;
    this.judgesAtUs = (nowUs + us) | 0;
  }
}
