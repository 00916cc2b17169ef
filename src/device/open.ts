import { TenutoError } from '../errors.js';
import { readClock, sleepUntil } from '../os/index.js';
import type { Quality } from '../pcm/index.js';
import { AlsaDevice, type AlsaOptions } from './alsa/alsa-device.js';
import { ConvertingDevice } from './converting.js';
import { type Device, deviceHealth } from './device.js';
import { ListeningDevice } from './listening.js';
import { checkDeviceName, parseDeviceName } from './names.js';
import { heldQuanta, VirtualDevice, type VirtualOptions } from './virtual.js';

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
  virtual: Pick<VirtualOptions, 'rateErrorPpm' | 'jitterUs' | 'faults' | 'loopbackFrames' | 'room'>;
  /** The rate that the device runs at by itself; null when nobody knows it. */
  nativeRateHz: number | null;
  preferStreamRate: 'content' | 'device';
  resampleMode: 'callback' | 'producer' | 'off';
  resampleQuality: Quality;
  /**
   * Frames that wait to be replayed: a device that could takes them at once. Without any it is given
   * no quantum before its time, which would be taken from the lead.
   */
  replayFrames: number;
  /** Whether it is opened without what is listened to, where that cannot be. */
  mayBeDeaf: boolean;
}

/** The virtual device, not yet opened. */
export function makeVirtual(
  { virtual, replayFrames }: Pick<OpenOrder, 'virtual' | 'replayFrames'>,
  format: DeviceFormat,
): Device {
  const { rateErrorPpm, jitterUs, faults, loopbackFrames, room } = virtual;
  const preloadQuanta = Math.min(Math.floor(replayFrames / format.quantum), heldQuanta);
  const own = { rateErrorPpm, jitterUs, faults, loopbackFrames, room, preloadQuanta };
  return new VirtualDevice({ ...format, ...own }, { read: readClock, sleepUntil });
}

/**
 * Opens and starts the device of a name, as `tenuto devices` has it. One that runs at another rate
 * than the engine is given a conversion, unless that is off.
 *
 * @throws TenutoError with a `TENUTO_DEVICE_` code
 */
export function openDevice(order: OpenOrder, format: DeviceFormat): Device {
  const device = openPlaying(order, format);
  if (device.rateHz === format.rateHz) return device;
  if (order.resampleMode === 'off') {
    device.close();
    const rates = `${device.rateHz} Hz, not at the engine's ${format.rateHz} Hz`;
    throw new TenutoError('TENUTO_DEVICE_RATE', `${order.name} runs at ${rates}`);
  }
  const { rateHz, quantum } = format;
  const { resampleQuality: quality } = order;
  return new ConvertingDevice(device, { rateHz, quantum, quality, readClock }, quantum);
}

const isReal = (name: string | null) => {
  const kind = name === null ? undefined : parseDeviceName(name)?.kind;
  return kind === 'alsa' || kind === 'server';
};

/** The sound goes on without what is listened to, where that is gone. */
function openPlaying(order: OpenOrder, format: DeviceFormat): Device {
  const device = makeDevice(order, format);
  try {
    device.open();
    return device;
  } catch (error) {
    if (!order.mayBeDeaf || !isReal(order.captureName)) throw error;
    const deaf = makeDevice({ ...order, captureName: null }, format);
    deaf.open();
    deaf.health[deviceHealth.captureLost] = 1;
    return deaf;
  }
}

function makeDevice(order: OpenOrder, format: DeviceFormat): Device {
  const { name, captureName, stallMs } = order;
  checkDeviceName(name);
  if (isReal(name)) return makeAlsa(order, format);
  if (captureName !== null && isReal(captureName)) {
    return new ListeningDevice({ ...format, captureName, stallMs });
  }
  return makeVirtual(order, format);
}

function makeAlsa(order: OpenOrder, format: DeviceFormat): Device {
  const { name, captureName, bufferQuanta, stallMs, nativeRateHz, preferStreamRate } = order;
  return new AlsaDevice({
    ...format,
    name,
    // The virtual device's cable ends at the virtual device: beside another one it is silent.
    captureName: isReal(captureName) ? captureName : null,
    bufferQuanta,
    stallMs,
    rateHz: preferStreamRate === 'device' ? (nativeRateHz ?? format.rateHz) : format.rateHz,
    acceptRate: order.resampleMode !== 'off',
  });
}
