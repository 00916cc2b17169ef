import { z } from 'zod';
import { limits } from '../limits.js';

/** What a client calls an opening of a stream. */
const token = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31 - 1);

/**
 * The local control protocol: one JSON object a line, each way, over an abstract Unix socket that
 * only the same user is let in to. Every request is answered with its `id`.
 */
export const requestSchema = z.discriminatedUnion('do', [
  z.strictObject({ id: z.number().int(), do: z.literal('status') }),
  z.strictObject({ id: z.number().int(), do: z.literal('stop') }),
  z.strictObject({ id: z.number().int(), do: z.literal('memory') }),
  z.strictObject({ id: z.number().int(), do: z.literal('parts') }),
  z.strictObject({ id: z.number().int(), do: z.literal('patch') }),
  z.strictObject({
    id: z.number().int(),
    do: z.literal('events'),
    since: z.number().int().min(0),
  }),
  // The bus validates it, as it does for every way in.
  z.strictObject({ id: z.number().int(), do: z.literal('command'), command: z.unknown() }),
  z.strictObject({
    id: z.number().int(),
    do: z.literal('get'),
    path: z.string().max(limits.commandTextMax).optional(),
  }),
  z.strictObject({
    id: z.number().int(),
    do: z.literal('openStream'),
    token,
    name: z.string().max(limits.streamNameMax),
    stream: z
      .number()
      .int()
      .min(0)
      .max(limits.streamsMax - 1)
      .optional(),
    waitMs: z.number().min(0).max(limits.streamWaitMsMax),
  }),
  z.strictObject({
    id: z.number().int(),
    do: z.literal('closeStream'),
    token,
    discard: z.boolean(),
  }),
]);

export type Request = z.infer<typeof requestSchema>;

/** The answer to `memory`: by which descriptor of the keeper the engine's memory is reached. */
export interface EnginePlace {
  keeperPid: number;
  segmentFd: number;
}

/** The answer to `parts`: by which descriptors all that a renderer needs is reached. */
export type { EngineParts } from '../engine/attach.js';

/** The answer to `openStream`: which one, and by which descriptors of the keeper it is reached. */
export interface OpenedStream extends EnginePlace {
  stream: number;
  streamFd: number;
}

export type Response =
  | { id: number; ok: true; result: unknown }
  | { id: number; ok: false; code: string; message: string };
