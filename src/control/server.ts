import { createServer, type Server, type Socket } from 'node:net';
import { TenutoError } from '../errors.js';
import { describeEvent } from '../flight/event-text.js';
import { limits } from '../limits.js';
import { readEvents } from '../memory/events.js';
import { clock } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import { readStatus } from '../observe/status.js';
import {
  identity,
  monotonicNs,
  type ProcessIdentity,
  peerCredentials,
  socketDescriptor,
} from '../os/index.js';
import type { Bus } from './bus/bus.js';
import { readProgramInfo } from './program-books.js';
import { type Request, type Response, requestSchema } from './protocol.js';
import type { StreamDoor } from './stream-door.js';

/** A client of the door: the process that connected. */
interface Peer {
  readonly socket: Socket;
  /** Null when it cannot be seen from here, as from another namespace of processes. */
  readonly who: ProcessIdentity | null;
}

/** Serves status, events, streams and the request to stop, from the engine's memory. */
export class ControlServer {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly segment: Segment,
    private readonly name: string,
    private readonly streams: StreamDoor,
    private readonly bus: Bus,
  ) {
    this.server = createServer((socket) => this.welcome(socket));
    this.server.maxConnections = limits.controlConnectionsMax;
  }

  /** Resolves when clients can connect. */
  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ path }, resolve);
    });
  }

  /** Idempotent: ends every connection and takes no more. */
  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private welcome(socket: Socket): void {
    const descriptor = socketDescriptor(socket);
    const own = process.getuid?.();
    const credentials = descriptor === null ? null : peerCredentials(descriptor);
    if (credentials?.uid !== own) {
      socket.destroy();
      return;
    }
    const peer = { socket, who: credentials === null ? null : identity(credentials.pid) };
    this.sockets.add(socket);
    socket.once('close', () => {
      this.sockets.delete(socket);
      this.streams.left(socket);
    });
    socket.on('error', () => socket.destroy());
    socket.setEncoding('utf8');
    let pending = '';
    socket.on('data', (text: string) => {
      pending += text;
      for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
        void this.answer(peer, pending.slice(0, end));
        pending = pending.slice(end + 1);
      }
      if (pending.length <= limits.requestBytesMax) return;
      pending = '';
      this.refuseLong(socket);
    });
  }

  /** What is longer is not read to its end, so nothing after it could be understood. */
  private refuseLong(socket: Socket): void {
    const message = `a request has at most ${limits.requestBytesMax} bytes`;
    const refusal: Response = { id: -1, ok: false, code: 'TENUTO_REQUEST_LIMIT', message };
    socket.removeAllListeners('data');
    socket.resume();
    socket.end(`${JSON.stringify(refusal)}\n`);
  }

  private async answer(peer: Peer, line: string): Promise<void> {
    const { socket } = peer;
    const response = await this.respond(peer, line);
    // A client that does not read its answers is let go, so that they do not pile up here.
    if (socket.writableLength > limits.requestBytesMax) socket.destroy();
    else if (!socket.destroyed) socket.write(`${JSON.stringify(response)}\n`);
  }

  private async respond(peer: Peer, line: string): Promise<Response> {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return { id: -1, ok: false, code: 'TENUTO_USAGE', message: 'a request is one JSON object' };
    }
    const parsed = requestSchema.safeParse(value);
    if (!parsed.success) {
      const message = parsed.error.issues.map((issue) => issue.message).join('; ');
      return { id: -1, ok: false, code: 'TENUTO_USAGE', message };
    }
    const { id } = parsed.data;
    try {
      return { id, ok: true, result: await this.act(peer, parsed.data) };
    } catch (error) {
      if (!(error instanceof TenutoError)) throw error;
      return { id, ok: false, code: error.code, message: error.message };
    }
  }

  private act(peer: Peer, request: Request): unknown {
    const { segment } = this;
    switch (request.do) {
      case 'status':
        return readStatus(segment, this.name);
      case 'events':
        return readEvents(segment, request.since).map((event) => {
          const { fields, level, text } = describeEvent(segment, event);
          const agoSec = ((monotonicNs() / 1000 - event.timeUs) >>> 0) / 1e6;
          return { ...fields, ...event, agoSec, level, text };
        });
      case 'memory':
        return this.streams.place;
      case 'command':
        return this.bus.submit(request.command, 'socket');
      case 'get':
        return this.bus.get(request.path);
      case 'patch':
        return readProgramInfo(segment, this.bus.programNumber());
      case 'parts':
        return this.streams.parts;
      case 'openStream':
        return this.streams.open(peer, request);
      case 'closeStream':
        return this.streams.close(peer, request);
      case 'stop':
        Atomics.store(segment.words, segment.layout.clock + clock.stopRequest, 1);
        return null;
    }
  }
}
