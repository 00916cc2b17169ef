import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Request, Response } from '../control/protocol.js';
import { TenutoError } from '../errors.js';
import type { Status } from '../observe/status.js';
import { abstractPath, engineAddress, listEngineSockets } from '../os/index.js';
import type { EngineConnection } from './types.js';

/** While a control process that died is started again, its clients wait. */
const patienceMs = 2000;
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

async function dial(name: string): Promise<Socket> {
  const path = abstractPath(engineAddress(name, 'control'));
  const deadline = performance.now() + patienceMs;
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
  await connection.open();
  return connection;
}

class Connection implements EngineConnection {
  private socket: Socket | null = null;
  private nextId = 1;
  private closed = false;
  private readonly pending = new Map<number, (response: Response | null) => void>();

  constructor(private readonly name: string) {}

  async open(): Promise<void> {
    const socket = await dial(this.name);
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
    });
  }

  async status(): Promise<Status> {
    return (await this.ask({ do: 'status' })) as Status;
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

  close(): void {
    this.closed = true;
    this.socket?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  private async ask(request: Ask): Promise<unknown> {
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      if (this.closed) break;
      if (this.socket === null) await this.open();
      const response = await this.send(request);
      if (response === null) continue;
      if (response.ok) return response.result;
      throw new TenutoError('TENUTO_ENGINE_FAILED', response.message);
    }
    throw unreachable(this.name);
  }

  /** Null when the connection was lost before the answer. */
  private send(request: Ask): Promise<Response | null> {
    const id = this.nextId++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(null), patienceMs);
      const settle = (response: Response | null) => {
        clearTimeout(timer);
        this.pending.delete(id);
        resolve(response);
      };
      this.pending.set(id, settle);
      this.socket?.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }
}
