import { once } from 'node:events';
import { request } from 'node:http';
import { WebSocket } from 'ws';
import type { RunningEngine } from '../../dist/client/index.js';
import { until } from './engine.js';

/** What any address of the HTTP interface answered. */
export interface Answered {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** Of the text, when it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at what comes, whatever it is.
  body: any;
}

/** Where the engine's HTTP interface is, once it is open. */
export async function httpOf(engine: RunningEngine): Promise<string> {
  return until('the HTTP interface is open', () => engine.status().control.http);
}

/** One request with exactly these headers, also those that `fetch` would not let through. */
export function ask(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answered> {
  const { method = 'GET', body } = options;
  const length = body === undefined ? {} : { 'content-length': `${Buffer.byteLength(body)}` };
  const headers = { ...options.headers, ...length };
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson =
          text !== '' && response.headers['content-type']?.startsWith('application/json');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          body: isJson ? JSON.parse(text) : null,
        });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** A WebSocket and all that it heard. */
export class Listener {
  readonly texts: Record<string, unknown>[] = [];
  readonly binaries: Buffer[] = [];
  isClosed = false;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.binaries.push(data);
      else this.texts.push(JSON.parse(data.toString()));
    });
    socket.on('close', () => {
      this.isClosed = true;
    });
    socket.on('error', () => {});
  }

  static async open(
    url: string,
    options: { headers?: Record<string, string>; protocols?: string[] } = {},
  ): Promise<Listener> {
    const { headers = {}, protocols = [] } = options;
    const listener = new Listener(new WebSocket(url, protocols, { headers }));
    await once(listener.socket, 'open');
    return listener;
  }

  /** The status that an upgrade was refused with. */
  static refusal(url: string, headers: Record<string, string> = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, { headers });
      socket.on('unexpected-response', (asked, response) => {
        resolve(response.statusCode ?? 0);
        asked.destroy();
      });
      socket.on('open', () => {
        socket.terminate();
        reject(new Error('it was let in'));
      });
      socket.on('error', () => {});
    });
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The first message of a type that fits, which may have come already. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at what comes, whatever it is.
  next(type: string, fits: (message: any) => boolean = () => true): Promise<any> {
    return until(`a message ${type} came`, () =>
      this.texts.find((message) => message.type === type && fits(message)),
    );
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}
