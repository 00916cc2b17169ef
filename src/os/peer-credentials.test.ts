import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import net from 'node:net';
import { expect, test } from 'vitest';
import { ModuleProcess } from '../../test/kit/module-process.js';
import { abstractPath } from './instance-lock.js';
import { peerCredentials, peerUid, socketDescriptor } from './peer-credentials.js';

test('the kernel says which process and user has connected', async () => {
  const name = `tenuto-test-peer-${process.pid}`;
  const server = net.createServer();
  server.listen({ path: abstractPath(name) });
  await once(server, 'listening');
  const connected = once(server, 'connection') as Promise<[net.Socket]>;
  const client = new ModuleProcess(
    `
    import net from 'node:net';
    const socket = net.connect({ path: os.abstractPath(process.argv[1]) });
    socket.on('close', () => process.exit(0));
    socket.resume();
    socket.on('connect', () => console.log(os.peerUid(os.socketDescriptor(socket))));
    `,
    { args: [name] },
  );
  const [socket] = await connected;
  const fd = socketDescriptor(socket) ?? -1;
  expect(peerCredentials(fd)).toEqual({
    pid: client.pid,
    uid: process.getuid?.(),
    gid: process.getgid?.(),
  });
  expect(await client.line()).toBe(String(process.getuid?.()));
  socket.destroy();
  expect(socketDescriptor(socket)).toBeNull();
  expect(await client.ended).toBe(0);
  server.close();
});

test('what is no socket has no peer', () => {
  const fd = openSync('/dev/null', 'r');
  expect(() => peerUid(fd)).toThrow('ENOTSOCK');
  closeSync(fd);
  expect(() => peerUid(-1)).toThrow('EBADF');
});
