import { readFileSync } from 'node:fs';
import { libc, scratch } from './libc.js';

/** What the kernel holds of datagrams while nobody reads them. socket(7). */

/** The same on x64 and arm64, asm-generic/socket.h. */
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;

/** The descriptor of a `dgram.Socket`, which Node does not publish; null when it is closed. */
export function datagramDescriptor(socket: object): number | null {
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    const state = (socket as Record<symbol, unknown>)[symbol];
    const fd = (state as { handle?: { fd?: unknown } | null } | null)?.handle?.fd;
    if (typeof fd === 'number' && fd >= 0) return fd;
  }
  return null;
}

/**
 * Has the kernel hold up to so many bytes for a socket, setsockopt(2): as many as are asked for
 * where this process may, else as many as `net.core.rmem_max` lets anybody have.
 */
export function growReceiveBuffer(fd: number, bytes: number): void {
  const { bytes: place, address } = scratch.setUp;
  new DataView(place.buffer, place.byteOffset).setInt32(0, bytes, true);
  if (libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, address, 4) === 0) return;
  libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, address, 4);
}

/**
 * Datagrams that the kernel threw away because nobody read them in time, of all sockets on a port,
 * proc_net(5).
 */
export function datagramDrops(port: number, isIPv6: boolean): number {
  const rows = readFileSync(isIPv6 ? '/proc/net/udp6' : '/proc/net/udp', 'latin1').split('\n');
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let drops = 0;
  for (const row of rows) {
    const fields = row.trim().split(/\s+/);
    if (fields[1]?.endsWith(suffix)) drops += Number(fields.at(-1)) || 0;
  }
  return drops;
}
