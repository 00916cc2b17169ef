import type { Command } from 'commander';
import type { DeviceEvent, DeviceInfo } from '../../device/catalogue/index.js';
import { exitCodes } from '../../errors.js';
import { Interrupt } from '../interrupt.js';
import { addCommonOptions, type CommonOptions } from '../options.js';
import { columns, paint, rateText, say, sayJson } from '../terminal.js';

interface DevicesOptions extends CommonOptions {
  watch?: true;
}

export function define(command: Command): void {
  addCommonOptions(command)
    .option('--watch', 'go on and print a line for each change, until Ctrl-C')
    .addHelpText(
      'after',
      '\nWith --watch --json the list and each change are one JSON object a line.',
    )
    .action(async (options: DevicesOptions) => {
      if (options.watch) await watchDevices(options.json ?? false);
      else await showDevices(options.json ?? false);
    });
}

async function showDevices(json: boolean): Promise<void> {
  const { listDevices } = await import('../../device/catalogue/index.js');
  const devices = await listDevices();
  if (json) sayJson({ devices });
  else say(devicesText(devices));
}

/** `*` plays what `default` plays, `+` hears what `default` hears. */
const markOf = (device: DeviceInfo) =>
  `${device.isDefault ? '*' : ''}${device.isDefaultInput ? '+' : ''}`;

const usual = new Set<DeviceInfo['state']>(['idle', 'suspended']);

function useText({ state, inUse }: DeviceInfo): string {
  if (inUse) return 'in use';
  return usual.has(state) ? '' : state;
}

function devicesText(devices: readonly DeviceInfo[]): string {
  const bold = (text: string) => paint('bold', text, process.stdout);
  const rows = devices.map((device) => [
    markOf(device),
    device.name,
    device.outputs,
    device.inputs,
    device.rateHz === null ? '' : rateText(device.rateHz),
    useText(device),
    device.description,
  ]);
  const heads = ['', 'NAME', 'OUT', 'IN', 'RATE', '', ''].map(bold);
  const marks = devices.some(({ isDefaultInput }) => isDefaultInput)
    ? '* is what `--device default` takes, + what `--capture default` takes.'
    : '* is what `--device default` takes.';
  return `${columns([heads, ...rows])}\n\n${marks}`;
}

/** One change as a line of text. */
function eventText(event: DeviceEvent): string {
  const about = (device: DeviceInfo) => `${device.name} (${device.description})`;
  switch (event.kind) {
    case 'added':
    case 'removed':
      return `${event.kind} ${about(event.device)}`;
    case 'changed': {
      const { device } = event;
      const rate = device.rateHz === null ? '' : `, ${rateText(device.rateHz)}`;
      return `changed ${about(device)}: ${useText(device) || 'not in use'}${rate}`;
    }
    case 'default-changed':
      return `default ${event.direction} is ${event.name ?? 'none'}`;
    case 'profile-changed':
      return `profile of ${event.card} is ${event.profile ?? 'none'}`;
    case 'server-gone':
      return `sound server gone (${event.reason})`;
    case 'server-back':
      return `sound server there: ${event.name}`;
    case 'query-failed':
      return `sound server does not answer (${event.reason})`;
  }
}

async function watchDevices(json: boolean): Promise<void> {
  using interrupt = new Interrupt();
  const { DeviceCatalogue } = await import('../../device/catalogue/index.js');
  using catalogue = new DeviceCatalogue({
    onEvent: (event) => {
      if (json) sayJson({ event });
      else say(`${new Date().toISOString()} ${eventText(event)}`);
    },
  });
  await Promise.race([catalogue.ready(), interrupt.asked]);
  if (interrupt.signal === null) {
    if (json) sayJson({ devices: catalogue.view.devices });
    else say(devicesText(catalogue.view.devices));
    // A reader that has gone (`tenuto devices --watch | head -3`) ends it as well.
    const unread = new Promise((resolve) => process.stdout.once('error', resolve));
    await Promise.race([interrupt.asked, unread]);
  }
  process.exitCode = interrupt.exitStatus ?? exitCodes.ok;
}
