import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { Bundle, Client, Message, Server } from 'node-osc';
import { describe, expect, it } from 'vitest';
import type { RunningEngine } from '../../dist/client/index.js';
import { readPacket, writeMessage } from '../../dist/control/osc/packet.js';
import { encodeSlip, SlipDecoder } from '../../dist/control/osc/slip.js';
import { killNow } from '../../dist/os/index.js';
import { launch, pidOf, testSettings, until, whole } from '../kit/engine.js';

const osc = ['control.osc=127.0.0.1:0'];

function portOf(engine: RunningEngine, door: 'osc' | 'remote' = 'osc'): number {
  return Number(/:(\d+)$/.exec(engine.status().control[door] ?? '')?.[1]);
}

/** Another implementation of OSC, on a socket of its own to which answers come. */
class Peer {
  readonly answers: unknown[][] = [];
  private readonly socket = createSocket('udp4');

  constructor(private readonly port: number) {
    this.socket.on('message', (bytes) => {
      const [group] = readPacket(bytes);
      for (const { address, values } of group!.messages) this.answers.push([address, ...values]);
    });
  }

  send(bytes: Uint8Array): void {
    this.socket.send(bytes, this.port, '127.0.0.1');
  }

  ask(address: string, ...values: Parameters<typeof writeMessage>[1]): void {
    this.send(writeMessage(address, values));
  }

  answered(address: string): Promise<unknown[]> {
    return until(`an answer ${address}`, () => this.answers.find(([one]) => one === address));
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}

describe('OSC', () => {
  it('of another implementation changes parameters, one by one and in bundles', async () => {
    await using engine = await launch({ settings: testSettings(osc) });
    await whole(engine);
    const client = new Client('127.0.0.1', portOf(engine));
    await client.send(new Message('/mod/room/size', 0.25));
    await client.send(new Bundle(['/mod/room/decay', 2], ['/mod/{room,nothing}/mix', 0.5]));
    const target = async (path: string) => (await engine.get(path)).values[path]!.target;
    await until('the bundle', async () => (await target('room.mix')) === 0.5);
    expect(await target('room.size')).toBe(0.25);
    expect(await target('room.decay')).toBe(2);
    await client.close();
  });

  it('is answered at the socket from which it was asked', async () => {
    await using engine = await launch({ settings: testSettings(osc) });
    await whole(engine);
    using peer = new Peer(portOf(engine));
    peer.ask('/mod/room/size', 0.25);
    peer.ask('/sync', { int: 5 });
    const [, token, seq, tick] = await peer.answered('/synced');
    expect([token, seq]).toEqual([5, 1]);
    expect(tick).toBeGreaterThan(0);
    peer.ask('/mod/room/size');
    expect((await peer.answered('/value')).slice(0, 2)).toEqual(['/value', 'room.size']);
    peer.ask('/engine/stop');
    expect((await peer.answered('/ack'))[1]).toBe('/engine/stop');
    peer.ask('/engine/status');
    expect((await peer.answered('/engine/status')).slice(1, 3)).toEqual(['running', 'stopped']);
    peer.ask('/gate/notes', 0);
    peer.ask('/trigger/notes/run', 5);
    peer.ask('/sync', 'again');
    await until('both', () => peer.answers.some((answer) => answer[1] === 'again'));
    expect(peer.answers.filter(([address]) => address === '/error')).toEqual([]);
  });

  it('that makes no sense is refused with the reason, counted, and does nothing', async () => {
    await using engine = await launch({ settings: testSettings(osc) });
    await whole(engine);
    using peer = new Peer(portOf(engine));
    peer.send(Buffer.from('no packet at all'));
    peer.send(new Uint8Array(0));
    peer.ask('/mod/rom/size', 1);
    peer.ask('/mod/room/size', 'large');
    peer.ask('/mod/room/size', 17);
    peer.ask('/mod/*/nothing', 1);
    await until('all are answered', () => peer.answers.length === 6);
    const codes = peer.answers.map(([address, , code]) => [address, code]);
    expect(codes).toEqual(
      expect.arrayContaining([
        ['/error', 'TENUTO_COMMAND_UNKNOWN'],
        ['/error', 'TENUTO_COMMAND_RANGE'],
        ['/error', 'TENUTO_COMMAND_INVALID'],
      ]),
    );
    const { counters } = engine.status();
    expect(counters).toMatchObject({ commands: 0, packetsRefused: 2, commandsRefused: 4 });
  });

  it('runs over TCP, too, however its bytes are cut', async () => {
    await using engine = await launch({ settings: testSettings(osc) });
    await whole(engine);
    const socket = connect(portOf(engine), '127.0.0.1');
    const answers: unknown[][] = [];
    const decoder = new SlipDecoder({
      onPacket: (packet) => {
        for (const { address, values } of readPacket(packet)[0]!.messages) {
          answers.push([address, ...values]);
        }
      },
      onDamage: (reason) => answers.push([reason]),
    });
    socket.on('data', (bytes) => decoder.push(bytes));
    const packets = [writeMessage('/mod/room/size', [0.75]), writeMessage('/sync', [{ int: 1 }])];
    for (const byte of Buffer.concat(packets.map(encodeSlip))) socket.write(Uint8Array.of(byte));
    await until('the answer', () => answers.some(([address]) => address === '/synced'));
    expect((await engine.get('room.size')).values['room.size']!.target).toBe(0.75);
    socket.destroy();
  });

  it('is back on its port after control was killed, and goes when the engine does', async () => {
    const engine = await launch({ settings: testSettings(osc) });
    await whole(engine);
    const before = pidOf(engine, 'control');
    const row = engine.status().processes.findIndex(({ role }) => role === 'control');
    killNow(before);
    await until('another control', () => {
      const { pid, state } = engine.status().processes[row]!;
      return pid !== before && state === 'running';
    });
    using peer = new Peer(portOf(engine));
    peer.ask('/mod/room/size', 0.5);
    peer.ask('/sync');
    await peer.answered('/synced');
    const port = portOf(engine);
    await engine.stop();
    const free = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      free.once('error', reject);
      free.bind(port, '127.0.0.1', () => resolve());
    });
    free.close();
  });

  it('that finds its port taken is off, and the engine plays', async () => {
    const other = new Server(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', () => resolve(null)));
    const { port } = other._sock.address();
    await using engine = await launch({
      settings: testSettings([`control.osc=127.0.0.1:${port}`]),
    });
    await whole(engine);
    expect(engine.status().control.osc).toBeNull();
    expect(engine.status().state).toBe('running');
    await other.close();
    await until('the port is taken again', () => engine.status().control.osc !== null);
  });
});
