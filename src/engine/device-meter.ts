import { type Device, deviceHealth } from '../device/device.js';
import { count, counterIndex } from '../memory/counters.js';
import { deskHealth, rateUnknown } from '../memory/device-desk.js';
import { histogramIndex, recordInHistogram } from '../memory/histograms.js';
import { clock, desk } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import { recordTime, timerIndex } from '../memory/timers.js';

/**
 * Counts and times what the driver sees of its device. On the audio thread: it allocates nothing,
 * and truncates what devices tell as doubles before it passes it on, which would be boxed.
 */
export class DeviceMeter {
  private recreating: boolean;
  private readonly quantumUs: number;
  private readonly leadUs: number;
  private lastUs = 0;
  private isPaced = false;

  constructor(
    private readonly segment: Segment,
    /** Microseconds of the monotonic clock, 32 bits. */
    private readonly world: { nowUs(): number },
    /** When another device was asked for, by that clock; null when it was not. */
    private readonly askedUs: number | null,
  ) {
    this.recreating = askedUs !== null;
    const { quantum, rateHz, lead } = segment.layout;
    this.quantumUs = Math.round((quantum * 1e6) / rateHz);
    this.leadUs = Math.round((lead * quantum * 1e6) / rateHz);
  }

  /** The device took a quantum. */
  given(health: Float64Array): void {
    const conversionUs = health[deviceHealth.conversionUs]! | 0;
    if (conversionUs > 0) recordTime(this.segment, timerIndex.callbackResample, conversionUs);
    if (!this.recreating) return;
    this.recreating = false;
    count(this.segment, counterIndex.recreations, 1);
    recordTime(this.segment, timerIndex.recreateTotal, (this.world.nowUs() - this.askedUs!) | 0);
  }

  /** A quantum counts as played: how evenly they come, and how late they are heard. */
  committed(nowUs: number, health: Float64Array): void {
    const { segment, lastUs } = this;
    const { words, layout } = segment;
    words[layout.clock + clock.commitUs] = nowUs;
    this.lastUs = nowUs;
    if (this.isPaced) {
      const strayUs = (((nowUs - lastUs) | 0) - this.quantumUs) | 0;
      recordInHistogram(segment, histogramIndex.quantumJitter, strayUs < 0 ? -strayUs : strayUs);
    }
    this.isPaced = true;
    const deviceUs = ((health[deviceHealth.latencyFrames]! * 1e6) / layout.rateHz) | 0;
    recordInHistogram(segment, histogramIndex.outputLatency, (this.leadUs + deviceUs) | 0);
  }

  /** What a successor has to play again, should this device be lost, or this driver. */
  holds(device: Device, leftFrames: number): void {
    const { words, layout } = this.segment;
    words[layout.desk + desk.unplayedFrames] = device.unplayedFrames + leftFrames;
  }

  /** Now and then: copies what the device tells to the desk. */
  looked(health: Float64Array): void {
    const { words, layout } = this.segment;
    const at = layout.desk + desk.health;
    const ppb = health[deviceHealth.rateErrorPpm]! * 1000;
    words[at + deskHealth.rateErrorPpb] = Math.max(ppb, rateUnknown);
    words[at + deskHealth.jitterUs] = health[deviceHealth.jitterUs]!;
    words[at + deskHealth.fillFrames] = health[deviceHealth.fillFrames]!;
    words[at + deskHealth.latencyFrames] = health[deviceHealth.latencyFrames]!;
    words[at + deskHealth.captureFillFrames] = health[deviceHealth.captureFillFrames]!;
    words[at + deskHealth.captureDropFrames] = health[deviceHealth.captureDropFrames]!;
    words[at + deskHealth.captureLost] = health[deviceHealth.captureLost]!;
    words[at + deskHealth.conversionUs] = health[deviceHealth.conversionUs]!;
    words[at + deskHealth.deviceRateHz] = health[deviceHealth.deviceRateHz]!;
  }
}
