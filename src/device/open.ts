import { readClock, sleepUntil } from '../os/index.js';
import { AlsaDevice, type AlsaOptions } from './alsa.js';
import type { Device } from './device.js';
import { ListeningDevice } from './listening.js';
import { checkDeviceName, parseDeviceName } from './names.js';
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
export interface OpenOrder
  extends Pick<AlsaOptions, 'name' | 'captureName' | 'bufferQuanta' | 'stallMs'> {
  virtual: Pick<VirtualOptions, 'rateErrorPpm' | 'jitterUs' | 'faults' | 'loopbackFrames'>;
}

/**
 * The device of this name, not yet opened. Names are those of `tenuto devices`, or `default`.
 *
 * @throws TenutoError `TENUTO_DEVICE_UNKNOWN`
 */
export function openDevice(order: OpenOrder, format: DeviceFormat): Device {
  const { name, captureName, bufferQuanta, stallMs, virtual } = order;
  checkDeviceName(name);
  const kind = parseDeviceName(name)?.kind;
  const hears = captureName === null ? undefined : parseDeviceName(captureName)?.kind;
  if (kind === 'virtual' && (hears === 'alsa' || hears === 'server')) {
    return new ListeningDevice({ ...format, captureName: captureName!, stallMs });
  }
  if (kind === 'alsa' || kind === 'server') {
    return new AlsaDevice({
      name,
      // The virtual device's cable ends at the virtual device: beside another one it is silent.
      captureName: hears === 'virtual' ? null : captureName,
      bufferQuanta,
      stallMs,
      acceptRate: false,
      ...format,
    });
  }
  return new VirtualDevice({ ...virtual, ...format }, { read: readClock, sleepUntil });
}
