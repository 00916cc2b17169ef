import type { Device } from '../device/device.js';
import { type DeviceFormat, openDevice } from '../device/open.js';
import { errorCodes, TenutoError } from '../errors.js';
import { count, counterIndex } from '../memory/counters.js';
import { noteOpening, settleRequest } from '../memory/device-desk.js';
import { monotonicUs } from '../os/index.js';
import type { Attachment } from './attach.js';

/** Opens devices as the engine's order says, and tells the desk what became of it. */
export class DeviceOpener {
  private readonly format: DeviceFormat;

  constructor(private readonly attachment: Attachment) {
    const { segment, order } = attachment;
    const { rateHz, channels, captureChannels, quantum } = segment.layout;
    this.format = { rateHz, channels, captureChannels, quantum, epochNs: order.epochNs };
  }

  /** The device, open and started, or the error. May hang; the keeper ends whoever does. */
  open(name: string): Device | TenutoError {
    const { segment, order } = this.attachment;
    count(segment, counterIndex.deviceOpens, 1);
    noteOpening(segment, order.place, monotonicUs());
    try {
      const device = openDevice({ ...order.device, name }, this.format);
      device.open();
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
    const { virtual } = this.attachment.order.device;
    return openDevice({ name: 'virtual', virtual: { ...virtual, faults: [] } }, this.format);
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
