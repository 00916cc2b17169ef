import { z } from 'zod';
import type { ErrorCode } from '../../errors.js';
import { limits } from '../../limits.js';

/** A number, or a quantity as patches write it: `1.2 kHz`, `-6 dB`. */
const value = z.union([z.number(), z.string().min(1).max(limits.commandTextMax), z.boolean()]);
const path = z.string().min(1).max(limits.commandTextMax);
const durationMs = z.number().min(0).max(limits.commandDurationMsMax);
const word = z.number().int().min(0).max(0xffff_ffff);

const set = z.strictObject({ do: z.literal('set'), path, value, rampMs: durationMs.optional() });
const gate = z.strictObject({ do: z.literal('gate'), path, value });
const trigger = z.strictObject({
  do: z.literal('trigger'),
  path,
  value: value.optional(),
  holdMs: durationMs.optional(),
});
const start = z.strictObject({ do: z.literal('start'), fadeMs: durationMs.optional() });
const stop = z.strictObject({ do: z.literal('stop'), fadeMs: durationMs.optional() });
const bundle = z.strictObject({
  do: z.literal('bundle'),
  commands: z
    .array(z.discriminatedUnion('do', [set, gate, trigger, start, stop]))
    .min(1)
    .max(limits.bundleCommandsMax),
});

const id = z.string().min(1).max(limits.commandIdMax);

/** Another patch plays, from the tick in the answer on; the answer comes when it is prepared. */
const loadPatch = z.strictObject({
  do: z.literal('loadPatch'),
  id: id.optional(),
  /** From the local socket only: the file, or what its text is called and where its paths begin. */
  file: z.string().min(1).max(4096).optional(),
  text: z.string().max(limits.patchBytesMax).optional(),
  /** How long the one before fades out; by default as the settings say. */
  fadeMs: z.number().min(0).max(1000).optional(),
  /** It is refused unless, when it is prepared, this is the number of the last command before it. */
  ifSeq: word.optional(),
  /**
   * How long it takes to prepare, nobody knows, and from its tick on commands name what is in the
   * patch: so it is told when it plays, and is not given a time.
   */
  at: z.never({ error: 'a patch plays as soon as it is prepared, and takes no time' }).optional(),
});

/** What every command may say beside what it does. */
const head = {
  /** Chosen by the client, so that a command that is sent again is applied once. */
  id: id.optional(),
  /** When it takes effect; else as soon as can be. */
  at: z
    .union([
      z.strictObject({ tick: word, frame: z.number().int().min(0).max(1023).optional() }),
      z.strictObject({ inSec: z.number().min(0).max(limits.commandAheadSecMax) }),
      /** An OSC time tag: seconds since 1900 and their fraction. */
      z.strictObject({ ntp: z.tuple([word, word]) }),
    ])
    .optional(),
  /** It is refused unless this is the number of the last command before it. */
  ifSeq: word.optional(),
};

/**
 * A command, as every way in takes it: the local socket, OSC, HTTP, WebSocket and datagrams. This
 * one schema validates all of them.
 */
export const commandSchema = z.discriminatedUnion('do', [
  set.extend(head),
  gate.extend(head),
  trigger.extend(head),
  start.extend(head),
  stop.extend(head),
  bundle.extend(head),
  loadPatch,
]);

/** A command that has been validated, but for one that changes the patch. */
export type Command = Exclude<z.output<typeof commandSchema>, LoadPatch>;
/** A command that changes the patch. */
export type LoadPatch = z.output<typeof loadPatch>;
/** A command as a client writes it. */
export type CommandInput = z.input<typeof commandSchema>;
/** One change of a bundle. */
export type Change = Exclude<Command, { do: 'bundle' }>;
/** When a command is to take effect. */
export type CommandTime = NonNullable<Command['at']>;

/** What results from a command: of the parameters that it named, where they go. */
export interface ResultingState {
  transport: Transport;
  values: Record<string, number>;
}

/** Whether the patch is heard. */
export type Transport = 'playing' | 'stopped';

/** The answer to a command: it was sealed and takes effect, or it was refused. */
export type Ack = Applied | Refused;

/** It takes effect exactly once, at this tick and frame. */
export interface Applied {
  id: string;
  ok: true;
  /** Number of the command among all that were ever sealed, modulo 2^32. */
  seq: number;
  tick: number;
  frame: number;
  state: ResultingState;
  /** It had been applied before; this is what became of it then. */
  repeated?: true;
  /** Its time had passed, so it took effect at once. */
  late?: true;
}

/** It has no effect. */
export interface Refused {
  id: string;
  ok: false;
  code: ErrorCode;
  message: string;
  /** Number of the last sealed command. */
  seq: number;
}
