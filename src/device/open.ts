import { readClock, sleepUntil } from '../os/index.js';
import { AlsaDevice, type AlsaOptions } from './alsa.js';
import type { Device } from './device.js';
import { checkDeviceName, parseDeviceName } from './names.js';
import { VirtualDevice, type VirtualOptions } from './virtual.js';

/** What a device of any kind is made of; what is left out has the settings' defaults. */
export type DeviceOrder = Pick<VirtualOptions, 'rateErrorPpm' | 'jitterUs' | 'faults'> &
  Pick<AlsaOptions, 'name'> &
  Partial<Omit<AlsaOptions, 'rateHz' | 'channels' | 'quantum'>>;

const alsaDefaults = {
  captureName: null,
  captureChannels: 0,
  bufferQuanta: 4,
  stallMs: 150,
  acceptRate: false,
} as const;

/**
 * The device of this name, not yet opened. Names are those of `tenuto devices`, or `default`.
 *
 * @throws TenutoError `TENUTO_DEVICE_UNKNOWN`
 */
export function openDevice(
  order: DeviceOrder,
  format: Pick<VirtualOptions, 'rateHz' | 'channels' | 'quantum' | 'epochNs'>,
): Device {
  checkDeviceName(order.name);
  const kind = parseDeviceName(order.name)?.kind;
  if (kind === 'alsa' || kind === 'server') {
    const { rateHz, channels, quantum } = format;
    return new AlsaDevice({ ...alsaDefaults, ...order, rateHz, channels, quantum });
  }
  return new VirtualDevice({ ...order, ...format }, { read: readClock, sleepUntil });
}
