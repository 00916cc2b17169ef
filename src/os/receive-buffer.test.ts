import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { datagramDescriptor, datagramDrops, growReceiveBuffer } from './receive-buffer.js';

const open: Socket[] = [];

afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

/** Sends datagrams faster than anybody reads them; gives the port. */
async function flood(
  bufferBytes: number,
  datagrams: number,
): Promise<{ port: number; got: number }> {
  const receiver = createSocket('udp4');
  const sender = createSocket('udp4');
  open.push(receiver, sender);
  receiver.bind(0, '127.0.0.1');
  await once(receiver, 'listening');
  growReceiveBuffer(datagramDescriptor(receiver)!, bufferBytes);
  const { port } = receiver.address();
  let got = 0;
  receiver.on('message', () => got++);
  sender.connect(port, '127.0.0.1');
  await once(sender, 'connect');
  const sent: Promise<unknown>[] = [];
  for (let i = 0; i < datagrams; i++) {
    sent.push(new Promise((resolve) => sender.send(Buffer.alloc(1000), resolve)));
  }
  await Promise.all(sent);
  const all = () => got + datagramDrops(port, false) >= datagrams;
  while (!all()) await new Promise(setImmediate);
  return { port, got };
}

describe('what the kernel holds for a socket', () => {
  it('is lost when it is more than the buffer takes, and counted', async () => {
    const { port, got } = await flood(4096, 300);
    expect(got).toBeLessThan(300);
    expect(datagramDrops(port, false)).toBe(300 - got);
  });

  it('is nothing for a closed socket and for a port that nobody has', async () => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    expect(datagramDescriptor(socket)).toBeGreaterThan(0);
    socket.close();
    expect(datagramDescriptor(socket)).toBeNull();
    expect(datagramDrops(port, true)).toBe(0);
  });
});
