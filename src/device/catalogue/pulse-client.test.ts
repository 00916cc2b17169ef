import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DeviceCatalogue, lookOnce } from './catalogue.js';
import type { DeviceEvent } from './model.js';
import { readCookie, serverPaths } from './pulse-address.js';
import { PulseClient } from './pulse-client.js';
import { Command, noIndex, PacketSplitter, packet, request } from './pulse-protocol.js';
import { ProtocolError, TagReader, type TagWriter } from './tagstruct.js';

/** For what happens soon, on a machine that is busy. */
const patience = { timeout: 20_000 };

const spec = { format: 3, channels: 2, rateHz: 44_100 };

/** One sink as a PulseAudio of protocol version 14 tells of it, without cards and ports. */
function sinkInfo(answer: TagWriter): void {
  answer.u32(3).string('alsa_output').string('Speakers').sampleSpec(spec).channelMap([1, 2]);
  answer.u32(noIndex).cvolume([65_536, 65_536]).boolean(false).u32(4).string('alsa_output.monitor');
  answer.usec(0).string('driver').u32(0).properties({ a: 'b' }).usec(0);
}

/** A sound server that is what a test wants it to be. */
class FakeServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'tenuto-pulse-'));
  readonly path = join(this.folder, 'pulse/native');
  readonly env = { XDG_RUNTIME_DIR: this.folder };
  version = 14;
  /** Says nothing more from now on. */
  mute = false;
  answers: Partial<Record<number, (answer: TagWriter) => void>> = {
    [Command.auth]: (answer) => void answer.u32(this.version),
    [Command.setClientName]: (answer) => void answer.u32(1),
    [Command.subscribe]: () => undefined,
    [Command.getServerInfo]: (answer) => {
      answer.string('pulseaudio').string('16.1').string('user').string('host');
      answer.sampleSpec(spec).string('alsa_output').string(null).u32(1);
    },
    [Command.getSinkInfoList]: sinkInfo,
    [Command.getSourceInfoList]: () => undefined,
  };
  readonly sockets = new Set<Socket>();
  #server = createServer((socket) => this.#serve(socket));

  async listen(): Promise<void> {
    mkdirSync(dirname(this.path), { recursive: true });
    await new Promise<void>((resolve) => this.#server.listen(this.path, resolve));
  }

  #serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => {}).on('close', () => this.sockets.delete(socket));
    const splitter = new PacketSplitter();
    socket.on('data', (bytes) => {
      for (const content of splitter.push(bytes)) {
        const reader = new TagReader(content);
        const command = reader.u32();
        const serial = reader.u32();
        if (this.mute) continue;
        const fill = this.answers[command];
        const answer = request(fill ? Command.reply : Command.error, serial);
        if (fill) fill(answer);
        else answer.u32(19);
        socket.write(packet(answer.toBuffer()));
      }
    });
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
    this.#server = createServer((socket) => this.#serve(socket));
  }
}

async function fakeServer(): Promise<FakeServer> {
  const server = new FakeServer();
  onTestFinished(async () => {
    await server.close();
    rmSync(server.folder, { recursive: true, force: true });
  });
  return server;
}

const alsa = { proc: '/nowhere/proc', dev: '/nowhere/dev' };
/** @param deadlineMs short only where nobody answers: a busy machine is slow to. */
const clientOf = (server: FakeServer, deadlineMs = server.mute ? 50 : 20_000) =>
  PulseClient.connect({ path: server.path, cookie: Buffer.alloc(256), deadlineMs });

describe('a connection to a sound server', () => {
  it('understands an old PulseAudio', async () => {
    const server = await fakeServer();
    await server.listen();
    const { devices } = await lookOnce({ env: server.env, alsa });
    expect(devices[0]).toMatchObject({
      name: 'pulse:alsa_output',
      description: 'Speakers',
      outputs: 2,
      rateHz: 44_100,
      isDefault: true,
    });
  });

  it.each([
    [
      'is too old',
      (server: FakeServer) => {
        server.version = 12;
      },
      'protocol version 12',
    ],
    [
      'says nothing',
      (server: FakeServer) => {
        server.mute = true;
      },
      'no answer within 50 ms',
    ],
    [
      'refuses',
      (server: FakeServer) => void delete server.answers[Command.auth],
      'the server refused: 19',
    ],
    [
      'makes no sense',
      (server: FakeServer) => {
        server.answers[Command.auth] = (answer) => void answer.string('hello');
      },
      'type 116 stands where 76 belongs',
    ],
  ])('is refused when the server %s', async (_, prepare, message) => {
    const server = await fakeServer();
    prepare(server);
    await server.listen();
    await expect(clientOf(server)).rejects.toThrow(new ProtocolError(message));
    await expect.poll(() => server.sockets.size, patience).toBe(0);
  });

  it('is told from one that is not there', async () => {
    const server = await fakeServer();
    await expect(clientOf(server)).rejects.not.toThrow(ProtocolError);
  });

  it('answers nothing after the end', async () => {
    const server = await fakeServer();
    await server.listen();
    const client = await clientOf(server);
    const asked = client.read();
    client.close();
    client.close();
    await expect(asked).rejects.toThrow('closed');
    await expect(client.read()).rejects.toThrow('closed');
  });

  it('does not wait for a server that hangs when all is to be listed', async () => {
    const server = await fakeServer();
    server.mute = true;
    await server.listen();
    const { devices } = await lookOnce({ env: server.env, alsa, timeoutMs: 20 });
    expect(devices.map(({ name }) => name)).toEqual(['virtual']);
    await expect.poll(() => server.sockets.size, patience).toBe(0);
  });
});

describe('a catalogue of a server that hangs', () => {
  it('keeps what it knows, says so, and goes on when it answers again', async () => {
    const server = await fakeServer();
    await server.listen();
    const events: DeviceEvent[] = [];
    using catalogue = new DeviceCatalogue({
      env: server.env,
      alsa,
      deadlineMs: 30,
      onEvent: (event) => events.push(event),
    });
    await catalogue.ready();
    const known = catalogue.view;
    server.mute = true;
    await catalogue.refresh();
    await expect.poll(() => events.map(({ kind }) => kind), patience).toContain('query-failed');
    expect(catalogue.view.devices).toEqual(known.devices);
    server.mute = false;
    server.answers[Command.getSinkInfoList] = (answer) => {
      sinkInfo(answer);
      answer.u32(9).string('usb').string('USB').sampleSpec(spec).channelMap([1, 2]);
      answer.u32(noIndex).cvolume([0, 0]).boolean(false).u32(4).string(null);
      answer.usec(0).string('driver').u32(0).properties({}).usec(0);
    };
    await expect
      .poll(() => events.at(-1), patience)
      .toMatchObject({ device: { name: 'pulse:usb' } });
    expect(events.map(({ kind }) => kind)).toEqual(['query-failed', 'added']);
    expect(catalogue.view.serverEpoch).toBe(known.serverEpoch);
  });

  it('says that it is gone when it hangs first and dies then', async () => {
    const server = await fakeServer();
    await server.listen();
    const kinds: string[] = [];
    using catalogue = new DeviceCatalogue({
      env: server.env,
      alsa,
      deadlineMs: 30,
      onEvent: ({ kind }) => kinds.push(kind),
    });
    await catalogue.ready();
    server.mute = true;
    await catalogue.refresh();
    await server.close();
    server.mute = false;
    await expect.poll(() => kinds, patience).toEqual(['query-failed', 'server-gone']);
    rmSync(dirname(server.path), { recursive: true, force: true });
    await server.listen();
    await expect
      .poll(() => kinds, patience)
      .toEqual(['query-failed', 'server-gone', 'server-back', 'added', 'default-changed']);
  });
});

describe('where a server is looked for', () => {
  it('goes by the environment', () => {
    const home = { HOME: '/home/me' };
    expect(serverPaths({ ...home, XDG_RUNTIME_DIR: '/run/me' }, 7)[0]).toBe('/run/me/pulse/native');
    expect(serverPaths(home, 7)[0]).toBe('/run/user/7/pulse/native');
    expect(serverPaths({ ...home, PULSE_RUNTIME_PATH: '/p' })).toEqual(['/p/native']);
    const PULSE_SERVER = 'tcp:far:4713 {abc}unix:/a/b /c unix:relative';
    expect(serverPaths({ ...home, PULSE_SERVER, PULSE_RUNTIME_PATH: '/p' })).toEqual([
      '/a/b',
      '/c',
    ]);
  });

  it('takes zeros for a cookie that is not there or no cookie', () => {
    expect(readCookie({ PULSE_COOKIE: '/dev/zero' })).toEqual(Buffer.alloc(256));
    expect(readCookie({ HOME: '/nowhere' })).toHaveLength(256);
  });
});
