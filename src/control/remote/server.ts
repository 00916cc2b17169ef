import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { datagramDescriptor, growReceiveBuffer } from '../../os/index.js';
import type { RemoteDesk } from './desk.js';

const receiveBytes = 1 << 20;

/** The socket of the datagram remote. */
export class RemoteServer {
  private readonly socket: Socket;
  private isClosed = false;

  constructor(
    private readonly desk: RemoteDesk,
    private readonly place: { host: string; port: number },
  ) {
    this.socket = createSocket(isIPv6(place.host) ? 'udp6' : 'udp4');
    this.socket.on('message', (bytes, from) => void this.hear(bytes, from));
  }

  /** Resolves with where it is bound. @throws the system's error when the port is taken */
  async listen(): Promise<{ host: string; port: number }> {
    const { socket, place } = this;
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: place.host, port: place.port, exclusive: true }, () => {
        socket.off('error', reject);
        socket.on('error', () => {});
        resolve();
      });
    });
    const descriptor = datagramDescriptor(socket);
    if (descriptor !== null) growReceiveBuffer(descriptor, receiveBytes);
    const { address, port } = socket.address();
    return { host: address, port };
  }

  /** Idempotent. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    try {
      this.socket.close();
    } catch {
      // It never was open.
    }
  }

  private async hear(bytes: Uint8Array, { address, port }: RemoteInfo): Promise<void> {
    const answer = await this.desk.take(bytes, `${address} ${port}`);
    if (!this.isClosed) this.socket.send(answer, port, address, () => {});
  }
}
