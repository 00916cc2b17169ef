import type { Socket } from 'node:net';
import { type EngineParts, partsOf } from '../engine/attach.js';
import type { ChildOrder } from '../engine/orders.js';
import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import type { StreamOwner } from '../memory/stream-seats.js';
import type { ProcessIdentity } from '../os/index.js';
import type { EnginePlace, OpenedStream, Request } from './protocol.js';
import type { StreamDesk } from './stream-desk.js';

/**
 * Between two looks at streams that come to rest, and at those that are just open: the end of an
 * owner is heard from its connection too.
 */
const hurriedLookMs = 4;
const calmLookMs = 250;

type Of<Do> = Extract<Request, { do: Do }>;

interface Client {
  readonly socket: Socket;
  readonly who: ProcessIdentity | null;
}

/** The desk, as clients of the door reach it, and the timer that looks after it. */
export class StreamDoor {
  private readonly withdrawals = new Map<Socket, Set<() => void>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly desk: StreamDesk,
    private readonly order: ChildOrder,
  ) {
    this.look();
  }

  /** Where the engine's memory is. */
  get place(): EnginePlace {
    return { keeperPid: this.order.keeperPid, segmentFd: this.order.memory.segment };
  }

  /** Where all is that a renderer of the patch needs. */
  get parts(): EngineParts {
    return partsOf(this.order);
  }

  /** @throws TenutoError `TENUTO_STREAM_LIMIT` when none becomes free in time. */
  async open(client: Client, { token, name, stream, waitMs }: Of<'openStream'>) {
    const owner = ownerOf(client, token);
    const mine = this.withdrawals.get(client.socket) ?? new Set();
    this.withdrawals.set(client.socket, mine);
    let withdraw = () => {};
    const found = await new Promise<number | null>((resolve) => {
      withdraw = this.desk.open({ owner, name, stream, waitMs, answer: resolve });
      mine.add(withdraw);
      this.look();
    });
    mine.delete(withdraw);
    if (found === null) {
      const which = stream === undefined ? `all ${limits.streamsMax} streams` : `stream ${stream}`;
      const text = `${which} of engine "${this.order.engine}" stayed taken for ${waitMs} ms`;
      throw new TenutoError('TENUTO_STREAM_LIMIT', text);
    }
    const streamFd = this.order.memory.streams[found]!;
    const opened: OpenedStream = { stream: found, ...this.place, streamFd };
    return opened;
  }

  close(client: Client, { token, discard }: Of<'closeStream'>): boolean {
    const closed = this.desk.close(ownerOf(client, token), discard);
    this.look();
    return closed;
  }

  /** A connection is gone: its wishes with it, and perhaps the process and its streams. */
  left(socket: Socket): void {
    for (const withdraw of this.withdrawals.get(socket) ?? []) withdraw();
    this.withdrawals.delete(socket);
    this.look();
  }

  /** Looks now, and again as soon as there is reason to. */
  look(): void {
    clearTimeout(this.timer);
    this.desk.poll();
    const { haste } = this.desk;
    if (haste === 'idle') return;
    const afterMs = haste === 'soon' ? hurriedLookMs : calmLookMs;
    this.timer = setTimeout(() => this.look(), afterMs);
  }
}

function ownerOf({ who }: Client, token: number): StreamOwner {
  if (who === null) {
    throw new TenutoError('TENUTO_PERMISSION', 'a process that cannot be seen owns no stream');
  }
  return { ...who, token };
}
