import { describe, expect, it } from 'vitest';
import { assembleDevices, changesBetween, type DeviceView, devicesOfServer } from './model.js';
import { type NodeInfo, noIndex } from './pulse-protocol.js';

function node(name: string, more: Partial<NodeInfo> = {}): NodeInfo {
  const spec = { format: 3, channels: 2, rateHz: 48_000 };
  return {
    ...{ index: 1, name, description: name, spec, monitorOf: null, state: 1, card: noIndex },
    ...{ plugged: true, properties: new Map(), ...more },
  };
}

const server = (packageName: string, defaultSink: string | null = null) => ({
  packageName,
  defaultSink,
  defaultSource: null,
});

function view(sinks: NodeInfo[], profile: string | null = 'stereo'): DeviceView {
  const cards = [{ index: 5, name: 'card', description: 'Headset', profile }];
  const state = { server: server('pulseaudio 16.1', 'a'), sinks, sources: [], cards };
  return {
    server: { kind: 'pulse', name: 'pulseaudio 16.1' },
    serverEpoch: 1,
    devices: assembleDevices(devicesOfServer(state), []),
    cards,
  };
}

describe('the devices of a server', () => {
  it('are one where a sink and a source have one name', () => {
    const state = {
      server: server('PulseAudio (on PipeWire 1.0) 15.0.0'),
      sinks: [node('duplex')],
      sources: [node('duplex', { state: 0 }), node('duplex.monitor', { monitorOf: 'duplex' })],
      cards: [],
    };
    expect(devicesOfServer(state)).toMatchObject([
      { name: 'pipewire:duplex', outputs: 2, inputs: 2, inUse: true },
      { name: 'pipewire:duplex.monitor', outputs: 0, monitorOf: 'pipewire:duplex' },
    ]);
  });

  it('do not count the one that stands for none, or what is not plugged in, as usual ones', () => {
    const { devices } = view([node('auto_null'), node('b', { plugged: false })]);
    expect(devices.map(({ name, state, isDefault }) => [name, state, isDefault])).toEqual([
      ['pulse:auto_null', 'dummy', false],
      ['pulse:b', 'unplugged', false],
      ['virtual', 'idle', true],
    ]);
  });
});

describe('what happened between two views', () => {
  it('is nothing when a device goes to sleep', () => {
    expect(changesBetween(view([node('a')]), view([node('a', { state: 2 })]))).toEqual([]);
  });

  it('is a change when somebody plays', () => {
    const [event] = changesBetween(view([node('a')]), view([node('a', { state: 0 })]));
    expect(event).toMatchObject({ kind: 'changed', device: { inUse: true } });
  });

  it('is a removal and an addition when a device was away meanwhile', () => {
    const events = changesBetween(view([node('a')]), view([node('a', { index: 2 })]));
    expect(events.map(({ kind }) => kind)).toEqual(['removed', 'added']);
  });

  it('is told of a profile, and of the defaults last', () => {
    const before = view([node('a', { card: 5 })]);
    const after = view([node('b', { card: 5 })], 'headset');
    expect(changesBetween(before, after)).toMatchObject([
      { kind: 'removed', device: { name: 'pulse:a', profile: 'stereo' } },
      { kind: 'added', device: { name: 'pulse:b', profile: 'headset' } },
      { kind: 'profile-changed', card: 'Headset', profile: 'headset' },
      { kind: 'default-changed', direction: 'output', name: 'virtual' },
    ]);
  });
});
