import { createConnection, type Socket } from 'node:net';
import {
  type CardInfo,
  Command,
  type NodeInfo,
  PacketSplitter,
  packet,
  protocolVersion,
  protocolVersionMin,
  readCards,
  readClient,
  readServerInfo,
  readSinks,
  readSources,
  request,
  type ServerInfo,
  SubscribeEvent,
  subscribedFacilities,
} from './pulse-protocol.js';
import { ProtocolError, TagReader, type TagWriter } from './tagstruct.js';

/** All that is asked of a server at once. */
export interface ServerState {
  server: ServerInfo;
  sinks: NodeInfo[];
  sources: NodeInfo[];
  cards: CardInfo[];
}

export interface PulseClientOptions {
  /** The server's Unix socket. */
  path: string;
  cookie: Buffer;
  /** How long the server may take to answer, in milliseconds, before it counts as hung. */
  deadlineMs: number;
  /** Gives up connecting. */
  signal?: AbortSignal;
  /** Something changed; what, `read` tells. */
  onChange?: () => void;
  /** A client has connected: its index. */
  onClient?: (index: number) => void;
  /** What it says of itself besides its name. */
  properties?: Readonly<Record<string, string>>;
  /**
   * The connection has ended, by whomever but `close`; called once at most. A ProtocolError says
   * that the server is still there, but of no use; any other that it is gone.
   */
  onEnd?: (reason: Error) => void;
}

/** Answers that may be under way: what `read` asks, twice over. */
const pendingMax = 16;

interface Pending {
  settle(reader: TagReader): void;
  fail(reason: Error): void;
}

/**
 * One connection to a sound server by the native protocol of PulseAudio. It asks and listens; it
 * plays nothing and changes nothing. Not for the audio thread.
 */
export class PulseClient {
  readonly #options: PulseClientOptions;
  readonly #socket: Socket;
  readonly #splitter = new PacketSplitter();
  readonly #pending = new Map<number, Pending>();
  #serial = 0;
  #version = protocolVersionMin;
  #closed = false;

  private constructor(options: PulseClientOptions) {
    this.#options = options;
    this.#socket = createConnection(options.path);
    this.#socket.on('data', (bytes) => this.#receive(bytes));
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end(new Error('the server hung up')));
  }

  /**
   * Connects and introduces itself.
   *
   * @throws a ProtocolError when a server is there and refuses, is too old, makes no sense or does
   * not answer in time; any other Error when none is there or it hangs up.
   */
  static async connect(options: PulseClientOptions): Promise<PulseClient> {
    let introduced = false;
    const client = new PulseClient({
      ...options,
      // Until it has introduced itself a failure is thrown, not told.
      onEnd: (reason) => introduced && options.onEnd?.(reason),
    });
    const abort = () => client.close();
    options.signal?.addEventListener('abort', abort);
    try {
      await client.#introduce();
      introduced = true;
      return client;
    } catch (error) {
      client.close();
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', abort);
    }
  }

  async #introduce(): Promise<void> {
    const answer = await this.#ask(Command.auth, (content) =>
      content.u32(protocolVersion).bytes(this.#options.cookie),
    );
    // Above the version stand flags for shared memory, which this side never states.
    const theirs = answer.u32() & 0xffff;
    if (theirs < protocolVersionMin) throw new ProtocolError(`protocol version ${theirs}`);
    this.#version = Math.min(theirs, protocolVersion);
    await this.#ask(Command.setClientName, (content) =>
      content.properties({
        'application.name': 'tenuto',
        'application.process.id': `${process.pid}`,
        ...this.#options.properties,
      }),
    );
  }

  /** From now on `onChange` and `onClient` are called. */
  async subscribe(): Promise<void> {
    await this.#ask(Command.subscribe, (content) => content.u32(subscribedFacilities));
  }

  /** What the server has now. @throws ProtocolError, also when it does not answer in time */
  async read(): Promise<ServerState> {
    const version = this.#version;
    const [server, sinks, sources, cards] = await Promise.all([
      this.readServer(),
      this.#ask(Command.getSinkInfoList).then((answer) => readSinks(answer, version)),
      this.#ask(Command.getSourceInfoList).then((answer) => readSources(answer, version)),
      version < 15 ? [] : this.#ask(Command.getCardInfoList).then(readCards),
    ]);
    return { server, sinks, sources, cards };
  }

  /** What the server has as its defaults. @throws as `read` */
  async readServer(): Promise<ServerInfo> {
    return readServerInfo(await this.#ask(Command.getServerInfo));
  }

  /** What a client says of itself. @throws ProtocolError, also when it has gone */
  async readClient(index: number): Promise<ReadonlyMap<string, string>> {
    return readClient(await this.#ask(Command.getClientInfo, (content) => content.u32(index)));
  }

  /** Hangs up; what is asked for fails. Idempotent, and `onEnd` is not called. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    for (const { fail } of [...this.#pending.values()]) fail(new ProtocolError('closed'));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The other side is gone, or made no sense. */
  #end(reason: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    for (const { fail } of [...this.#pending.values()]) fail(reason);
    this.#options.onEnd?.(reason);
  }

  #ask(command: number, fill?: (content: TagWriter) => void): Promise<TagReader> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new ProtocolError('closed');
      if (this.#pending.size >= pendingMax) throw new ProtocolError('too many questions at once');
      const serial = this.#serial++;
      const timer = setTimeout(() => {
        this.#end(new ProtocolError(`no answer within ${this.#options.deadlineMs} ms`));
      }, this.#options.deadlineMs);
      const done = () => {
        clearTimeout(timer);
        this.#pending.delete(serial);
      };
      this.#pending.set(serial, {
        settle: (reader) => {
          done();
          resolve(reader);
        },
        fail: (reason) => {
          done();
          reject(reason);
        },
      });
      const content = request(command, serial);
      fill?.(content);
      this.#socket.write(packet(content.toBuffer()));
    });
  }

  #receive(bytes: Buffer): void {
    try {
      for (const content of this.#splitter.push(bytes)) this.#take(new TagReader(content));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end(error);
    }
  }

  #take(reader: TagReader): void {
    const command = reader.u32();
    const serial = reader.u32();
    if (command === Command.subscribeEvent) {
      this.#event(reader.u32(), reader.u32());
    } else if (command === Command.reply) {
      this.#pending.get(serial)?.settle(reader);
    } else if (command === Command.error) {
      this.#pending.get(serial)?.fail(new ProtocolError(`the server refused: ${reader.u32()}`));
    }
    // All else belongs to streams, of which this client has none.
  }

  #event(event: number, index: number): void {
    const { facilityMask, client, kindMask, isNew } = SubscribeEvent;
    if ((event & facilityMask) !== client) this.#options.onChange?.();
    else if ((event & kindMask) === isNew) this.#options.onClient?.(index);
  }
}
