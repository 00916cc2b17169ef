import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SoundServer } from '../../../test/kit/sound-server.js';
import { DeviceCatalogue, lookOnce } from './catalogue.js';
import type { DeviceEvent } from './model.js';
import { readCookie, serverPaths } from './pulse-address.js';
import { PulseClient } from './pulse-client.js';

/** For what happens soon, on a machine that is busy. */
const patience = { timeout: 20_000 };

/** A catalogue of one server whose events are kept. */
async function watching(env: Readonly<Record<string, string>>) {
  const events: DeviceEvent[] = [];
  const waiting = new Set<() => void>();
  const catalogue = new DeviceCatalogue({
    env,
    alsa: { proc: '/nowhere/proc', dev: '/nowhere/dev' },
    onEvent: (event) => {
      events.push(event);
      for (const look of [...waiting]) look();
    },
  });
  onTestFinished(() => catalogue.close());
  await catalogue.ready();
  /** Settles when the condition holds, looked at with each event. */
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!holds()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const has = (kind: DeviceEvent['kind'], name?: string) =>
    events.some(
      (event) =>
        event.kind === kind &&
        (name === undefined ||
          ('device' in event && event.device.name === name) ||
          (event.kind === 'default-changed' && event.name === name)),
    );
  return { catalogue, events, until, has };
}

function connectTo({ environment }: SoundServer, onClient?: () => void): Promise<PulseClient> {
  return PulseClient.connect({
    path: serverPaths(environment)[0]!,
    cookie: readCookie(environment),
    deadlineMs: patience.timeout,
    ...(onClient && { onClient }),
  });
}

/** What this process has open at sockets and at watchers, which are what a catalogue opens. */
function openThings(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return /^(socket:|anon_inode:inotify)/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false;
    }
  }).length;
}

describe('a catalogue of a real server', () => {
  let server: SoundServer;
  beforeAll(async () => {
    server = await SoundServer.begin();
    await server.addSink({ name: 'speakers', rate: 48_000 });
    await server.addSink({ name: 'headset', rate: 44_100, channels: 1 });
    await server.addSource('microphone', 'headset');
    await server.setDefaultSink('speakers');
    await server.setDefaultSource('microphone');
  });
  afterAll(() => server.close());

  it('lists what there is, each way', async () => {
    const { devices, server: found } = await lookOnce({ env: server.environment });
    expect(found).toMatchObject({ kind: 'pipewire' });
    const by = (name: string) => devices.find((device) => device.name === name);
    expect(by('pipewire:speakers')).toMatchObject({
      outputs: 2,
      inputs: 0,
      rateHz: 48_000,
      isDefault: true,
      inUse: false,
    });
    expect(by('pipewire:headset')).toMatchObject({ outputs: 1, rateHz: 44_100, isDefault: false });
    expect(by('pipewire:microphone')).toMatchObject({
      outputs: 0,
      inputs: 2,
      isDefaultInput: true,
    });
    expect(by('pipewire:speakers.monitor')).toMatchObject({
      inputs: 2,
      monitorOf: 'pipewire:speakers',
    });
    expect(by('virtual')).toMatchObject({ isDefault: false });
  });

  it('tells of sinks that come and go and of another default, to two watchers alike', async () => {
    const one = await watching(server.environment);
    const other = await watching(server.environment);
    await server.addSink({ name: 'extra' });
    await server.setDefaultSink('extra');
    for (const { until, has } of [one, other]) {
      await until(() => has('added', 'pipewire:extra'));
      await until(() => has('default-changed', 'pipewire:extra'));
    }
    expect(one.catalogue.view.devices.find((device) => device.isDefault)?.name).toBe(
      'pipewire:extra',
    );
    await server.removeSink('extra');
    for (const { until, has, events } of [one, other]) {
      await until(() => has('removed', 'pipewire:extra'));
      await until(() => events.filter(({ kind }) => kind === 'default-changed').length > 1);
    }
    await server.setDefaultSink('speakers');
    await one.until(() => one.has('default-changed', 'pipewire:speakers'));
  });

  it('sees each new default, even if others connect at that moment', async () => {
    const { until, catalogue } = await watching(server.environment);
    const shown = () => catalogue.view.devices.find((device) => device.isDefault)?.name;
    // While somebody connects PipeWire tells the others nothing: one change in five is lost here.
    let isOver = false;
    const comeAndGo = async () => {
      while (!isOver) (await connectTo(server)).close();
    };
    const others = Array.from({ length: 4 }, comeAndGo);
    for (let round = 0; round < 16; round++) {
      const name = ['headset', 'speakers'][round % 2]!;
      await server.setDefaultSink(name);
      await until(() => shown() === `pipewire:${name}`);
    }
    isOver = true;
    await Promise.all(others);
  });

  it('looks once more for whoever comes, but not for the looks of others', async () => {
    const watchers = [await watching(server.environment), await watching(server.environment)];
    let came = 0;
    let lastMs = performance.now();
    using observer = await connectTo(server, () => {
      came++;
      lastMs = performance.now();
    });
    await observer.subscribe();
    // That program, and a look of each who watches.
    await server.run('pactl', ['info']);
    await expect.poll(() => came, patience).toBeGreaterThanOrEqual(3);
    // Looks of looks would come every second.
    await expect.poll(() => performance.now() - lastMs, patience).toBeGreaterThan(2500);
    expect(watchers.flatMap(({ events }) => events)).toEqual([]);
  });

  it('tells that somebody listens', async () => {
    const { until, catalogue } = await watching(server.environment);
    const running = () =>
      catalogue.view.devices.find(({ name }) => name === 'pipewire:speakers.monitor')?.inUse ===
      true;
    const listener = await server.listen('speakers');
    await until(running);
    await listener.stop();
    await until(() => !running());
  });

  it('outlives the server and sees the next one, again and again', async () => {
    const { until, events, catalogue, has } = await watching(server.environment);
    const count = (kind: DeviceEvent['kind']) => events.filter((one) => one.kind === kind).length;
    const open = openThings();
    for (let round = 1; round <= 3; round++) {
      await server.killServer();
      await until(() => count('server-gone') === round);
      expect(catalogue.view.server).toBeNull();
      expect(catalogue.view.devices.map(({ name }) => name)).toEqual(['virtual']);
      await server.startServer();
      await until(() => count('server-back') === round);
      await until(() => catalogue.view.devices.some(({ name }) => name === 'pipewire:headset'));
      expect(catalogue.view.serverEpoch).toBe(round + 1);
    }
    expect(has('query-failed')).toBe(false);
    await expect.poll(openThings, patience).toBe(open);
  });

  it('leaves nothing open', async () => {
    const before = openThings();
    for (let round = 0; round < 5; round++) {
      const { catalogue } = await watching(server.environment);
      expect(openThings()).toBeGreaterThan(before);
      catalogue.close();
      catalogue.close();
    }
    await expect.poll(openThings, patience).toBeLessThanOrEqual(before);
  });
});

describe('a catalogue without a server', () => {
  it('has the virtual device, at once, and sees a server that is started later', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenuto-watch-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { catalogue } = await watching({ XDG_RUNTIME_DIR: join(folder, 'not/yet') });
    expect(catalogue.view).toMatchObject({ server: null, devices: [{ name: 'virtual' }] });
  });
});
