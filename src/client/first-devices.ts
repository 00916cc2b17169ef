import { type DeviceView, lookOnce } from '../device/catalogue/index.js';
import { checkDeviceName } from '../device/names.js';
import type { NamedDevice } from '../memory/device-desk.js';
import type { Settings } from '../settings/index.js';

/** What the settings' names of devices mean at the start. */
export interface FirstDevices {
  /** To play on, the best first. */
  first: NamedDevice[];
  /** To listen to. */
  capture: string | null;
}

/**
 * What `default` means now, so that the driver opens a device by its own name; from then on the
 * control process follows it. Takes 300 ms at most when a sound server does not answer, and no time
 * when nothing is called `default`.
 *
 * @throws TenutoError `TENUTO_DEVICE_UNKNOWN` for what cannot be a name
 */
export async function firstDevices(device: Settings['device']): Promise<FirstDevices> {
  const preferred = [device.name, ...device.fallbacks];
  for (const name of preferred) checkDeviceName(name);
  const captures = device.capture !== 'none';
  if (captures) checkDeviceName(device.capture);
  const isServers = (name: string) => name !== 'virtual' && !name.startsWith('alsa:');
  const asks = preferred.some(isServers) || device.capture === 'default';
  const view = asks ? await lookOnce() : null;
  return {
    first: preferred.map((name) => meaning(name, view, 'isDefault') ?? virtual),
    capture: captures ? (meaning(device.capture, view, 'isDefaultInput')?.name ?? null) : null,
  };
}

function meaning(
  name: string,
  view: DeviceView | null,
  key: 'isDefault' | 'isDefaultInput',
): NamedDevice | null {
  const found = view?.devices.find((one) => (name === 'default' ? one[key] : one.name === name));
  if (found) return { name: found.name, nativeRateHz: found.rateHz };
  return name === 'default' ? null : { name, nativeRateHz: null };
}

const virtual: NamedDevice = { name: 'virtual', nativeRateHz: null };
