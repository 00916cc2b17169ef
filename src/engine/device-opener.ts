import type { Device } from '../device/device.js';
import { type DeviceFormat, makeVirtual, openDevice } from '../device/open.js';
import { errorCodes, TenutoError } from '../errors.js';
import { count, counterIndex } from '../memory/counters.js';
import {
  type NamedDevice,
  noteOpening,
  readDeskState,
  settleRequest,
} from '../memory/device-desk.js';
import { recordTime, timerIndex } from '../memory/timers.js';
import { monotonicUs } from '../os/index.js';
import type { Attachment } from './attach.js';
import type { DeviceOrder } from './orders.js';

/** A virtual device in which nothing happens, and nothing is heard. */
export const quiet = (virtual: DeviceOrder['virtual']): DeviceOrder['virtual'] => {
  return { ...virtual, faults: [], loopbackFrames: 0, room: null };
};

/** Opens devices as the engine's order says, and tells the desk what became of it. */
export class DeviceOpener {
  private readonly format: DeviceFormat;

  constructor(private readonly attachment: Attachment) {
    const { segment, order } = attachment;
    const { rateHz, channels, captureChannels, quantum } = segment.layout;
    this.format = { rateHz, channels, captureChannels, quantum, epochNs: order.epochNs };
  }

  /** The device, open and started, or the error. May hang; the keeper ends whoever does. */
  open({ name, nativeRateHz }: NamedDevice, replayFrames = 0): Device | TenutoError {
    const { segment, order } = this.attachment;
    count(segment, counterIndex.deviceOpens, 1);
    const askedUs = monotonicUs();
    noteOpening(segment, order.place, askedUs);
    try {
      // Before the first sound it is a mistake, to be told; later the sound comes first.
      const mayBeDeaf = readDeskState(segment).state !== 'none';
      const wanted = { ...order.device, name, nativeRateHz, replayFrames, mayBeDeaf };
      const device = openDevice(wanted, this.format);
      recordTime(segment, timerIndex.deviceOpen, (monotonicUs() - askedUs) | 0);
      return device;
    } catch (error) {
      if (!(error instanceof TenutoError)) throw error;
      count(segment, counterIndex.deviceFailures, 1);
      count(segment, counterIndex.streamOpenFailures, 1);
      return error;
    } finally {
      noteOpening(segment, 0, monotonicUs());
    }
  }

  /** What paces the stream while there is no device. */
  standIn(): Device {
    const { device } = this.attachment.order;
    return makeVirtual({ virtual: quiet(device.virtual), replayFrames: 0 }, this.format);
  }

  /** Answers a request: it was opened, or it failed. */
  settle(number: number, failure: TenutoError | null): void {
    settleRequest(this.attachment.segment, {
      number,
      opened: failure === null,
      error: failure === null ? 0 : errorCodes.indexOf(failure.code),
      text: failure?.message ?? '',
    });
  }
}
