import { hasRequest, lastAnswer, readDevice, requestDevice } from '../memory/device-desk.js';
import type { Segment } from '../memory/segment.js';
import { monotonicUs } from '../os/index.js';

/** Looks after the engine's device: asks the drivers for another one when it is to be changed. */
export class Steward {
  private nextUs = monotonicUs();

  constructor(
    private readonly segment: Segment,
    private readonly names: readonly string[],
    private readonly retryMs: number,
  ) {}

  /** One look; cheap enough to be done every few milliseconds. */
  poll(): void {
    const { segment } = this;
    const { state } = readDevice(segment);
    if ((state !== 'held' && state !== 'continuing') || hasRequest(segment)) return;
    const nowUs = monotonicUs();
    if (((nowUs - this.nextUs) | 0) < 0) return;
    this.nextUs = (nowUs + this.retryMs * 1000) | 0;
    requestDevice(segment, this.names[0]!, nowUs);
    void lastAnswer;
  }
}
