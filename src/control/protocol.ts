import { z } from 'zod';

/**
 * The local control protocol: one JSON object a line, each way, over an abstract Unix socket that
 * only the same user is let in to. Every request is answered with its `id`.
 */
export const requestSchema = z.discriminatedUnion('do', [
  z.strictObject({ id: z.number().int(), do: z.literal('status') }),
  z.strictObject({ id: z.number().int(), do: z.literal('stop') }),
  z.strictObject({
    id: z.number().int(),
    do: z.literal('events'),
    since: z.number().int().min(0),
  }),
]);

export type Request = z.infer<typeof requestSchema>;

export type Response =
  | { id: number; ok: true; result: unknown }
  | { id: number; ok: false; code: string; message: string };
