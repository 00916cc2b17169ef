import net from 'node:net';
import { TenutoError } from '../errors.js';
import { ByteReader, ByteWriter } from './dbus-message.js';

/**
 * Real time for users without the privilege: RealtimeKit gives it to threads of processes that have
 * limited themselves, asked over the system bus (D-Bus Specification, "Authentication Protocol" and
 * "Message Protocol"). For a process with an event loop, on behalf of one without.
 */

const busName = 'org.freedesktop.DBus';
const kitName = 'org.freedesktop.RealtimeKit1';
const kitPath = '/org/freedesktop/RealtimeKit1';

/** Answers of RealtimeKit are below 1 KB: what is longer is not for us. */
const messageBytesMax = 64 * 1024;
/** RealtimeKit is started when asked for; it is given the time to. */
const answerMsMax = 2000;

/** What RealtimeKit has answered. */
export interface RealtimeGrant {
  readonly granted: boolean;
  /** 1 to 99, what was given; 0 when nothing was. */
  readonly priority: number;
  /** Why nothing was given. */
  readonly reason?: string;
}

/** Which thread is to become a real-time one, and on which bus to ask. */
export interface RealtimeRequest {
  readonly pid: number;
  /** The thread; a process's main thread has the number of the process. */
  readonly tid: number;
  /** 1 to 99; lowered to what RealtimeKit allows (20, unless it was set up otherwise). */
  readonly priority: number;
  /** The bus's socket; by default that of DBUS_SYSTEM_BUS_ADDRESS, else the usual place. */
  readonly busPath?: string;
}

function systemBusPath(): string {
  const set = /(?:^|;)unix:(?:[^;]*,)?path=([^;,]+)/.exec(
    process.env.DBUS_SYSTEM_BUS_ADDRESS ?? '',
  );
  return set?.[1] ? decodeURIComponent(set[1]) : '/run/dbus/system_bus_socket';
}

interface Call {
  readonly destination: string;
  readonly path: string;
  readonly contract: string;
  readonly member: string;
  /** D-Bus types of the body, `s`, `t` and `u` only. */
  readonly types: string;
  readonly body: readonly (string | number)[];
}

/** Lays out one method call, little endian. */
export function encodeCall(serial: number, call: Call): Buffer {
  const body = new ByteWriter();
  call.body.forEach((value, index) => {
    if (typeof value === 'string') body.text(value);
    else if (call.types[index] === 't') body.uint64(value);
    else body.uint32(value);
  });
  const fields = new ByteWriter();
  fields.field(1, 'o', call.path);
  fields.field(2, 's', call.contract);
  fields.field(3, 's', call.member);
  fields.field(6, 's', call.destination);
  if (call.types !== '') fields.field(8, 'g', call.types);
  const message = new ByteWriter();
  message.bytes([0x6c, 1, 0, 1]);
  message.uint32(body.length);
  message.uint32(serial);
  message.uint32(fields.length);
  message.append(fields);
  message.align(8);
  message.append(body);
  return message.toBuffer();
}

interface Answer {
  /** Of the call that is answered; 0 for signals and calls. */
  readonly replyTo: number;
  /** The error's name, for an error. */
  readonly error?: string;
  readonly body: ByteReader;
  readonly signature: string;
}

/** Takes the first whole message off the received bytes; null while it is not whole. */
export function decodeMessage(data: Buffer): { answer: Answer; bytes: number } | null {
  if (data.length < 16) return null;
  const little = data[0] === 0x6c;
  const read = (at: number): number => (little ? data.readUInt32LE(at) : data.readUInt32BE(at));
  const bodyBytes = read(4);
  const bodyStart = (16 + read(12) + 7) & ~7;
  const bytes = bodyStart + bodyBytes;
  if (bytes > messageBytesMax || read(12) > messageBytesMax) {
    throw new TenutoError('TENUTO_SYSTEM', 'the system bus sent a message that is too long');
  }
  if (data.length < bytes) return null;
  const fields = new ByteReader(data.subarray(0, 16 + read(12)), 16, little);
  let replyTo = 0;
  let error: string | undefined;
  let signature = '';
  while (!fields.done) {
    const { code, value } = fields.field();
    if (code === 4) error = String(value);
    if (code === 5) replyTo = Number(value);
    if (code === 8) signature = String(value);
  }
  const body = new ByteReader(data.subarray(bodyStart, bytes), 0, little);
  const answer = { replyTo, body, signature, ...(data[1] === 3 && { error: error ?? 'error' }) };
  return { answer, bytes };
}

/** An error's name, and its text when it has one. */
function errorText(name: string, answer: Answer): string {
  return answer.signature.startsWith('s') ? `${name}: ${answer.body.text()}` : name;
}

/** One connection to the bus, for a few calls. */
class Bus {
  readonly #socket: net.Socket;
  readonly #waiting = new Map<number, { resolve(a: Answer): void; reject(e: Error): void }>();
  #received: Buffer = Buffer.alloc(0);
  #authenticated: (() => void) | null = null;
  #serial = 0;
  #failure: Error | null = null;
  #failed: (error: Error) => void = () => {};

  constructor(path: string) {
    this.#socket = net.connect({ path });
    this.#socket.setTimeout(answerMsMax, () => this.#fail(new Error('it does not answer')));
    this.#socket.on('data', (data) => this.#receive(data));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('it closed the connection')));
  }

  async open(): Promise<void> {
    // EXTERNAL: the kernel tells the bus who is asking; the text only has to agree with it.
    const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex');
    await new Promise<void>((resolve, reject) => {
      this.#authenticated = resolve;
      this.#failed = reject;
      this.#socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
    });
    this.#socket.write('BEGIN\r\n');
    await this.call({
      destination: busName,
      path: '/org/freedesktop/DBus',
      contract: busName,
      member: 'Hello',
      types: '',
      body: [],
    });
  }

  call(call: Call): Promise<Answer> {
    if (this.#failure) return Promise.reject(this.#failure);
    const serial = ++this.#serial;
    return new Promise((resolve, reject) => {
      this.#waiting.set(serial, { resolve, reject });
      this.#socket.write(encodeCall(serial, call));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#socket.destroy();
    this.#failed(error);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #receive(data: Buffer): void {
    this.#received = Buffer.concat([this.#received, data]);
    try {
      if (this.#authenticated) this.#receiveLine();
      else this.#receiveMessages();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #receiveLine(): void {
    const end = this.#received.indexOf('\r\n');
    if (end < 0 && this.#received.length <= 1024) return;
    const line = this.#received.toString('latin1', 0, Math.max(0, end));
    if (!line.startsWith('OK')) throw new Error(`it refuses this user: ${line.slice(0, 80)}`);
    this.#received = this.#received.subarray(end + 2);
    this.#authenticated?.();
    this.#authenticated = null;
  }

  #receiveMessages(): void {
    for (let next = decodeMessage(this.#received); next; next = decodeMessage(this.#received)) {
      this.#received = this.#received.subarray(next.bytes);
      const { answer } = next;
      const waiting = this.#waiting.get(answer.replyTo);
      this.#waiting.delete(answer.replyTo);
      if (answer.error === undefined) waiting?.resolve(answer);
      else waiting?.reject(new Error(errorText(answer.error, answer)));
    }
  }
}

async function askKit(bus: Bus, request: RealtimeRequest): Promise<number> {
  const kit = { destination: kitName, path: kitPath };
  const property = await bus.call({
    ...kit,
    contract: 'org.freedesktop.DBus.Properties',
    member: 'Get',
    types: 'ss',
    body: [kitName, 'MaxRealtimePriority'],
  });
  const allowed = Number(property.body.variant());
  const priority = Math.max(1, Math.min(request.priority, allowed));
  await bus.call({
    ...kit,
    contract: kitName,
    member: 'MakeThreadRealtimeWithPID',
    types: 'ttu',
    body: [request.pid, request.tid, priority],
  });
  return priority;
}

/**
 * Asks RealtimeKit to make a thread of this user's processes a real-time one. It refuses processes
 * that have not been limited before: `limitRealtimeCpu(200_000, 200_000, pid)` or less.
 *
 * Never fails: where there is no bus or no RealtimeKit, the answer says so. Takes at most a few
 * seconds; not for a thread that may not wait.
 */
export async function requestRealtimeKit(request: RealtimeRequest): Promise<RealtimeGrant> {
  const bus = new Bus(request.busPath ?? systemBusPath());
  try {
    await bus.open();
    return { granted: true, priority: await askKit(bus, request) };
  } catch (error) {
    const reason = `RealtimeKit was not to be had: ${(error as Error).message}`;
    return { granted: false, priority: 0, reason };
  } finally {
    bus.close();
  }
}
