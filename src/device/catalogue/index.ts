import { checkPreferred, type Direction } from '../names.js';
import { type ListOptions, lookOnce } from './catalogue.js';
import type { DeviceInfo } from './model.js';

/**
 * What devices there are, and what becomes of them. For the control process and commands; programs
 * on the audio path import none of this.
 */
export { DeviceCatalogue, type ListOptions, lookOnce } from './catalogue.js';
export type { DeviceEvent, DeviceInfo, DeviceView } from './model.js';

/**
 * What can be played on and listened to here, the sound server's and the kernel's. Takes 300 ms at
 * most when a server does not answer, and opens no device.
 */
export async function listDevices(options: ListOptions = {}): Promise<readonly DeviceInfo[]> {
  return (await lookOnce(options)).devices;
}

/** Names that are there whatever is plugged in, so that nobody needs to look. */
const always = new Set(['default', 'virtual', 'none']);

/**
 * Refuses the settings of an engine of whose devices none is there now.
 *
 * @throws TenutoError `TENUTO_DEVICE_UNKNOWN` with the name that was meant, perhaps
 */
export async function checkDevices(
  device: { name: string; fallbacks: readonly string[]; capture: string },
  options: ListOptions = {},
): Promise<void> {
  const wanted: [names: string[], direction: Direction][] = [
    [[device.name, ...device.fallbacks], 'output'],
    [[device.capture], 'input'],
  ];
  for (const [names, direction] of wanted) {
    if (names.every((name) => always.has(name))) continue;
    checkPreferred(names, await lookOnce(options), direction);
  }
}
