import { TenutoError } from '../errors.js';
import { readClock, sleepUntil } from '../os/index.js';
import type { Device } from './device.js';
import { VirtualDevice, type VirtualOptions } from './virtual.js';

/** A device as `tenuto devices` lists it. */
export interface DeviceInfo {
  name: string;
  description: string;
  /** Channels it plays and captures, at most. */
  outputs: number;
  inputs: number;
  isDefault: boolean;
}

/** What can be played on here. */
export function listDevices(): DeviceInfo[] {
  return [
    {
      name: 'virtual',
      description: 'paced by the monotonic clock, plays nowhere; recordings and services hear it',
      outputs: 8,
      inputs: 0,
      isDefault: true,
    },
  ];
}

/**
 * Refuses a name that no device has.
 *
 * @throws TenutoError `TENUTO_DEVICE_UNKNOWN`
 */
export function checkDeviceName(name: string): void {
  if (name === 'default' || listDevices().some((device) => device.name === name)) return;
  throw new TenutoError('TENUTO_DEVICE_UNKNOWN', `there is no device "${name}"`);
}

/** The device of this name, not yet opened. Names are those of `tenuto devices`, or `default`. */
export function openDevice(
  order: Pick<VirtualOptions, 'rateErrorPpm' | 'jitterUs' | 'faults'> & { name: string },
  format: Pick<VirtualOptions, 'rateHz' | 'channels' | 'quantum' | 'epochNs'>,
): Device {
  checkDeviceName(order.name);
  return new VirtualDevice({ ...order, ...format }, { read: readClock, sleepUntil });
}
