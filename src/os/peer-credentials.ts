import { libc, scratch, systemError } from './libc.js';

/** Who is at the other end of a Unix socket: the kernel says so, the peer cannot lie. unix(7). */

/** The same on x64 and arm64, asm-generic/socket.h. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const credentialsBytes = 12;

/** The process that connected, or that listens, as it was then. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The credentials of a connected Unix socket's peer, getsockopt(2) SO_PEERCRED.
 *
 * @param fd - the socket's descriptor
 * @throws TenutoError TENUTO_SYSTEM when it is no socket
 */
export function peerCredentials(fd: number): PeerCredentials {
  const { bytes, address } = scratch.setUp;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const lengthOffset = 16;
  view.setUint32(lengthOffset, credentialsBytes, true);
  if (libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, address, address + lengthOffset) !== 0) {
    throw systemError('getsockopt(2) SO_PEERCRED');
  }
  return {
    pid: view.getInt32(0, true),
    uid: view.getUint32(4, true),
    gid: view.getUint32(8, true),
  };
}

/** The user at the other end of a connected Unix socket; 4294967295 for a socket without a peer. */
export function peerUid(fd: number): number {
  return peerCredentials(fd).uid;
}

/** The descriptor of a `net.Socket`, which Node does not publish; null when it is closed. */
export function socketDescriptor(socket: object): number | null {
  const handle = (socket as { _handle?: { fd?: unknown } | null })._handle;
  return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : null;
}
