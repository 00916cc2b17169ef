import { deviceHealth } from '../device/device.js';
import { count, counterIndex } from '../memory/counters.js';
import type { Segment } from '../memory/segment.js';
import { recordTime, timerIndex } from '../memory/timers.js';

/**
 * Counts and times what a device tells of itself. On the audio thread: it allocates nothing, and
 * truncates what devices tell as doubles before it passes it on, which would be boxed.
 */
export class DeviceMeter {
  private countedDropFrames = 0;

  constructor(private readonly segment: Segment) {}

  /** The device took a quantum. */
  given(health: Float64Array): void {
    const conversionUs = health[deviceHealth.conversionUs]! | 0;
    if (conversionUs > 0) recordTime(this.segment, timerIndex.callbackResample, conversionUs);
  }

  /** Now and then: what the device threw away since the last look. */
  looked(health: Float64Array): void {
    const frames = (health[deviceHealth.captureDropFrames]! - this.countedDropFrames) | 0;
    if (frames <= 0) return;
    this.countedDropFrames = (this.countedDropFrames + frames) | 0;
    count(this.segment, counterIndex.captureDropFrames, frames);
  }
}
