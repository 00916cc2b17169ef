import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { serverOfFile } from '../../test/kit/sound-server.js';
import { TenutoError } from '../errors.js';
import { roomSchema } from '../settings/room.js';
import { AlsaDevice } from './alsa/alsa-device.js';
import { ConvertingDevice } from './converting.js';
import { type Device, DeviceSignal, deviceHealth, LostReason } from './device.js';
import { OfflineDevice } from './offline.js';
import { type DeviceClock, VirtualDevice, type VirtualOptions } from './virtual.js';

const format = { rateHz: 48_000, channels: 2, quantum: 128 };
const periodNs = (128 * 1e9) / 48_000;

/** A clock that moves only when somebody sleeps. */
class TestClock implements DeviceClock {
  nowNs = 5e9;

  read(times: Float64Array, index: number): void {
    times[index] = this.nowNs;
  }

  sleepUntil(times: Float64Array, index: number): void {
    this.nowNs = Math.max(this.nowNs, times[index]!);
  }
}

function virtual(more: Partial<VirtualOptions> = {}, clock = new TestClock()) {
  const options = {
    ...format,
    captureChannels: 0,
    loopbackFrames: 0,
    room: null,
    rateErrorPpm: 0,
    jitterUs: 0,
    preloadQuanta: 3,
    faults: [],
    epochNs: 5e9,
    ...more,
  };
  return { device: new VirtualDevice(options, clock), clock };
}

function converting(device: Device): Device {
  const options = { rateHz: 48_000, quantum: 128, quality: 'music', readClock: () => {} } as const;
  return new ConvertingDevice(device, options, 128);
}

/** Real devices take their time, and this process is not always there in time. */
const alsa = (name: string) => () =>
  new AlsaDevice({
    ...format,
    name,
    captureName: null,
    captureChannels: 0,
    bufferQuanta: 16,
    stallMs: 2000,
    acceptRate: false,
  });

const folder = mkdtempSync(join(tmpdir(), 'tenuto-contract-'));
serverOfFile({ name: 'hall' });

afterAll(() => rmSync(folder, { recursive: true }));

const devices: Record<string, () => Device> = {
  virtual: () => virtual().device,
  'virtual, with a cable': () => virtual({ captureChannels: 2, loopbackFrames: 300 }).device,
  'virtual, in a room': () =>
    virtual({ captureChannels: 2, room: roomSchema.parse({ tailSec: 0.3 }) }).device,
  'virtual, at another rate': () => converting(virtual({ rateHz: 44_100 }).device),
  'virtual, at another rate, with a cable': () =>
    converting(virtual({ rateHz: 32_000, captureChannels: 2, loopbackFrames: 300 }).device),
  offline: () => new OfflineDevice(format, () => {}),
  'ALSA null': alsa('alsa:null'),
  'ALSA file': alsa(`alsa:file:${join(folder, 'heard.raw')},raw`),
  PipeWire: alsa('pipewire:hall'),
};

/** Waits for the device's turn. */
function turn(device: Device): DeviceSignal {
  for (;;) {
    const signal = device.wait();
    if (signal !== DeviceSignal.early) return signal;
  }
}

const isDue = (signal: DeviceSignal) => signal === DeviceSignal.due || signal === DeviceSignal.xrun;

describe.each(Object.entries(devices))('the %s device', (name, make) => {
  it('takes a quantum each time it is due, and fills what it is read into', () => {
    const device = make();
    device.open();
    expect(device.channels).toBe(2);
    expect(device.rateHz).toBe(48_000);
    const quantum = new Float32Array(256);
    for (let i = 0; i < 100; i++) {
      expect(isDue(turn(device))).toBe(true);
      const heard = new Float32Array(128 * device.captureChannels).fill(Number.NaN);
      device.read(heard);
      expect(heard.every(Number.isFinite)).toBe(true);
      expect(device.write(quantum)).toBe(DeviceSignal.due);
    }
    expect(device.health[deviceHealth.lostReason]).toBe(LostReason.none);
    device.close();
    device.close();
  });

  it('keeps its pace when it is given nothing', () => {
    const device = make();
    device.open();
    for (let i = 0; i < 50; i++) expect(isDue(turn(device))).toBe(true);
    expect(device.unplayedFrames).toBe(0);
    expect(device.write(new Float32Array(256))).toBe(DeviceSignal.due);
    device.close();
  });

  it('can be opened again', () => {
    const device = make();
    for (let i = 0; i < 3; i++) {
      device.open();
      expect(isDue(turn(device))).toBe(true);
      device.close();
    }
  });

  it('takes what is no number', () => {
    const device = make();
    device.open();
    turn(device);
    expect(device.write(new Float32Array(256).fill(Number.NaN))).toBe(DeviceSignal.due);
    expect(isDue(turn(device))).toBe(true);
    device.close();
  });

  it('knows how much of what it was given is not heard yet', () => {
    const device = make();
    device.open();
    expect(device.unplayedFrames).toBe(0);
    for (let i = 1; i <= 50; i++) {
      turn(device);
      expect(device.unplayedFrames).toBeLessThanOrEqual((i - 1) * 128);
      device.write(new Float32Array(256));
      expect(device.unplayedFrames).toBeGreaterThanOrEqual(name === 'offline' ? 0 : 128);
    }
    device.drain(10_000);
    expect(device.unplayedFrames).toBe(0);
    device.close();
  });
});

/** Opens a device that takes what it holds before it plays at once. */
function begin(device: Device): void {
  device.open();
  for (let i = 0; i < 3; i++) expect(device.wait()).toBe(DeviceSignal.due);
}

describe('the pace of the virtual device', () => {
  it('is even from the first quantum on where nothing waits to be replayed', () => {
    const { device, clock } = virtual({ preloadQuanta: 0 });
    device.open();
    const startNs = clock.nowNs;
    for (let i = 0; i < 10; i++) {
      device.wait();
      expect(clock.nowNs - startNs).toBeCloseTo(i * periodNs, -1);
    }
  });

  it('takes at once what it holds before it plays', () => {
    const { device, clock } = virtual();
    const openedNs = clock.nowNs;
    begin(device);
    device.wait();
    expect(clock.nowNs).toBe(openedNs);
    device.wait();
    expect(clock.nowNs - openedNs).toBeCloseTo(periodNs, -1);
  });

  it.each([0, 100, -250])('is exact at a rate error of %i ppm', (rateErrorPpm) => {
    const { device, clock } = virtual({ rateErrorPpm });
    begin(device);
    const startNs = clock.nowNs;
    for (let i = 0; i <= 10_000; i++) device.wait();
    const expected = (10_000 * periodNs) / (1 + rateErrorPpm * 1e-6);
    expect(Math.abs(clock.nowNs - startNs - expected)).toBeLessThan(1);
  });

  it('does not drift under jitter', () => {
    const { device, clock } = virtual({ jitterUs: 500 });
    begin(device);
    const startNs = clock.nowNs;
    for (let i = 0; i <= 5000; i++) {
      device.wait();
      const late = clock.nowNs - startNs - i * periodNs;
      expect(late).toBeGreaterThanOrEqual(-1);
      expect(late).toBeLessThan(500_001);
    }
  });

  it('forgives to be late by what it holds, and runs dry after that', () => {
    const { device, clock } = virtual();
    begin(device);
    device.wait();
    const startNs = clock.nowNs;
    clock.nowNs += 3.9 * periodNs;
    for (let i = 1; i <= 4; i++) expect(device.wait()).toBe(DeviceSignal.due);
    expect(clock.nowNs - startNs).toBeCloseTo(4 * periodNs, -1);
    clock.nowNs += 4.1 * periodNs;
    expect(device.wait()).toBe(DeviceSignal.xrun);
    expect(device.wait()).toBe(DeviceSignal.due);
  });
});

describe('the cable of the virtual device', () => {
  it('gives back what was played so many frames earlier, silence where nothing was', () => {
    const loopbackFrames = 300;
    const { device } = virtual({ captureChannels: 3, loopbackFrames });
    device.open();
    const played = new Float32Array(2 * 128 * 20);
    const heard: number[] = [];
    const captured = new Float32Array(3 * 128);
    for (let i = 0; i < 20; i++) {
      device.wait();
      device.read(captured);
      heard.push(...captured);
      // In two parts, and nothing at all now and then.
      if (i % 7 === 3) continue;
      const quantum = played.subarray(i * 256, (i + 1) * 256);
      for (let k = 0; k < 256; k++) quantum[k] = i * 256 + k + 1;
      device.write(quantum.subarray(0, 100));
      device.write(quantum.subarray(100));
    }
    for (let frame = 0; frame < 20 * 128; frame++) {
      const from = frame - loopbackFrames;
      const [left, right] = from < 0 ? [0, 0] : played.subarray(2 * from, 2 * from + 2);
      expect(heard.slice(3 * frame, 3 * frame + 3)).toEqual([left, right, left]);
    }
  });
});

describe('a scripted fault of the virtual device', () => {
  it('takes it away and brings it back', () => {
    const { device, clock } = virtual({ faults: [{ kind: 'vanish', atMs: 10, forMs: 50 }] });
    begin(device);
    let due = 0;
    while (device.wait() === DeviceSignal.due) due++;
    expect(due).toBe(4);
    expect(() => device.open()).toThrow(TenutoError);
    clock.nowNs += 60e6;
    device.open();
    expect(device.wait()).toBe(DeviceSignal.due);
  });

  it('hangs the one that is open, and not the one that is opened in its place', () => {
    const clock = new TestClock();
    const faults = [{ kind: 'hang', atMs: 10, forMs: 500 } as const];
    const { device } = virtual({ faults }, clock);
    begin(device);
    for (let i = 0; i < 5; i++) device.wait();
    expect(clock.nowNs).toBeGreaterThanOrEqual(5e9 + 510e6);
    const other = virtual({ faults, epochNs: clock.nowNs - 100e6 }, clock).device;
    other.open();
    const before = clock.nowNs;
    other.wait();
    other.wait();
    expect(clock.nowNs - before).toBeLessThan(2 * periodNs);
  });

  it('takes less than it is offered, and loses nothing', () => {
    const { device } = virtual({ faults: [{ kind: 'shortWrite', atMs: 0, forMs: 1000 }] });
    device.open();
    for (let i = 1; i <= 20; i++) {
      device.wait();
      expect(device.write(new Float32Array(256))).toBe(DeviceSignal.due);
      expect(device.framesTaken).toBe(i * 128);
    }
  });
});
