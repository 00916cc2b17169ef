import { createServer, type Server, type Socket } from 'node:net';
import { limits } from '../limits.js';
import { readEvents } from '../memory/events.js';
import { clock } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import { readStatus } from '../observe/status.js';
import { tripwireOfEvent } from '../observe/tripwires.js';
import { peerUid, socketDescriptor } from '../os/index.js';
import { type Request, type Response, requestSchema } from './protocol.js';

/** Serves status, events and the request to stop, from the engine's memory. */
export class ControlServer {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly segment: Segment,
    private readonly name: string,
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
    if (descriptor === null || peerUid(descriptor) !== own) {
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.setEncoding('utf8');
    let pending = '';
    socket.on('data', (text: string) => {
      pending += text;
      for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
        this.answer(socket, pending.slice(0, end));
        pending = pending.slice(end + 1);
      }
      if (pending.length > limits.controlLineBytesMax) socket.destroy();
    });
  }

  private answer(socket: Socket, line: string): void {
    const response = this.respond(line);
    // A client that does not read its answers is let go, so that they do not pile up here.
    if (socket.writableLength > limits.controlLineBytesMax * 4) socket.destroy();
    else socket.write(`${JSON.stringify(response)}\n`);
  }

  private respond(line: string): Response {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return { id: -1, ok: false, code: 'TENUTO_USAGE', message: 'a request is one JSON object' };
    }
    const parsed = requestSchema.safeParse(value);
    if (parsed.success) return { id: parsed.data.id, ok: true, result: this.act(parsed.data) };
    const message = parsed.error.issues.map((issue) => issue.message).join('; ');
    return { id: -1, ok: false, code: 'TENUTO_USAGE', message };
  }

  private act(request: Request): unknown {
    const { segment } = this;
    if (request.do === 'status') return readStatus(segment, this.name);
    if (request.do === 'events') {
      return readEvents(segment, request.since).map((event) =>
        event.kind === 'tripwire'
          ? { ...event, ...tripwireOfEvent(event.place, event.a, event.b) }
          : event,
      );
    }
    Atomics.store(segment.words, segment.layout.clock + clock.stopRequest, 1);
    return null;
  }
}
