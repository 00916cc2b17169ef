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
