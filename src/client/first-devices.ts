import { type DeviceView, lookOnce } from '../device/catalogue/index.js';
import { checkDeviceName } from '../device/names.js';
import type { Settings } from '../settings/index.js';

/** What the settings' names of devices mean at the start. */
export interface FirstDevices {
  /** To play on, the best first. */
  names: string[];
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
export async function firstDevices(
  device: Settings['device'],
  env: NodeJS.ProcessEnv = process.env,
): Promise<FirstDevices> {
  const preferred = [device.name, ...device.fallbacks];
  for (const name of preferred) checkDeviceName(name);
  const captures = device.capture !== 'none';
  if (captures) checkDeviceName(device.capture);
  const asks = preferred.includes('default') || device.capture === 'default';
  const view = asks ? await lookOnce({ env }) : null;
  return {
    names: preferred.map((name) => meaning(name, view, 'isDefault') ?? 'virtual'),
    capture: captures ? meaning(device.capture, view, 'isDefaultInput') : null,
  };
}

function meaning(
  name: string,
  view: DeviceView | null,
  key: 'isDefault' | 'isDefaultInput',
): string | null {
  if (name !== 'default') return name;
  return view?.devices.find((one) => one[key])?.name ?? null;
}
