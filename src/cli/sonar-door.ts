import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { judge } from '../control/http/guard.js';
import { Pages, safeHeaders } from '../control/http/pages.js';
import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import type { Sonar, SonarReading } from '../measure/index.js';
import { wavHeader } from '../media/index.js';

/** Only pages that this very program gave may speak with it; whoever can reach it may do so. */
const rules = { token: null, hosts: [] };
/** Levels of a profile, one byte each: from here to 0 dB. */
const profileFloorDb = -100;
const profilePoints = 400;
const messageBytesMax = 4096;

const changeable = z.strictObject({
  updateHz: z.number(),
  minM: z.number(),
  maxM: z.number(),
  startHz: z.number(),
  endHz: z.number(),
  durationMs: z.number(),
  amplitude: z.number(),
  temperatureC: z.number(),
  filterSize: z.number(),
  echo: z.enum(['strongest', 'first']),
});

const wishSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.enum(['start', 'stop', 'clear', 'calibrate', 'latency']) }),
  z.strictObject({ do: z.literal('set'), settings: changeable.partial() }),
]);

/** What the sonar's page shows and asks for: HTTP and a WebSocket on this machine alone. */
export class SonarDoor {
  private readonly server: Server;
  private readonly sockets: WebSocketServer;
  private readonly pages = new Pages();

  private constructor(
    private readonly sonar: Sonar,
    private readonly rateHz: number,
  ) {
    this.server = createServer((request, response) => this.answer(request, response));
    this.sockets = new WebSocketServer({ noServer: true, maxPayload: messageBytesMax });
    this.server.on('upgrade', (request, socket, head) => {
      const isFull = this.sockets.clients.size >= limits.sonarReadersMax;
      const isMeant =
        request.url === '/sonar' && judge(request.headers, 'interface', rules) === null;
      if (isFull || !isMeant) {
        socket.end(`HTTP/1.1 ${isFull ? '503 Service Unavailable' : '403 Forbidden'}\r\n\r\n`);
        return;
      }
      this.sockets.handleUpgrade(request, socket, head, (client) => this.greet(client));
    });
  }

  /** Listens on the loopback address. @param port 0: any that is free */
  static async open(sonar: Sonar, rateHz: number, port: number): Promise<SonarDoor> {
    const door = new SonarDoor(sonar, rateHz);
    await new Promise<void>((resolve, reject) => {
      door.server.once('error', (cause) => {
        const text = `port ${port} cannot be listened on (${(cause as NodeJS.ErrnoException).code})`;
        reject(new TenutoError('TENUTO_SYSTEM', text, { cause }));
      });
      door.server.listen(port, '127.0.0.1', resolve);
    });
    return door;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  tellReading(reading: SonarReading): void {
    if (this.sockets.clients.size === 0) return;
    this.tell({ type: 'reading', reading, lost: this.sonar.lost });
    const profile = this.sonar.profile(profilePoints);
    if (profile === null || reading.failure !== null) return;
    this.send(decibelBytes(profile));
  }

  tellMessage(text: string): void {
    this.tell({ type: 'message', text });
    this.tellState();
  }

  tellState(): void {
    this.tell(this.state());
  }

  private state(): object {
    const { sonar } = this;
    // Files of this machine are nobody's business.
    const { calibration: _, kernelLog: __, kernelPatterns: ___, ...settings } = sonar.settings;
    return {
      type: 'state',
      running: sonar.isRunning,
      calibrated: sonar.calibration !== null,
      settings,
      history: sonar.history,
    };
  }

  private tell(message: object): void {
    this.send(JSON.stringify(message));
  }

  private send(data: string | Uint8Array): void {
    for (const client of this.sockets.clients) {
      if (client.readyState !== client.OPEN) continue;
      if (client.bufferedAmount > limits.readerBufferedBytesMax) client.terminate();
      else client.send(data, { binary: typeof data !== 'string' });
    }
  }

  private greet(client: WebSocket): void {
    client.on('error', () => client.terminate());
    client.on('message', (data, isBinary) => this.hear(client, data, isBinary));
    client.send(JSON.stringify(this.state()));
  }

  private hear(client: WebSocket, data: RawData, isBinary: boolean): void {
    const refuse = (text: string) => client.send(JSON.stringify({ type: 'message', text }));
    const parsed = wishSchema.safeParse(isBinary ? undefined : parseJson(data.toString()));
    if (!parsed.success) {
      refuse('that cannot be asked for');
      return;
    }
    void this.fulfil(parsed.data).then(
      () => this.tellState(),
      (error: Error) => {
        refuse(error.message);
        this.tellState();
      },
    );
  }

  private async fulfil(wish: z.output<typeof wishSchema>): Promise<void> {
    const { sonar } = this;
    if (wish.do === 'set') {
      const given = Object.entries(wish.settings).filter(([, value]) => value !== undefined);
      sonar.set(Object.fromEntries(given));
    } else if (wish.do === 'start') sonar.start();
    else if (wish.do === 'stop') await sonar.stop('stopped on the page');
    else if (wish.do === 'clear') sonar.clear();
    else if (wish.do === 'calibrate') await sonar.calibrate();
    else {
      const { frames, ms, madFrames } = await sonar.measureLatency();
      this.tell({ type: 'latency', frames, ms, madFrames });
    }
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const refusal = judge(request.headers, 'page', rules);
    const path = (request.url ?? '/').split('?', 1)[0]!;
    for (const [name, value] of Object.entries(safeHeaders)) response.setHeader(name, value);
    if (refusal !== null) return void response.writeHead(refusal.status).end(refusal.message);
    if (request.method !== 'GET') return void response.writeHead(405).end();
    if (path === '/export.csv') {
      response.writeHead(200, { 'content-type': 'text/csv; charset=utf-8' });
      return void response.end(this.sonar.toCsv());
    }
    if (path === '/export.wav') {
      response.writeHead(200, { 'content-type': 'audio/wav' });
      const sounds = this.sonar.sounds();
      response.write(wavHeader({ rate: this.rateHz, channels: 1 }, sounds.byteLength));
      return void response.end(new Uint8Array(sounds.buffer));
    }
    const page = this.pages.find(path === '/' ? '/sonar.html' : path);
    if (page === null) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': page.type }).end(page.bytes);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    for (const client of this.sockets.clients) client.close(1001, 'the sonar ends');
    this.sockets.close();
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const client of this.sockets.clients) client.terminate();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Levels as the page paints them: 255 for that of the signal, 0 for the floor and below. */
function decibelBytes(levels: Float32Array): Uint8Array {
  const bytes = new Uint8Array(levels.length);
  for (let i = 0; i < levels.length; i++) {
    const db = 20 * Math.log10(Math.max(levels[i]!, 1e-9));
    bytes[i] = Math.round(255 * Math.min(1, Math.max(0, 1 - db / profileFloorDb)));
  }
  return bytes;
}
