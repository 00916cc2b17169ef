import { closeSync } from 'node:fs';
import { libc, scratch } from './libc.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

const pathBytesMax = 108;
/** Of the scratch memory: the address stands before it. */
const textAt = 128;
const textBytesMax = 384;

/**
 * Tells the service manager something, sd_notify(3): one datagram to the socket that it named in
 * `NOTIFY_SOCKET`, which Node itself cannot send. Never waits, and never fails: a service manager
 * that does not listen is no reason to stop playing.
 *
 * @param path - as in `NOTIFY_SOCKET`: a path, or a name behind `@`
 * @param text - lines of `NAME=VALUE`; what is beyond 384 bytes is cut
 * @returns whether it was sent
 */
export function notifyService(path: string, text: string): boolean {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path);
  if (name.length === 0 || name.length >= pathBytesMax) return false;
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd === -1) return false;
  const { bytes, address } = scratch.setUp;
  bytes.fill(0, 0, textAt);
  new DataView(bytes.buffer, bytes.byteOffset).setUint16(0, AF_UNIX, true);
  bytes.set(name, 2);
  const message = Buffer.from(text).subarray(0, textBytesMax);
  bytes.set(message, textAt);
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  // A path ends with a zero byte, an abstract name at the length that is given.
  const length = 2 + name.length + (path.startsWith('@') ? 0 : 1);
  const sent = libc.sendto(fd, address + textAt, message.length, flags, address, length);
  closeSync(fd);
  return sent === message.length;
}
