import { z } from 'zod';
import type { ErrorCode } from '../../errors.js';
import { limits } from '../../limits.js';

/** What a command does, or a key of it is: for docs/control.md and the description in OpenAPI. */
function described<T extends z.ZodType>(schema: T, description: string): T {
  return schema.meta({ description });
}

const value = described(
  z.union([z.number(), z.string().min(1).max(limits.commandTextMax), z.boolean()]),
  'in the unit of the parameter, or a quantity as patches write it: `1.2 kHz`, `-6 dB`, `30 %`',
);
const path = described(
  z.string().min(1).max(limits.commandTextMax),
  '`NODE.PARAMETER`, as in the patch',
);
const durationMs = z.number().min(0).max(limits.commandDurationMsMax);
const fade = described(durationMs.optional(), 'how long the fade takes; default 50');
const word = z.number().int().min(0).max(0xffff_ffff);

const set = described(
  z.strictObject({
    do: z.literal('set'),
    path,
    value,
    rampMs: described(
      durationMs.optional(),
      "how long it takes to get there; default 0. At least the parameter's own time",
    ),
  }),
  'moves a parameter',
);
const gate = described(
  z.strictObject({ do: z.literal('gate'), path, value }),
  'opens (1) or closes (0) a gate',
);
const trigger = described(
  z.strictObject({
    do: z.literal('trigger'),
    path,
    value: described(value.optional(), 'what it opens to; default 1'),
    holdMs: described(durationMs.optional(), 'how long it stays open; default 10'),
  }),
  'opens a gate, and closes it by itself',
);
const start = described(
  z.strictObject({ do: z.literal('start'), fadeMs: fade }),
  'lets the sound be heard again',
);
const stop = described(
  z.strictObject({ do: z.literal('stop'), fadeMs: fade }),
  'fades to silence; the device stays open and the patch goes on unheard',
);
const bundle = described(
  z.strictObject({
    do: z.literal('bundle'),
    commands: described(
      z
        .array(z.discriminatedUnion('do', [set, gate, trigger, start, stop]))
        .min(1)
        .max(limits.bundleCommandsMax),
      'any of the above',
    ),
  }),
  'does several things on one frame: all of them or none',
);

const id = described(
  z.string().min(1).max(limits.commandIdMax),
  "the client's choice; a command that is sent again with it is applied once, and answered again",
);

const loadPatch = described(
  z.strictObject({
    do: z.literal('loadPatch'),
    id: id.optional(),
    file: described(
      z.string().min(1).max(4096).optional(),
      'over the local socket only: the file, or what `text` is called and where its paths begin',
    ),
    text: described(z.string().max(limits.patchBytesMax).optional(), 'the patch itself'),
    fadeMs: described(
      z.number().min(0).max(limits.patchFadeMsMax).optional(),
      'how long the patch before fades out; default `patch.fadeMs` of the settings',
    ),
    ifSeq: described(
      word.optional(),
      'refused unless, when it is prepared, this is the number of the last command before it',
    ),
    // How long it takes to prepare, nobody knows, and from its tick on commands name what is in the
    // patch: so it is told when it plays, and is not given a time.
    at: z.never({ error: 'a patch plays as soon as it is prepared, and takes no time' }).optional(),
  }),
  'changes the patch; answered when the new one is prepared, and plays',
);

/** What every command may say beside what it does. */
const head = {
  id: id.optional(),
  at: described(
    z
      .union([
        z.strictObject({ tick: word, frame: z.number().int().min(0).max(1023).optional() }),
        z.strictObject({ inSec: z.number().min(0).max(limits.commandAheadSecMax) }),
        z.strictObject({ ntp: z.tuple([word, word]) }),
      ])
      .optional(),
    'when it takes effect, `ntp` as in an OSC time tag; default: as soon as can be',
  ),
  ifSeq: described(
    word.optional(),
    'refused unless this is the number of the last command before it',
  ),
};

/**
 * What every command takes, but for one that changes the patch.
 *
 * @public for the reference, which is made from it
 */
export const commandHead = z.strictObject(head);
/**
 * What each command takes of its own.
 *
 * @public for the reference, which is made from it
 */
export const commandKinds = [set, gate, trigger, start, stop, bundle, loadPatch] as const;

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
