import { readClock, sleepUntil } from '../os/index.js';
import type { Device } from './device.js';
import { checkDeviceName } from './names.js';
import { VirtualDevice, type VirtualOptions } from './virtual.js';

/** The device of this name, not yet opened. Names are those of `tenuto devices`, or `default`. */
export function openDevice(
  order: Pick<VirtualOptions, 'rateErrorPpm' | 'jitterUs' | 'faults'> & { name: string },
  format: Pick<VirtualOptions, 'rateHz' | 'channels' | 'quantum' | 'epochNs'>,
): Device {
  checkDeviceName(order.name);
  return new VirtualDevice({ ...order, ...format }, { read: readClock, sleepUntil });
}
