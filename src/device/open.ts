import { readClock, sleepUntil } from '../os/index.js';
import type { Device } from './device.js';
import { checkDeviceName } from './names.js';
import { VirtualDevice, type VirtualOptions } from './virtual.js';

/** What the engine gives and takes. */
export interface DeviceFormat {
  rateHz: number;
  channels: number;
  captureChannels: number;
  /** Frames in each turn. */
  quantum: number;
  /** Time base of scripted faults, monotonic nanoseconds. */
  epochNs: number;
}

/** What is to be opened, and how. */
export interface OpenOrder {
  name: string;
  virtual: Pick<VirtualOptions, 'rateErrorPpm' | 'jitterUs' | 'faults'>;
}

/** The device of this name, not yet opened. Names are those of `tenuto devices`, or `default`. */
export function openDevice(order: OpenOrder, format: DeviceFormat): Device {
  checkDeviceName(order.name);
  return new VirtualDevice({ ...order.virtual, ...format }, { read: readClock, sleepUntil });
}
