import type { RawData, WebSocket } from 'ws';
import { limits } from '../../limits.js';
import { RateLimit } from './rate-limit.js';
import { type ReaderMessage, readerMessageSchema, type Topic } from './reader-messages.js';

/** Whoever looks after the readers. */
export interface ReaderOffice {
  /** It sent something that it may send. */
  heard(reader: Reader, message: ReaderMessage): void;
  /** It did not keep up with what it asked for. */
  dropped(): void;
  left(reader: Reader): void;
}

/** One WebSocket: what it subscribed to, and the limit on what waits for it. */
export class Reader {
  readonly topics = new Set<Topic>();
  readonly taps = new Set<string>();
  /** The last event that it was told. */
  since = 0;
  private readonly rate: RateLimit;
  private isAnswering = true;

  constructor(
    private readonly socket: WebSocket,
    private readonly office: ReaderOffice,
  ) {
    this.rate = new RateLimit(
      {
        perSec: limits.readerMessagesPerSecMax,
        burst: limits.readerMessagesBurst,
        placesMax: 1,
      },
      () => performance.now(),
    );
    socket.on('message', (data, isBinary) => this.hear(data, isBinary));
    socket.on('pong', () => {
      this.isAnswering = true;
    });
    socket.on('close', () => office.left(this));
    socket.on('error', () => socket.terminate());
  }

  /** Sends it text or bytes; one that is too far behind is dropped instead. */
  send(data: string | Uint8Array): void {
    const { socket } = this;
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > limits.readerBufferedBytesMax) {
      this.office.dropped();
      socket.terminate();
      return;
    }
    socket.send(data, { binary: typeof data !== 'string' });
  }

  /** Tells it that something cannot be. */
  refuse(code: string, message: string): void {
    this.send(JSON.stringify({ type: 'error', code, message }));
  }

  /** Asks whether it is still there; ends it when it did not answer the last time. */
  probe(): void {
    if (!this.isAnswering) this.socket.terminate();
    this.isAnswering = false;
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping();
  }

  close(): void {
    this.socket.close(1001, 'the engine ends');
  }

  private hear(data: RawData, isBinary: boolean): void {
    if (!this.rate.take('')) {
      this.socket.close(1008, 'too many messages');
      return;
    }
    if (isBinary) {
      this.refuse('TENUTO_REQUEST_INVALID', 'a message is one JSON object, as text');
      return;
    }
    const text = data.toString();
    if (text.length > limits.requestBytesMax) {
      const most = `a message has at most ${limits.requestBytesMax} bytes`;
      this.refuse('TENUTO_REQUEST_LIMIT', most);
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.refuse('TENUTO_REQUEST_INVALID', 'a message is one JSON object');
      return;
    }
    const parsed = readerMessageSchema.safeParse(value);
    if (parsed.success) {
      this.office.heard(this, parsed.data);
      return;
    }
    const why = parsed.error.issues
      .slice(0, 5)
      .map(({ path, message }) => [...path.map(String), message].join(': '))
      .join('; ');
    this.refuse('TENUTO_REQUEST_INVALID', why);
  }
}
