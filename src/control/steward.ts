import { DeviceCatalogue, type DeviceEvent, type DeviceView } from '../device/catalogue/index.js';
import { virtualOnly } from '../device/catalogue/model.js';
import { type Decision, DevicePolicy, type PolicySettings } from '../device/policy.js';
import { count, counterIndex } from '../memory/counters.js';
import {
  type DeskState,
  hasDeskChanged,
  readDeskState,
  requestAges,
  requestDevice,
} from '../memory/device-desk.js';
import { clock } from '../memory/layout.js';
import type { Segment, Waiting } from '../memory/segment.js';
import { monotonicNs, monotonicUs } from '../os/index.js';

/** How often it looks how the drivers stand with their device: a read of a few words. */
const lookMs = 20;
/** The same where only the virtual device is wanted, which nobody unplugs. */
const calmLookMs = 100;

/** Says what is wanted of the drivers, and why. */
export type Tell = (message: string, fields: object) => void;

/**
 * Looks after the engine's device: it watches what devices there are, lets the policy decide, and
 * asks the drivers for another one. All it knows it reads again when it is started anew.
 */
export class Steward {
  private readonly policy: DevicePolicy;
  private readonly catalogue: DeviceCatalogue | null;
  private readonly timer: NodeJS.Timeout;
  private readonly retryMs: number;
  private retry: NodeJS.Timeout | null = null;
  private seen: DeskState | null = null;
  private decision: Decision | null = null;

  constructor(
    private readonly segment: Segment,
    settings: PolicySettings,
    /** What the preferences meant when the engine was started. */
    meant: readonly string[],
    private readonly world: Waiting & { tell: Tell },
  ) {
    const { name, rateHz } = readDeskState(segment);
    const lastValid = name === '' || name === 'virtual' ? null : { name, rateHz };
    const recreatedAtMs = requestAges(segment, monotonicUs()).map((us) => this.nowMs() - us / 1000);
    this.policy = new DevicePolicy(settings, { lastValid, recreatedAtMs, meant });
    this.retryMs = settings.queryCooldownSec * 1000;
    const wanted = [...settings.preferred, settings.capture ?? 'virtual'];
    const isCalm = wanted.every((one) => one === 'virtual');
    this.timer = setInterval(() => this.look(), isCalm ? calmLookMs : lookMs);
    if (isCalm) {
      this.catalogue = null;
      this.policy.see(virtualOnly, this.nowMs());
      return;
    }
    const catalogue = new DeviceCatalogue({ onEvent: (event, view) => this.hear(event, view) });
    this.catalogue = catalogue;
    void catalogue.ready().then(() => this.see(catalogue.view));
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.timer);
    if (this.retry !== null) clearTimeout(this.retry);
    this.catalogue?.close();
  }

  private nowMs(): number {
    return monotonicNs() / 1e6;
  }

  private hear(event: DeviceEvent, view: DeviceView): void {
    if (event.kind !== 'query-failed') {
      this.see(view);
      return;
    }
    count(this.segment, counterIndex.deviceQueryFailures, 1);
    this.policy.queryFailed(this.nowMs());
    this.decide();
    // What changed meanwhile is told by no event any more, so it is asked for.
    this.retry ??= setTimeout(() => {
      this.retry = null;
      this.askAgain();
    }, this.retryMs);
  }

  private see(view: DeviceView): void {
    this.policy.see(view, this.nowMs());
    this.decide();
  }

  /** One look at the desk; most find nothing new. */
  private look(): void {
    const { seen } = this;
    const isNews = seen === null || hasDeskChanged(this.segment, seen);
    const untilMs = this.decision?.action === 'wait' ? this.decision.untilMs : 0;
    if (!isNews && this.nowMs() < untilMs) return;
    const now = readDeskState(this.segment);
    this.seen = now;
    this.decide();
    const isLost = now.state === 'held' || now.state === 'continuing';
    if (isLost && seen?.sinceUs !== now.sinceUs) this.askAgain();
  }

  /** A device was lost: whether it is still there decides what is opened next. */
  private askAgain(): void {
    const { catalogue } = this;
    if (catalogue) void catalogue.refresh().then(() => this.see(catalogue.view));
    else this.see(virtualOnly);
  }

  private decide(): void {
    const { policy } = this;
    const nowMs = this.nowMs();
    const desk = readDeskState(this.segment);
    const { state, lostReason, name, rateHz, isDeaf, request, settled, opened } = desk;
    // Before the first device has been opened by the first driver there is nothing to decide.
    if (state === 'none') return;
    const orderState = request !== settled ? 'opening' : opened ? 'open' : 'failed';
    policy.engine(
      {
        playing: state === 'playing' ? { name, rateHz } : null,
        hasStalled: lostReason === 'stalled',
        isDeaf,
        order: request === 0 ? null : { sequence: request, state: orderState },
      },
      nowMs,
    );
    this.decision = policy.decide(nowMs);
    if (this.decision.action !== 'open') return;
    const { sequence, device, reason } = this.decision;
    this.world.tell('another device is opened', { device: device.name, reason });
    requestDevice(this.segment, {
      number: sequence,
      name: device.name,
      nativeRateHz: device.rateHz,
      us: monotonicUs(),
    });
    this.world.wake(this.segment.layout.clock + clock.requestedGeneration);
  }
}
