import { z } from 'zod';
import type { Metrics } from '../../observe/metrics.js';
import type { Bus } from '../bus/bus.js';
import { commandSchema } from '../bus/command.js';
import type { RouteDescription } from './describe.js';
import type { EngineView } from './engine-view.js';
import { type PlayingPatch, patchSchema } from './patch-view.js';
import {
  ackSchema,
  deviceSchema,
  eventSchema,
  parametersSchema,
  processSchema,
  statusSchema,
  streamSchema,
  timersSchema,
  tripwireSchema,
} from './schemas.js';

/** What a request brings, validated by the route's schemas. */
export interface Asked {
  query: Record<string, unknown>;
  params: Record<string, unknown>;
  body: unknown;
}

/** What an address answers: an object as JSON, or text of a type. */
export interface Answer {
  status?: number;
  type?: string;
  body: unknown;
}

/** One address of the interface: what it is, and what it does. */
export interface Route extends RouteDescription {
  answer(asked: Asked): Answer | Promise<Answer>;
}

/** What the addresses are answered from. */
export interface RouteWorld {
  view: EngineView;
  metrics: Metrics;
  bus: Bus;
  patch: PlayingPatch;
}

const version = z.literal(1);

/** `{ "v": 1, "NAME": [...] }` */
function listOf(name: string, item: z.ZodType): z.ZodObject {
  return z.strictObject({ v: version, [name]: z.array(item) });
}

const sinceQuery = z.strictObject({
  since: z.coerce
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0)
    .meta({ description: 'The sequence of the last event that is known' }),
});

const harmParams = z.strictObject({
  pid: z.coerce
    .number()
    .int()
    .min(2)
    .max(2 ** 31 - 1),
});

/** Every address but that of the description itself, which is made from these. */
export function routesOf({ view, metrics, bus, patch }: RouteWorld): Route[] {
  const json = (body: object): Answer => ({ body: { v: 1, ...body } });
  const harmRoute = (harm: 'kill' | 'hang', summary: string): Route => ({
    method: 'POST',
    path: `/api/v1/processes/:pid/${harm}`,
    summary,
    params: harmParams,
    answers: {
      200: { what: 'It was done', schema: z.strictObject({ v: version, name: z.string() }) },
    },
    answer: ({ params }) => json(view.harm(Number(params.pid), harm)),
  });
  return [
    {
      method: 'GET',
      path: '/healthz',
      summary: 'Whether the engine plays; asks for no token',
      answers: {
        200: { what: 'It plays, or is about to', schema: 'text' },
        503: { what: 'It has ended, or plays with less protection than it should', schema: 'text' },
      },
      answer: () => {
        const { state } = view.status();
        const well = state === 'running' || state === 'starting';
        return { status: well ? 200 : 503, type: 'text/plain; charset=utf-8', body: `${state}\n` };
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      summary: 'Everything that is counted and timed, for Prometheus',
      answers: { 200: { what: 'The text format 0.0.4', schema: 'text' } },
      answer: async () => ({ type: metrics.contentType, body: await metrics.text() }),
    },
    {
      method: 'GET',
      path: '/api/v1/state',
      summary: 'The engine at this moment',
      answers: {
        200: { what: 'As `tenuto status --json`', schema: statusSchema.extend({ v: version }) },
      },
      answer: () => json(view.status()),
    },
    {
      method: 'GET',
      path: '/api/v1/processes',
      summary: 'All processes: roles, ages, and what ended the last ones',
      answers: {
        200: { what: 'In the order of the table', schema: listOf('processes', processSchema) },
      },
      answer: () => json({ processes: view.processes() }),
    },
    {
      method: 'GET',
      path: '/api/v1/patch',
      summary: 'The patch that plays, as a graph and as text',
      answers: { 200: { what: 'The patch', schema: patchSchema.extend({ v: version }) } },
      answer: () => json(patch.view()),
    },
    {
      method: 'GET',
      path: '/api/v1/parameters',
      summary: 'Every parameter: where it is, where it goes, and its range',
      answers: {
        200: {
          what: 'By path, as in filter1.cutoff',
          schema: parametersSchema.extend({ v: version }),
        },
      },
      answer: () => json(bus.get()),
    },
    {
      method: 'POST',
      path: '/api/v1/commands',
      summary: 'A command, answered once it is sealed; the same id again has no second effect',
      body: commandSchema,
      answers: {
        200: { what: 'It takes effect', schema: ackSchema },
        409: { what: 'It was refused: the state is another one (ifSeq)', schema: ackSchema },
        422: { what: 'It was refused', schema: ackSchema },
      },
      answer: async ({ body }) => {
        const ack = await bus.submit(body, 'http');
        const refusal = ack.ok ? 200 : ack.code === 'TENUTO_COMMAND_STALE' ? 409 : 422;
        return { status: refusal, body: { v: 1, ...ack } };
      },
    },
    harmRoute('kill', 'Kills a process (SIGKILL); in the demo only'),
    harmRoute('hang', 'Stops a process for good (SIGSTOP); in the demo only'),
    {
      method: 'GET',
      path: '/api/v1/devices',
      summary: 'The device that plays, and how the engine stands with it',
      answers: {
        200: { what: 'The device', schema: z.strictObject({ v: version, device: deviceSchema }) },
      },
      answer: () => json({ device: view.status().device }),
    },
    {
      method: 'GET',
      path: '/api/v1/streams',
      summary: 'The client streams',
      answers: { 200: { what: 'By number', schema: listOf('streams', streamSchema) } },
      answer: () => json({ streams: view.streams() }),
    },
    {
      method: 'GET',
      path: '/api/v1/tripwires',
      summary: 'What is watched, and what has tripped',
      answers: {
        200: {
          what: 'In the order of docs/tripwires.md',
          schema: listOf('tripwires', tripwireSchema),
        },
      },
      answer: () => json({ tripwires: view.status().tripwires }),
    },
    {
      method: 'GET',
      path: '/api/v1/timers',
      summary: 'How long things take',
      answers: {
        200: { what: 'By name', schema: z.strictObject({ v: version, timers: timersSchema }) },
      },
      answer: () => json({ timers: view.status().timers }),
    },
    {
      method: 'GET',
      path: '/api/v1/events',
      summary: 'What happened, in words',
      query: sinceQuery,
      answers: {
        200: { what: 'Oldest first, those that are kept', schema: listOf('events', eventSchema) },
      },
      answer: ({ query }) => json({ events: view.events(Number(query.since)) }),
    },
  ];
}
