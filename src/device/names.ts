import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { didYouMean } from '../nearest.js';
import type { DeviceInfo, DeviceView } from './catalogue/model.js';

/** What a device name says before anybody looks whether there is such a device. */
export type DeviceName =
  | { kind: 'default' | 'virtual' }
  /** Any PCM as ALSA's own tools take it: `hw:CARD=PCH,DEV=0`, `null`, `plug:dmix`. */
  | { kind: 'alsa'; pcm: string }
  /** A sink or source of the sound server, PipeWire or PulseAudio. */
  | { kind: 'server'; node: string };

export type Direction = 'output' | 'input';

/** Takes a name apart; undefined when it is none. */
export function parseDeviceName(name: string): DeviceName | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be in it.
  if (name.length > limits.deviceNameCharsMax || /[\x00-\x1f\x7f]/.test(name)) return undefined;
  if (name === 'default' || name === 'virtual') return { kind: name };
  const [, prefix, rest] = /^(alsa|pipewire|pulse):(.+)$/.exec(name) ?? [];
  if (rest === undefined) return undefined;
  return prefix === 'alsa' ? { kind: 'alsa', pcm: rest } : { kind: 'server', node: rest };
}

/**
 * Refuses what cannot be the name of any device. Whether the device is there is not looked at.
 *
 * @throws TenutoError `TENUTO_DEVICE_UNKNOWN`
 */
export function checkDeviceName(name: string): void {
  if (parseDeviceName(name) !== undefined) return;
  throw new TenutoError(
    'TENUTO_DEVICE_UNKNOWN',
    `"${name.slice(0, limits.deviceNameCharsMax)}" names no device: names are virtual, default, alsa:PCM and pipewire:NODE`,
  );
}

const plays = (device: DeviceInfo, direction: Direction) =>
  (direction === 'output' ? device.outputs : device.inputs) > 0;

/** An ALSA name that is no card's and that no list shows, such as `null` or `file:...`. */
function unlisted(name: string): DeviceInfo {
  return {
    name,
    description: 'by its ALSA name',
    outputs: 2,
    inputs: 2,
    rateHz: null,
    ratesHz: [],
    isDefault: false,
    isDefaultInput: false,
    inUse: false,
    state: 'idle',
    server: 'alsa',
    monitorOf: null,
    profile: null,
    instance: 0,
  };
}

function findAlsa(name: string, pcm: string, view: DeviceView): DeviceInfo | undefined {
  const listed = view.devices.find((device) => device.name === name);
  if (listed !== undefined) return listed;
  // These two reach the sound server, so they are there when it is.
  if (/^(pipewire|pulse)\b/.test(pcm)) return view.server === null ? undefined : unlisted(name);
  const [, card] = /^(?:plug)?hw:(?:CARD=)?([^,]+)/.exec(pcm) ?? [];
  if (card === undefined) return unlisted(name);
  // Cards by number are taken at their word; those by name have to be there.
  if (/^\d+$/.test(card)) return view.devices.some(isCard) ? unlisted(name) : undefined;
  const found = view.devices.find((device) => device.name.startsWith(`alsa:hw:CARD=${card},`));
  return found && { ...found, name };
}

const isCard = (device: DeviceInfo) => device.name.startsWith('alsa:hw:');

/**
 * The device of a name, other than `default`, among those that are there; undefined when it is not.
 * A node of the sound server is found under either prefix, so that settings outlive a change from
 * PulseAudio to PipeWire.
 */
export function findDevice(
  name: string,
  view: DeviceView,
  direction: Direction = 'output',
): DeviceInfo | undefined {
  const parsed = parseDeviceName(name);
  if (parsed === undefined || parsed.kind === 'default') return undefined;
  const found =
    parsed.kind === 'alsa'
      ? findAlsa(name, parsed.pcm, view)
      : view.devices.find(
          (device) =>
            device.name === name ||
            (parsed.kind === 'server' && device.name === `${view.server?.kind}:${parsed.node}`),
        );
  return found !== undefined && plays(found, direction) ? found : undefined;
}

/**
 * Refuses a list of preferences of which none is there, so that a slip of the pen is found at once
 * and not waited for. `default` is always there: it is the virtual device when there is no other.
 *
 * @throws TenutoError `TENUTO_DEVICE_UNKNOWN` with the name that was meant, perhaps
 */
export function checkPreferred(
  preferred: readonly string[],
  view: DeviceView,
  direction: Direction = 'output',
): void {
  for (const name of preferred) checkDeviceName(name);
  if (preferred.some((name) => name === 'default' || findDevice(name, view, direction))) return;
  const known = view.devices.filter((device) => plays(device, direction)).map(({ name }) => name);
  const [first = ''] = preferred;
  const server =
    view.server === null && parseDeviceName(first)?.kind === 'server'
      ? ', and no sound server answers'
      : '';
  throw new TenutoError(
    'TENUTO_DEVICE_UNKNOWN',
    `there is no device "${first}"${direction === 'input' ? ' to listen to' : ''}${server}${didYouMean(first, known)}`,
  );
}
