import { closeSync, readFileSync } from 'node:fs';
import { assert } from '../errors.js';
import { errno, lastErrno, libc, scratch, systemError } from './libc.js';

/**
 * Names in the abstract socket namespace, unix(7): they have no file, and the kernel frees them with
 * the last descriptor, however the process ends. They are one set per network namespace, and any
 * user may take any name, so what is behind one is checked by peerUid.
 *
 * An engine's names are `tenuto/UID/ENGINE/PURPOSE` after the leading zero byte, filled with zero
 * bytes to the whole 108 bytes of `sun_path`. The filling is there because Node up to 20 binds all
 * 108 bytes and later versions only the given ones: filled, they are the same address for both.
 */

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;

const pathBytes = 108;
const addressBytes = 2 + pathBytes;

/** The lock that makes an engine the only one of its name. */
export interface InstanceLock {
  /** The name as /proc/net/unix shows it. */
  readonly address: string;
  /** Frees the name at once. Idempotent. */
  release(): void;
}

/**
 * The address for `net.listen({ path })` and `net.connect({ path })`, the same on every version of
 * Node: a zero byte, the name, and zero bytes up to 108.
 *
 * @param name - printable ASCII, 1 to 107 bytes
 */
export function abstractPath(name: string): string {
  assert(/^[\x21-\x7e]{1,107}$/.test(name), 'an abstract address is 1 to 107 printable bytes');
  return `\0${name}`.padEnd(pathBytes, '\0');
}

/**
 * The name of an engine's socket.
 *
 * @param engine - letters, digits, `.`, `_` and `-`, 1 to 64 of them
 * @param purpose - `lock`, `control`...: lower case, 1 to 16 letters
 * @param uid - whose engine; this user's by default
 */
export function engineAddress(
  engine: string,
  purpose: string,
  uid = process.getuid?.() ?? 0,
): string {
  assert(/^[A-Za-z0-9._-]{1,64}$/.test(engine), 'an engine name is 1 to 64 of A-Z a-z 0-9 . _ -');
  assert(/^[a-z]{1,16}$/.test(purpose), 'a purpose is 1 to 16 lower case letters');
  return `tenuto/${uid}/${engine}/${purpose}`;
}

/**
 * Takes the lock of an engine name, by bind(2) of a socket that never listens.
 *
 * @returns null when another process holds it (EADDRINUSE)
 * @throws TenutoError TENUTO_SYSTEM when the system has no more sockets
 */
export function takeInstanceLock(engine: string): InstanceLock | null {
  const address = engineAddress(engine, 'lock');
  const fd = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd === -1) throw systemError('socket(2)');
  const { bytes, address: at } = scratch.setUp;
  new DataView(bytes.buffer, bytes.byteOffset).setUint16(0, AF_UNIX, true);
  bytes.set(Buffer.from(abstractPath(address), 'latin1'), 2);
  if (libc.bind(fd, at, addressBytes) !== 0) {
    const error = lastErrno();
    closeSync(fd);
    if (error === errno.EADDRINUSE) return null;
    throw systemError('bind(2)', error);
  }
  let held = true;
  return {
    address: `@${address}`,
    release(): void {
      if (!held) return;
      held = false;
      closeSync(fd);
    },
  };
}

/** The sockets of engines in this network namespace, of all users, proc_net(5) unix. */
export function listEngineSockets(): { uid: number; engine: string; purpose: string }[] {
  const found = new Map<string, { uid: number; engine: string; purpose: string }>();
  for (const line of readFileSync('/proc/net/unix', 'latin1').split('\n')) {
    // Zero bytes of an abstract name are shown as `@`; connections repeat their server's name.
    const match = / @tenuto\/(\d+)\/([A-Za-z0-9._-]+)\/([a-z]+)@*$/.exec(line);
    if (!match?.[2] || !match[3]) continue;
    found.set(match[0], { uid: Number(match[1]), engine: match[2], purpose: match[3] });
  }
  return [...found.values()];
}
