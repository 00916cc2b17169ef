import type { ServerState } from './pulse-client.js';
import { type CardInfo, type NodeInfo, noIndex } from './pulse-protocol.js';

/** A device as `tenuto devices` lists it and as the policy chooses among them. */
export interface DeviceInfo {
  /** What it is called in settings and flags; stays the same when it comes back. */
  name: string;
  description: string;
  /** Channels it plays and captures, at most; 0 where it does not. */
  outputs: number;
  inputs: number;
  /** Frames per second it runs at now; null where nobody can tell before it is opened. */
  rateHz: number | null;
  /** Rates that it is known to run at by itself; at others the server or Tenuto converts. */
  ratesHz: readonly number[];
  /** What `default` takes for playing. */
  isDefault: boolean;
  /** What `default` takes for capturing. */
  isDefaultInput: boolean;
  /** Somebody plays on it or listens to it now. */
  inUse: boolean;
  /** `unplugged`: nothing is in the socket it plays to. `dummy`: the server has no device at all. */
  state: 'running' | 'idle' | 'suspended' | 'unplugged' | 'dummy';
  /** Who gives access to it. */
  server: 'virtual' | 'alsa' | ServerKind;
  /** The device whose sound this input hears, or null. */
  monitorOf: string | null;
  /** The profile its card is set to, or null. */
  profile: string | null;
  /** Another number when it was taken away and came back; 0 where that cannot be seen. */
  instance: number;
}

export type ServerKind = 'pipewire' | 'pulse';

/** All that is known at one moment. */
export interface DeviceView {
  /** The sound server, or null when none answers. */
  server: { kind: ServerKind; name: string } | null;
  /** Counts the servers that were met: another number when one is back after it was gone. */
  serverEpoch: number;
  devices: readonly DeviceInfo[];
  /** Cards of the server with the profile each is set to. */
  cards: readonly { name: string; description: string; profile: string | null }[];
}

/** One change, as watchers are told. */
export type DeviceEvent =
  | { kind: 'added'; device: DeviceInfo }
  | { kind: 'removed'; device: DeviceInfo }
  /** It runs or idles, is plugged, has another rate or number of channels. */
  | { kind: 'changed'; device: DeviceInfo; before: DeviceInfo }
  | { kind: 'default-changed'; direction: 'output' | 'input'; name: string | null }
  | { kind: 'profile-changed'; card: string; profile: string | null }
  | { kind: 'server-gone'; reason: string }
  | { kind: 'server-back'; server: ServerKind; name: string }
  | { kind: 'query-failed'; reason: string };

export const virtualDevice: DeviceInfo = {
  name: 'virtual',
  description: 'paced by the monotonic clock, plays nowhere; recordings and services hear it',
  outputs: 8,
  inputs: 0,
  rateHz: null,
  ratesHz: [],
  isDefault: true,
  isDefaultInput: false,
  inUse: false,
  state: 'idle',
  server: 'virtual',
  monitorOf: null,
  profile: null,
  instance: 0,
};

/** A machine without sound, or an engine that wants none. */
export const virtualOnly: DeviceView = {
  server: null,
  serverEpoch: 0,
  devices: [virtualDevice],
  cards: [],
};

/** The sink that a server puts up when it has none, so that programs have something to open. */
const isDummy = (name: string) => /^auto_null(\.|$)/.test(name);

function stateOf(node: NodeInfo): DeviceInfo['state'] {
  if (isDummy(node.name)) return 'dummy';
  if (!node.plugged) return 'unplugged';
  return node.state === 0 ? 'running' : node.state === 1 ? 'idle' : 'suspended';
}

export function serverKind(packageName: string): ServerKind {
  return /pipewire/i.test(packageName) ? 'pipewire' : 'pulse';
}

function fromNode(node: NodeInfo, kind: ServerKind, cards: Map<number, CardInfo>): DeviceInfo {
  return {
    name: `${kind}:${node.name}`,
    description: node.description || node.name,
    outputs: 0,
    inputs: 0,
    rateHz: node.spec.rateHz,
    ratesHz: [node.spec.rateHz],
    isDefault: false,
    isDefaultInput: false,
    inUse: node.state === 0,
    state: stateOf(node),
    server: kind,
    monitorOf: node.monitorOf === null ? null : `${kind}:${node.monitorOf}`,
    profile: node.card === noIndex ? null : (cards.get(node.card)?.profile ?? null),
    instance: node.index + 1,
  };
}

/** What a server has, in its own order: first what plays, then what listens. */
export function devicesOfServer(state: ServerState): DeviceInfo[] {
  const kind = serverKind(state.server.packageName);
  const cards = new Map(state.cards.map((card) => [card.index, card]));
  const found = new Map<string, DeviceInfo>();
  for (const node of state.sinks) {
    const device = fromNode(node, kind, cards);
    device.outputs = node.spec.channels;
    device.isDefault = node.name === state.server.defaultSink && device.state !== 'dummy';
    found.set(device.name, device);
  }
  for (const node of state.sources) {
    const device = fromNode(node, kind, cards);
    const isDefaultInput =
      node.name === state.server.defaultSource && !isDummy(node.monitorOf ?? node.name);
    const twin = found.get(device.name);
    // Sinks and sources may bear one name: then it is one device with both directions.
    if (twin === undefined) found.set(device.name, device);
    else twin.inUse ||= device.inUse;
    Object.assign(twin ?? device, { inputs: node.spec.channels, isDefaultInput });
  }
  return [...found.values()];
}

/**
 * All devices with one default each way: the server's; without one the first card's, by ALSA's own
 * `default`; without a card the virtual device.
 */
export function assembleDevices(
  fromServer: readonly DeviceInfo[],
  fromAlsa: readonly DeviceInfo[],
): DeviceInfo[] {
  const hasDefault = fromServer.some((device) => device.isDefault);
  const hasDefaultInput = fromServer.some((device) => device.isDefaultInput);
  const instead = fromAlsa.some((device) => device.outputs > 0) ? 'alsa:default' : 'virtual';
  return [...fromServer, ...fromAlsa, virtualDevice].map((device) => ({
    ...device,
    isDefault: hasDefault
      ? device.isDefault && device.server !== 'virtual'
      : device.name === instead,
    isDefaultInput: hasDefaultInput
      ? device.isDefaultInput
      : device.name === 'alsa:default' && device.inputs > 0,
  }));
}

/** Idle devices are suspended after a while and woken for the next use: nobody needs to know. */
const isResting = (state: DeviceInfo['state']) => state === 'idle' || state === 'suspended';

/** Whether something about a device has changed that its users would want to know. */
function hasChanged(a: DeviceInfo, b: DeviceInfo): boolean {
  return (
    a.description !== b.description ||
    a.outputs !== b.outputs ||
    a.inputs !== b.inputs ||
    a.rateHz !== b.rateHz ||
    (a.state !== b.state && !(isResting(a.state) && isResting(b.state)))
  );
}

const defaultName = (view: DeviceView, key: 'isDefault' | 'isDefaultInput') =>
  view.devices.find((device) => device[key])?.name ?? null;

/** What happened between two views, what went away first. */
export function changesBetween(before: DeviceView, after: DeviceView): DeviceEvent[] {
  const events: DeviceEvent[] = [];
  const old = new Map(before.devices.map((device) => [device.name, device]));
  const now = new Map(after.devices.map((device) => [device.name, device]));
  for (const device of before.devices) {
    if (now.get(device.name)?.instance !== device.instance)
      events.push({ kind: 'removed', device });
  }
  for (const device of after.devices) {
    const earlier = old.get(device.name);
    if (earlier?.instance !== device.instance) events.push({ kind: 'added', device });
    else if (hasChanged(earlier, device)) events.push({ kind: 'changed', device, before: earlier });
  }
  const profiles = new Map(before.cards.map((card) => [card.name, card.profile]));
  for (const { name, description, profile } of after.cards) {
    if (profiles.has(name) && profiles.get(name) !== profile) {
      events.push({ kind: 'profile-changed', card: description, profile });
    }
  }
  for (const [direction, key] of [
    ['output', 'isDefault'],
    ['input', 'isDefaultInput'],
  ] as const) {
    const name = defaultName(after, key);
    if (name !== defaultName(before, key))
      events.push({ kind: 'default-changed', direction, name });
  }
  return events;
}
