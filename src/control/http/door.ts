import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Program } from '../../dsp/program.js';
import type { EngineParts } from '../../engine/attach.js';
import type { ControlOrder } from '../../engine/orders.js';
import { errorTable, TenutoError } from '../../errors.js';
import { limits } from '../../limits.js';
import { writeAddress } from '../../memory/addresses.js';
import { count, counterIndex } from '../../memory/counters.js';
import type { Segment } from '../../memory/segment.js';
import type { StreamSegment } from '../../memory/stream.js';
import type { Logger } from '../../observe/log.js';
import { Metrics } from '../../observe/metrics.js';
import type { Bus } from '../bus/bus.js';
import { describeInterface } from './describe.js';
import { EngineView } from './engine-view.js';
import { judge, type Refusal } from './guard.js';
import { Pages, safeHeaders } from './pages.js';
import { PatchTaps } from './patch-taps.js';
import { PlayingPatch } from './patch-view.js';
import { RateLimit } from './rate-limit.js';
import { ReaderHub } from './reader-hub.js';
import { type Asked, type Route, routesOf } from './routes.js';

/** What the HTTP interface needs of control. */
export interface HttpWorld {
  segment: Segment;
  engine: string;
  streams: readonly StreamSegment[];
  order: ControlOrder & { http: { host: string; port: number } };
  logger: Logger;
  bus: Bus;
  parts: EngineParts;
  programOf: (number: number) => Program | undefined;
  /** Where the door of the control process before was; null when there was none. */
  before: string | null;
}

/** The version of the interface's description: that of the paths. */
const interfaceVersion = '1.0.0';
export const socketPath = '/api/v1/ws';
/** Between two tries to bind a port that another program holds. */
const retryMs = 2000;
/** Addresses that hold no secret and ask for no token. */
const openPaths = new Set(['/healthz']);

/** The routes' own schemas check what comes, and nothing has to be checked that goes. */
const ownChecks: object = {
  buildValidator: () => () => () => true,
  buildSerializer: () => () => (value: unknown) => JSON.stringify(value),
};

const statusOf: Partial<Record<string, number>> = {
  TENUTO_REQUEST_INVALID: 400,
  TENUTO_REQUEST_UNKNOWN: 404,
  TENUTO_REQUEST_FORBIDDEN: 403,
  TENUTO_REQUEST_LIMIT: 429,
  TENUTO_TOKEN_WRONG: 401,
};

function errorBody({ code, message, remedy }: Pick<TenutoError, 'code' | 'message' | 'remedy'>) {
  return { v: 1, error: { code, message, remedy } };
}

/** The door of browsers, scripts and scrapers: the interface, the dashboard and the WebSocket. */
export class HttpDoor {
  private readonly app: FastifyInstance;
  private readonly view: EngineView;
  private readonly patch: PlayingPatch;
  private readonly hub: ReaderHub;
  private readonly pages = new Pages();
  private readonly rate: RateLimit;
  private retry: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(private readonly world: HttpWorld) {
    const { segment, engine, streams, order, bus } = world;
    const numberNow = () => bus.programNumber();
    this.patch = new PlayingPatch(segment, numberNow, world.programOf);
    this.view = new EngineView(segment, engine, streams, order);
    this.hub = new ReaderHub(
      this.view,
      bus,
      () => PatchTaps.open(segment, streams, world.parts, numberNow),
      () => this.patch.hash,
    );
    this.rate = new RateLimit(
      {
        perSec: limits.httpRequestsPerSecMax,
        burst: limits.httpRequestsBurst,
        placesMax: limits.httpAddressesMax,
      },
      () => performance.now(),
    );
    this.app = fastify({
      bodyLimit: limits.requestBytesMax,
      requestTimeout: limits.httpRequestMsMax,
      forceCloseConnections: true,
      schemaController: { compilersFactory: ownChecks },
    });
    this.app.server.maxConnections = limits.httpConnectionsMax;
    this.define();
  }

  /** Binds the port; where another program holds it, says so once and goes on trying. */
  async open(): Promise<void> {
    const { segment, order, logger } = this.world;
    const { host, port } = order.http;
    // A port that was chosen freely is kept through a restart of control.
    const before = port === 0 ? Number(this.world.before?.split(':').at(-1) ?? 0) : port;
    let isTold = false;
    const attempt = async (): Promise<void> => {
      if (this.isClosed) return;
      try {
        await this.listen(host, before);
        if (isTold) logger.info('the HTTP interface is open after all', { port: before });
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        writeAddress(segment, 'http', null);
        writeAddress(segment, 'ws', null);
        if (!isTold) logger.warn(whyClosed(host, before, code));
        isTold = true;
        this.retry = setTimeout(() => void attempt(), retryMs);
      }
    };
    await attempt();
  }

  /** Idempotent: ends every connection and takes no more. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    this.hub.close();
    void this.app.close();
  }

  private async listen(host: string, port: number): Promise<void> {
    const { segment } = this.world;
    await this.app.ready();
    const { server } = this.app;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    const bound = server.address();
    const boundPort = bound !== null && typeof bound === 'object' ? bound.port : port;
    const name = host.includes(':') ? `[${host}]` : host;
    writeAddress(segment, 'http', `http://${name}:${boundPort}`);
    writeAddress(segment, 'ws', `ws://${name}:${boundPort}${socketPath}`);
  }

  private define(): void {
    const { app, view } = this;
    const metrics = new Metrics(() => view.metrics(this.hub.size));
    const { bus } = this.world;
    const routes = routesOf({ view, metrics, bus, patch: this.patch });
    app.addHook('onRequest', (request, reply, done) => {
      if (this.mayPass(request, reply)) done();
    });
    // What a page of another origin may send without being asked for leave is not taken.
    app.removeContentTypeParser('text/plain');
    for (const route of routes) this.serve(route);
    let description: string | undefined;
    app.get('/api/v1/openapi.json', (_, reply) => {
      description ??= JSON.stringify(describeInterface(routes, interfaceVersion));
      return reply.type('application/json; charset=utf-8').send(description);
    });
    app.setNotFoundHandler((request, reply) => this.servePage(request, reply));
    app.setErrorHandler((error, _, reply) => this.refuse(reply, error as Error));
    app.server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
  }

  private serve(route: Route): void {
    this.app.route({
      method: route.method,
      url: route.path,
      handler: async (request, reply) => {
        const { status = 200, type, body } = await route.answer(readAsked(route, request));
        if (type !== undefined) return reply.code(status).type(type).send(body);
        const text = JSON.stringify(body);
        return reply.code(status).type('application/json; charset=utf-8').send(text);
      },
    });
  }

  /** Counts a request, and answers it already where it may not go on. */
  private mayPass(request: FastifyRequest, reply: FastifyReply): boolean {
    const { segment, order } = this.world;
    count(segment, counterIndex.httpRequests, 1);
    reply.headers(safeHeaders);
    const path = request.url.split('?', 1)[0] ?? '';
    if (!path.startsWith('/assets/')) reply.header('cache-control', 'no-store');
    if (!this.rate.take(request.ip)) {
      this.refuse(reply, new TenutoError('TENUTO_REQUEST_LIMIT', 'too many requests'));
      return false;
    }
    const isPage = !path.startsWith('/api/') && path !== '/metrics';
    const wish = isPage || openPaths.has(path) ? 'page' : 'interface';
    const refusal = judge(request.headers, wish, order);
    if (refusal === null) return true;
    this.turnAway(reply, refusal);
    return false;
  }

  private turnAway(reply: FastifyReply, { status, code, message }: Refusal): void {
    count(this.world.segment, counterIndex.httpRefused, 1);
    if (status === 401) reply.header('www-authenticate', 'Bearer realm="tenuto"');
    const { remedy } = errorTable[code];
    const body = JSON.stringify(errorBody({ code, message, remedy }));
    void reply.code(status).type('application/json; charset=utf-8').send(body);
  }

  private refuse(reply: FastifyReply, error: Error & { statusCode?: number }): void {
    count(this.world.segment, counterIndex.httpRefused, 1);
    const known = error instanceof TenutoError;
    if (!known && (error.statusCode ?? 500) >= 500) {
      this.world.logger.error('the HTTP interface failed', { error: error.stack });
    }
    const isLong = error.statusCode === 413;
    const fault = isLong ? 'TENUTO_REQUEST_LIMIT' : 'TENUTO_REQUEST_INVALID';
    const code = known ? error.code : fault;
    const status = known ? (statusOf[error.code] ?? 422) : (error.statusCode ?? 500);
    if (status === 429) reply.header('retry-after', '1');
    const { remedy } = errorTable[code];
    const body = JSON.stringify(errorBody({ code, message: error.message, remedy }));
    void reply.code(status).type('application/json; charset=utf-8').send(body);
  }

  private servePage(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    const path = request.url.split('?', 1)[0] ?? '';
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const page = isRead && !path.startsWith('/api/') ? this.pages.find(path) : null;
    if (page === null) {
      const text = `there is nothing at ${request.method} ${path.slice(0, 200)}`;
      this.refuse(reply, new TenutoError('TENUTO_REQUEST_UNKNOWN', text));
      return undefined;
    }
    const lasting = 'public, max-age=31536000, immutable';
    if (page.isLasting) reply.header('cache-control', lasting);
    return reply.type(page.type).send(page.bytes);
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { segment, order } = this.world;
    const refuse = (status: string) => {
      count(segment, counterIndex.httpRefused, 1);
      socket.on('error', () => {});
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    if (!this.rate.take(request.socket.remoteAddress ?? '')) {
      refuse('429 Too Many Requests');
      return;
    }
    if (request.url?.split('?', 1)[0] !== socketPath) {
      refuse('404 Not Found');
      return;
    }
    const refusal = judge(request.headers, 'interface', order);
    if (refusal !== null) refuse(`${refusal.status} Refused`);
    else if (this.hub.size >= limits.readersMax) refuse('503 Service Unavailable');
    else this.hub.welcome(request, socket, head);
  }
}

function whyClosed(host: string, port: number, code: string | undefined): string {
  const where = `${host}:${port}`;
  if (code === 'EADDRINUSE') {
    return `the HTTP interface is not open: another program holds ${where}; it is tried again, or set control.http`;
  }
  return `the HTTP interface is not open: ${where} cannot be bound (${code}); correct control.http`;
}

/** What a request brings, as the route's schemas want it. */
function readAsked(route: Route, request: FastifyRequest): Asked {
  const read = (schema: Route['body'], value: unknown, what: string): unknown => {
    if (schema === undefined) return value;
    const found = schema.safeParse(value);
    if (found.success) return found.data;
    const text = found.error.issues
      .slice(0, 5)
      .map(({ path, message }) => `${[what, ...path.map(String)].join('.')}: ${message}`)
      .join('; ');
    throw new TenutoError('TENUTO_REQUEST_INVALID', text);
  };
  return {
    query: read(route.query, request.query, 'query') as Record<string, unknown>,
    params: read(route.params, request.params, 'path') as Record<string, unknown>,
    body: read(route.body, request.body, 'body'),
  };
}
