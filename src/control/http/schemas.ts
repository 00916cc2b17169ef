import { z } from 'zod';
import { errorCodes } from '../../errors.js';
import type { EventWords } from '../../flight/event-text.js';
import { counterTable } from '../../memory/counters.js';
import { eventKinds } from '../../memory/events.js';
import { histogramTable } from '../../memory/histograms.js';
import { processStates, roles, schedulings } from '../../memory/process-table.js';
import { timerTable } from '../../memory/timers.js';
import type { ProcessDetail } from '../../observe/processes.js';
import type { Status } from '../../observe/status.js';
import type { StreamStatus } from '../../observe/streams.js';
import type { Ack } from '../bus/command.js';
import type { StateView } from '../bus/engine-state.js';

/** What the HTTP interface answers with; the description in OpenAPI is made from these. */

const count = z.number().int().min(0);
const sec = z.number().min(0);

/** One field for each row of a table, described by it. */
function fieldsOf<Name extends string, Value extends z.ZodType>(
  table: Record<Name, string>,
  value: Value,
): z.ZodObject<Record<Name, Value>> {
  const entries = Object.entries<string>(table).map(([name, description]) => [
    name,
    value.meta({ description }),
  ]);
  return z.strictObject(Object.fromEntries(entries) as Record<Name, Value>);
}

const processShape = {
  pid: z.number().int(),
  role: z.enum(roles),
  state: z.enum(processStates),
  scheduling: z.enum(schedulings),
  starts: count,
  slot: z.exactOptional(z.number().int().nullable()),
  primary: z.exactOptional(z.boolean()),
  generation: z.exactOptional(z.number().int()),
};

// Each says what the engine tells, on the compiler's word; tests ask a real one.

export const processSchema = z
  .strictObject({
    ...processShape,
    name: z.string(),
    ageSec: sec.nullable(),
    cpuSec: sec.nullable(),
    residentBytes: count.nullable(),
    lastEnd: z.strictObject({ how: z.string(), agoSec: z.number() }).nullable(),
  })
  .meta({
    id: 'Process',
    description: 'One process of the engine',
  }) satisfies z.ZodType<ProcessDetail>;

export const streamSchema = z
  .strictObject({
    stream: count,
    state: z.enum(['free', 'open', 'draining', 'discarding']),
    name: z.string(),
    pid: z.number().int().nullable(),
    bufferedFrames: count,
    badSamples: count,
    loudSamples: count,
  })
  .meta({ id: 'Stream', description: 'One client stream' }) satisfies z.ZodType<StreamStatus>;

export const deviceSchema = z
  .strictObject({
    name: z.string(),
    state: z.enum(['none', 'playing', 'held', 'continuing']),
    lostReason: z.enum(['none', 'gone', 'stalled', 'server', 'failed', 'changed']),
    rateHz: count,
    latencyFrames: z.number(),
    rateErrorPpm: z.number().nullable(),
    jitterUs: z.number(),
    fillFrames: z.number(),
    captureFillFrames: z.number(),
    captureDropFrames: z.number(),
    captureLost: z.boolean(),
    failure: z.strictObject({ code: z.enum(errorCodes), message: z.string() }).nullable(),
  })
  .meta({ id: 'Device', description: 'How the engine stands with its device' });

export const tripwireSchema = z
  .strictObject({
    name: z.string(),
    value: z.number(),
    threshold: z.number(),
    tripped: z.boolean(),
    sinceSec: z.number().nullable(),
    trips: count,
  })
  .meta({ id: 'Tripwire' });

export const timersSchema = fieldsOf(
  timerTable,
  z.strictObject({ count, lastMs: sec, averageMs: sec, maxMs: sec }),
).meta({ id: 'Timers' });

const histogramsSchema = fieldsOf(
  histogramTable,
  z.strictObject({ count, sumUs: count, buckets: z.array(count) }),
).meta({ id: 'Histograms', description: 'Times by bucket; each octave of microseconds has eight' });

const address = z.string().nullable();

export const statusSchema = z
  .strictObject({
    name: z.string(),
    state: z.enum(['starting', 'running', 'degraded', 'stopping', 'ended']),
    rate: count,
    quantum: count,
    channels: count,
    lead: count,
    tick: count,
    playedSec: sec,
    generation: count,
    processes: z.array(z.strictObject(processShape)),
    recordings: z.array(
      z.strictObject({
        state: z.enum(['starting', 'running', 'finished', 'failed']),
        frames: count,
        lostFrames: count,
      }),
    ),
    flight: z
      .strictObject({
        state: z.enum(['starting', 'running', 'finished', 'failed']),
        bytes: count,
        gaps: count,
        lostTicks: count,
        kept: count,
        trouble: z.string().nullable(),
      })
      .nullable(),
    device: deviceSchema,
    control: z.strictObject({ http: address, ws: address, osc: address, remote: address }),
    counters: fieldsOf(counterTable, count).extend({ restarts: count }),
    timers: timersSchema,
    histograms: histogramsSchema,
    tripwires: z.array(tripwireSchema),
  })
  .meta({
    id: 'State',
    description: 'The engine at one moment, as `tenuto status --json` has it',
  }) satisfies z.ZodType<Status>;

export const eventSchema = z
  .strictObject({
    sequence: count,
    kind: z.enum(eventKinds),
    agoSec: z.number(),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    text: z.string(),
    fields: z.record(z.string(), z.unknown()),
  })
  .meta({
    id: 'Event',
    description: 'What happened to the engine, in words',
  }) satisfies z.ZodType<EventWords>;

/** One event as the interface tells it. */
export type ToldEvent = z.output<typeof eventSchema>;

const transport = z.enum(['playing', 'stopped']);
const values = z.record(z.string(), z.number());

export const parametersSchema = z
  .strictObject({
    seq: count,
    tick: count,
    transport,
    clock: z.strictObject({ ntp: z.tuple([count, count]), tick: count }).nullable(),
    values: z.record(
      z.string(),
      z.strictObject({
        value: z.number(),
        target: z.number(),
        unit: z.enum(['Hz', 's', 'gain', 'cents', 'semitones', 'dB', 'bpm', 'none']),
        min: z.number(),
        max: z.number(),
      }),
    ),
  })
  .meta({
    id: 'Parameters',
    description: 'The state of the patch, as commands change it',
  }) satisfies z.ZodType<StateView>;

export const ackSchema = z
  .discriminatedUnion('ok', [
    z.strictObject({
      v: z.literal(1),
      id: z.string(),
      ok: z.literal(true),
      seq: count,
      tick: count,
      frame: count,
      state: z.strictObject({ transport, values }),
      repeated: z.exactOptional(z.literal(true)),
      late: z.exactOptional(z.literal(true)),
    }),
    z.strictObject({
      v: z.literal(1),
      id: z.string(),
      ok: z.literal(false),
      code: z.enum(errorCodes),
      message: z.string(),
      seq: count,
    }),
  ])
  .meta({
    id: 'Acknowledgement',
    description: 'What became of a command',
  }) satisfies z.ZodType<Ack>;

export const errorSchema = z
  .strictObject({
    v: z.literal(1),
    error: z.strictObject({ code: z.string(), message: z.string(), remedy: z.string() }),
  })
  .meta({ id: 'Error' });
