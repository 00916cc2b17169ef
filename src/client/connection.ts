import { randomInt, randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Ack, Applied, CommandInput } from '../control/bus/command.js';
import type { StateView } from '../control/bus/engine-state.js';
import type {
  EngineParts,
  EnginePlace,
  OpenedStream,
  Request,
  Response,
} from '../control/protocol.js';
import type { PatchInfo } from '../dsp/compiler.js';
import { type ErrorCode, errorTable, TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import type { Status } from '../observe/status.js';
import { abstractPath, engineAddress, listEngineSockets } from '../os/index.js';
import { CaptureReader } from './capture.js';
import { EngineMemory } from './engine-memory.js';
import { SignalPlayer } from './play-and-record.js';
import { ClientStream } from './stream.js';
import { checkStreamFormat } from './stream-format.js';
import { PatchTap } from './tap.js';
import type { PlayTrainOptions, SignalTrain } from './train-types.js';
import type {
  CaptureFormat,
  EngineCapture,
  EngineConnection,
  EngineNote,
  EngineStream,
  EngineTap,
  PatchGiven,
  PlayAndRecordOptions,
  Recorded,
  SetOptions,
  StreamFormat,
} from './types.js';

/** While a control process that died is started again, its clients wait. */
const patienceMs = 2000;
const loadMs = 90_000;
const retryMs = 20;
const stopMs = 15_000;

function isRunning(name: string): boolean {
  const uid = process.getuid?.();
  return listEngineSockets().some(
    (socket) => socket.engine === name && socket.purpose === 'lock' && socket.uid === uid,
  );
}

function unreachable(name: string): TenutoError {
  return new TenutoError('TENUTO_ENGINE_UNREACHABLE', `no engine named "${name}" answers`);
}

async function dial(name: string, dialMs: number): Promise<Socket> {
  const path = abstractPath(engineAddress(name, 'control'));
  const deadline = performance.now() + dialMs;
  for (;;) {
    if (!isRunning(name)) throw unreachable(name);
    const socket = await new Promise<Socket | null>((resolve) => {
      const trial = connect({ path });
      trial.once('connect', () => resolve(trial));
      trial.once('error', () => resolve(null));
    });
    if (socket) return socket;
    if (performance.now() > deadline) throw unreachable(name);
    await delay(retryMs);
  }
}

/** The number of a request, as it stands before it. */
const idBytesMax = 32;

/** A request without its number. */
type Ask = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;

/**
 * Connects to a running engine of this user by its name. A connection survives the restart of the
 * engine's control process: the request is asked again.
 *
 * @throws TenutoError `TENUTO_ENGINE_UNREACHABLE`
 */
export async function connectEngine(name: string): Promise<EngineConnection> {
  const connection = new Connection(name);
  await connection.open(patienceMs);
  return connection;
}

/** A connection to control, with the streams that were opened over it. */
export class Connection implements EngineConnection {
  private socket: Socket | null = null;
  private nextId = 1;
  private closed = false;
  private readonly pending = new Map<number, (response: Response | null) => void>();
  private readonly streams = new Set<ClientStream>();
  private readonly captures = new Set<CaptureReader>();
  private player: SignalPlayer | null = null;
  private memory: EngineMemory | null = null;
  /** Streams that could not be given back, because nobody answered. */
  private owed: Ask[] = [];

  constructor(private readonly name: string) {}

  /** @param dialMs how long control may take to answer, for it may be starting. */
  async open(dialMs: number): Promise<void> {
    const socket = await dial(this.name, dialMs);
    this.socket = socket;
    const lines = createInterface({ input: socket });
    lines.on('line', (line) => {
      const response = JSON.parse(line) as Response;
      this.pending.get(response.id)?.(response);
    });
    // The interface passes on what happens to the socket, which is dealt with there.
    lines.on('error', () => {});
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      if (this.socket === socket) this.socket = null;
      for (const settle of this.pending.values()) settle(null);
      if (!isRunning(this.name)) this.engineEnded();
    });
    for (const request of this.owed.splice(0)) void this.ask(request).catch(() => {});
  }

  async status(): Promise<Status> {
    return (await this.ask({ do: 'status' })) as Status;
  }

  async command(command: CommandInput): Promise<Applied> {
    // With a name it is applied once, however often it has to be sent.
    const named = { id: randomUUID(), ...command };
    // To prepare another patch takes its time.
    const askMs = command.do === 'loadPatch' ? loadMs : patienceMs;
    const ack = (await this.ask({ do: 'command', command: named }, askMs)) as Ack;
    if (ack.ok) return ack;
    throw new TenutoError(ack.code, ack.message);
  }

  set(path: string, value: number | string | boolean, options: SetOptions = {}): Promise<Applied> {
    return this.command({ do: 'set', path, value, ...options });
  }

  loadPatch(patch: PatchGiven): Promise<Applied> {
    return this.command({ do: 'loadPatch', ...patch });
  }

  async patch(): Promise<PatchInfo> {
    return (await this.ask({ do: 'patch' })) as PatchInfo;
  }

  async get(path?: string): Promise<StateView> {
    return (await this.ask({ do: 'get', ...(path !== undefined && { path }) })) as StateView;
  }

  async events(since = 0): Promise<EngineNote[]> {
    return (await this.ask({ do: 'events', since })) as EngineNote[];
  }

  async stop(): Promise<void> {
    await this.ask({ do: 'stop' });
    const deadline = performance.now() + stopMs;
    while (isRunning(this.name)) {
      if (performance.now() > deadline) {
        throw new TenutoError('TENUTO_ENGINE_FAILED', `engine "${this.name}" did not end`);
      }
      await delay(retryMs);
    }
  }

  openStream(format: StreamFormat): Promise<EngineStream> {
    return this.openClientStream(format);
  }

  private async openClientStream(format: StreamFormat): Promise<ClientStream> {
    const { stream: wanted, ...checked } = checkStreamFormat(format);
    const { name, waitMs } = checked;
    const token = randomInt(1, 2 ** 31);
    const request: Ask = { do: 'openStream', token, name, stream: wanted, waitMs };
    let grant: OpenedStream;
    try {
      grant = (await this.ask(request, waitMs + patienceMs)) as OpenedStream;
    } catch (error) {
      // It may have been opened although the answer was lost.
      void this.giveBack(token, true);
      throw error;
    }
    try {
      this.memory ??= new EngineMemory(grant);
      const host = {
        engine: this.name,
        memory: this.memory,
        giveBack: (discard: boolean) => {
          this.streams.delete(stream);
          return this.giveBack(token, discard);
        },
      };
      const stream: ClientStream = new ClientStream(host, grant, checked);
      this.streams.add(stream);
      return stream;
    } catch (error) {
      void this.giveBack(token, true);
      throw isRunning(this.name) ? error : unreachable(this.name);
    }
  }

  async capture(format: CaptureFormat = {}): Promise<EngineCapture> {
    const memory = await this.reachMemory();
    const host = {
      engine: this.name,
      memory,
      forget: () => this.captures.delete(reader),
    };
    const reader: CaptureReader = new CaptureReader(host, format);
    this.captures.add(reader);
    return reader;
  }

  async playAndRecord(signal: Float32Array, options: PlayAndRecordOptions = {}): Promise<Recorded> {
    return (await this.reachPlayer()).play(signal, options);
  }

  async playTrain(signal: Float32Array, options: PlayTrainOptions): Promise<SignalTrain> {
    return (await this.reachPlayer()).playTrain(signal, options);
  }

  private async reachPlayer(): Promise<SignalPlayer> {
    const memory = await this.reachMemory();
    const { rateHz: rate, channels } = memory.segment.layout;
    this.player ??= new SignalPlayer({
      engine: this.name,
      memory,
      openStream: (name) =>
        this.openClientStream({
          rate,
          channels,
          format: 'f32',
          bufferMs: limits.streamBufferMsMax,
          name,
        }),
    });
    return this.player;
  }

  async tap(points: readonly string[]): Promise<EngineTap> {
    const parts = (await this.ask({ do: 'parts' })) as EngineParts;
    const place = (await this.ask({ do: 'memory' })) as EnginePlace;
    try {
      return await PatchTap.open(parts, place, points);
    } catch (error) {
      throw isRunning(this.name) ? error : unreachable(this.name);
    }
  }

  /** Maps the engine's memory, once. @throws TenutoError `TENUTO_ENGINE_UNREACHABLE` */
  private async reachMemory(): Promise<EngineMemory> {
    if (this.memory !== null) return this.memory;
    const place = (await this.ask({ do: 'memory' })) as EnginePlace;
    try {
      this.memory ??= new EngineMemory(place);
      return this.memory;
    } catch (error) {
      throw isRunning(this.name) ? error : unreachable(this.name);
    }
  }

  /** The engine is gone: so are its streams and captures. Idempotent. */
  engineEnded(): void {
    for (const stream of this.streams) stream.engineEnded();
    this.streams.clear();
    for (const reader of this.captures) reader.engineEnded();
    this.captures.clear();
    this.player?.engineEnded();
    this.memory?.release();
    this.memory = null;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const reader of [...this.captures]) reader.close();
    this.player?.close();
    const ends = [...this.streams].map((stream) => stream.abort());
    void Promise.all(ends).finally(() => this.letGo());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.streams].map((stream) => stream.close()));
    this.close();
  }

  private letGo(): void {
    this.socket?.destroy();
    this.memory?.release();
    this.memory = null;
  }

  private async giveBack(token: number, discard: boolean): Promise<void> {
    const request: Ask = { do: 'closeStream', token, discard };
    try {
      await this.askAnyway(request, patienceMs);
    } catch {
      if (isRunning(this.name)) this.owed.push(request);
    }
  }

  private ask(request: Ask, askMs = patienceMs): Promise<unknown> {
    return this.closed ? Promise.reject(unreachable(this.name)) : this.askAnyway(request, askMs);
  }

  private async askAnyway(request: Ask, askMs: number): Promise<unknown> {
    const deadline = performance.now() + askMs;
    const bytes = JSON.stringify(request).length;
    if (bytes + idBytesMax > limits.requestBytesMax) {
      const text = `a request of ${bytes} bytes; it may have ${limits.requestBytesMax}`;
      throw new TenutoError('TENUTO_REQUEST_LIMIT', text);
    }
    for (;;) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw unreachable(this.name);
      if (this.socket === null && !(await this.connectOnce(leftMs))) continue;
      const response = await this.send(request, leftMs);
      if (response === null) {
        await delay(retryMs);
        continue;
      }
      if (response.ok) return response.result;
      const code = response.code in errorTable ? response.code : 'TENUTO_ENGINE_FAILED';
      throw new TenutoError(code as ErrorCode, response.message);
    }
  }

  private connecting: Promise<void> | null = null;

  /**
   * Several requests share one way to a control process that was started again. False when it is
   * not there yet; whoever has more time may try again.
   *
   * @throws TenutoError `TENUTO_ENGINE_UNREACHABLE` when the engine itself is gone.
   */
  private async connectOnce(dialMs: number): Promise<boolean> {
    this.connecting ??= this.open(dialMs).finally(() => {
      this.connecting = null;
    });
    try {
      await this.connecting;
      return true;
    } catch (error) {
      if (!isRunning(this.name)) throw error;
      return false;
    }
  }

  /** Null when the connection was lost before the answer, or there was none in time. */
  private send(request: Ask, answerMs: number): Promise<Response | null> {
    const id = this.nextId++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(null), answerMs);
      const settle = (response: Response | null) => {
        clearTimeout(timer);
        this.pending.delete(id);
        resolve(response);
      };
      this.pending.set(id, settle);
      if (this.socket === null) settle(null);
      else this.socket.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }
}
