import { z } from 'zod';
import { limits } from '../../limits.js';
import { count, counterIndex } from '../../memory/counters.js';
import type { Segment } from '../../memory/segment.js';
import type { Bus } from '../bus/bus.js';

/**
 * What a remote sends: the number of the command, what it does, and with what. `cmd` is a path, with
 * `value` to set it to, or a command of the bus without its id. `id` names the remote, for who
 * changes its port between two tries; else its address does.
 */
const controlSchema = z.strictObject({
  type: z.literal('CTRL').optional(),
  seq: z.number().int().min(0).max(0xffff_ffff),
  id: z.string().min(1).max(limits.remoteNameMax).optional(),
  cmd: z.union([
    z.string().min(1).max(limits.commandTextMax),
    z.looseObject({ do: z.string().max(limits.commandTextMax) }),
  ]),
  value: z.union([z.number(), z.string().max(limits.commandTextMax), z.boolean()]).optional(),
});

type Control = z.output<typeof controlSchema>;

/** What a remote is answered. */
export interface RemoteAck {
  type: 'ACK';
  /** Of the packet; null when it had none that could be read. */
  ack_seq: number | null;
  ok: boolean;
  code?: string;
  message?: string;
  snapshot: RemoteSnapshot;
}

/** The state, as a remote is shown it. */
export interface RemoteSnapshot {
  /** Number of the last command, of whoever. */
  state_seq: number;
  tick: number;
  transport: string;
  values: Record<string, number>;
  /** There are more values than a packet holds. */
  partial?: true;
}

/**
 * The datagram remote: `CTRL {seq, cmd, value}` is answered by `ACK {ack_seq, snapshot}` after it was
 * applied. A packet that is sent again, because its answer was lost, is answered again and applied
 * once: its number is its name on the bus.
 */
export class RemoteDesk {
  constructor(
    private readonly segment: Segment,
    private readonly bus: Bus,
  ) {}

  /** A packet; resolves with the answer. @param from the address of who sent it */
  async take(bytes: Uint8Array, from: string): Promise<Buffer> {
    const control = readControl(bytes);
    if (typeof control === 'string') {
      count(this.segment, counterIndex.packetsRefused, 1);
      return this.write({ ok: false, code: 'TENUTO_COMMAND_INVALID', message: control }, null, []);
    }
    const { seq } = control;
    if (control.cmd === 'get') return this.write({ ok: true }, seq, null);
    const id = `r ${(control.id ?? from).slice(-48)} ${seq}`;
    const ack = await this.bus.submit({ ...commandOf(control), id }, 'datagram');
    if (ack.ok) return this.write({ ok: true }, seq, null);
    return this.write({ ok: false, code: ack.code, message: ack.message }, seq, null);
  }

  /** @param paths what to show; null for all that there is room for */
  private write(
    outcome: Pick<RemoteAck, 'ok' | 'code' | 'message'>,
    seq: number | null,
    paths: readonly string[] | null,
  ): Buffer {
    const { seq: stateSeq, tick, transport, values } = this.bus.get();
    const snapshot: RemoteSnapshot = { state_seq: stateSeq, tick, transport, values: {} };
    const ack: RemoteAck = { type: 'ACK', ack_seq: seq, ...outcome, snapshot };
    let bytes = JSON.stringify(ack).length + '"partial":true,'.length;
    for (const [path, { target }] of paths === null ? Object.entries(values) : []) {
      bytes += JSON.stringify(path).length + String(target).length + 2;
      if (bytes > limits.remotePacketBytesMax) {
        snapshot.partial = true;
        break;
      }
      snapshot.values[path] = target;
    }
    return Buffer.from(JSON.stringify(ack));
  }
}

/** A packet as what it says, or why it says nothing. */
export function readControl(bytes: Uint8Array): Control | string {
  if (bytes.length > limits.remotePacketBytesMax) {
    return `longer than ${limits.remotePacketBytesMax} bytes`;
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  } catch {
    return 'no JSON';
  }
  const parsed = controlSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'no CTRL'}`;
}

/** The command of the bus that a packet stands for. */
function commandOf({ cmd, value }: Control): object {
  if (typeof cmd !== 'string') return cmd;
  if (cmd === 'start' || cmd === 'stop') return { do: cmd };
  return { do: 'set', path: cmd, value };
}
