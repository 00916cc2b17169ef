import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { TenutoError } from '../../errors.js';
import { limits } from '../../limits.js';
import { datagramDescriptor, datagramDrops, growReceiveBuffer } from '../../os/index.js';
import type { OscDesk, OscSender } from './desk.js';
import { encodeSlip, SlipDecoder } from './slip.js';

/** What the kernel may hold for control while it is not running. */
const receiveBytes = 32 << 20;

/** Where it is to be reached, or is. */
export interface OscPlace {
  readonly host: string;
  readonly port: number;
}

/** The sockets of OSC: UDP, and TCP with SLIP on the same port. */
export class OscServer {
  private readonly udp: UdpSocket;
  private readonly tcp: Server;
  private readonly sockets = new Set<Socket>();
  private readonly refill: NodeJS.Timeout;
  private isClosed = false;
  private port = 0;
  private drops = 0;

  constructor(
    private readonly desk: OscDesk,
    private readonly place: OscPlace,
  ) {
    this.udp = createSocket(isIPv6(place.host) ? 'udp6' : 'udp4');
    this.udp.on('message', (bytes, from) => this.hear(bytes, from));
    this.tcp = createServer((socket) => this.welcome(socket));
    this.tcp.maxConnections = limits.oscConnectionsMax;
    this.refill = setInterval(() => this.lookBack(), 1000);
  }

  /**
   * Resolves with where it is bound. TCP comes with it when its port is free.
   *
   * @throws the system's error when the UDP port is taken
   */
  async listen(): Promise<OscPlace & { hasTcp: boolean }> {
    const { udp, place } = this;
    await new Promise<void>((resolve, reject) => {
      udp.once('error', reject);
      udp.bind({ address: place.host, port: place.port, exclusive: true }, () => {
        udp.off('error', reject);
        // A reply that cannot be delivered is told here; it is nobody's loss but the asker's.
        udp.on('error', () => {});
        resolve();
      });
    });
    const descriptor = datagramDescriptor(udp);
    if (descriptor !== null) growReceiveBuffer(descriptor, receiveBytes);
    const { address, port } = udp.address();
    this.port = port;
    const hasTcp = await new Promise<boolean>((resolve) => {
      this.tcp.once('error', () => resolve(false));
      this.tcp.listen({ host: place.host, port }, () => resolve(true));
    });
    return { host: address, port, hasTcp };
  }

  /** Once a second: what was missed is counted. */
  private lookBack(): void {
    this.desk.refill();
    if (this.port === 0) return;
    const drops = datagramDrops(this.port, isIPv6(this.place.host));
    if (drops > this.drops) this.desk.missed(drops - this.drops);
    this.drops = drops;
  }

  /** Idempotent. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.refill);
    try {
      this.udp.close();
    } catch {
      // It never was open.
    }
    this.tcp.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private hear(bytes: Uint8Array, { address, port }: RemoteInfo): void {
    const sender: OscSender = {
      key: `udp ${address} ${port}`,
      reply: (packet) => {
        if (!this.isClosed) this.udp.send(packet, port, address, () => {});
      },
    };
    void this.desk.take(bytes, sender);
  }

  private welcome(socket: Socket): void {
    this.sockets.add(socket);
    socket.setNoDelay(true);
    const sender: OscSender = {
      key: `tcp ${socket.remoteAddress} ${socket.remotePort}`,
      reply: (packet) => {
        // Who does not read its answers is let go.
        if (socket.writableLength > 4 * limits.oscPacketBytesMax) socket.destroy();
        else if (!socket.destroyed) socket.write(encodeSlip(packet));
      },
    };
    let waiting = 0;
    const decoder = new SlipDecoder({
      onPacket: (packet) => {
        waiting++;
        if (waiting >= limits.oscUnansweredMax) socket.pause();
        void this.desk.take(packet, sender).finally(() => {
          waiting--;
          if (waiting === limits.oscUnansweredMax >> 1) socket.resume();
        });
      },
      onDamage: (reason) => {
        const error = new TenutoError('TENUTO_COMMAND_INVALID', `no SLIP: ${reason}`);
        this.desk.refuseDamaged(sender, error);
      },
    });
    socket.on('data', (bytes) => decoder.push(bytes));
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.sockets.delete(socket);
      this.desk.forget(sender.key);
    });
  }
}
