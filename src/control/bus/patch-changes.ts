import { TenutoError } from '../../errors.js';
import type { Origin } from './bus.js';
import type { Ack, LoadPatch } from './command.js';
import type { IdHash } from './command-id.js';

/** The program that is to play next, and how. */
export interface ProgramChange {
  readonly number: number;
  readonly fadeFrames: number;
  /** The one that plays fails, and is not rendered any more. */
  readonly withdraws: boolean;
}

/** What a patch is read from. */
export interface PatchSource {
  file?: string;
  text?: string;
  fadeMs?: number;
}

/** Who prepares programs. */
export interface ProgramSource {
  /** Brings a patch to the replicas. @throws TenutoError */
  prepare(wanted: PatchSource): Promise<ProgramChange>;
  /** It was switched to. */
  changed(number: number): void;
}

/** What it needs of the bus. */
interface Host {
  changeProgram(change: ProgramChange, id: string, hash: IdHash): Promise<Ack>;
  refuse(id: string, error: TenutoError, origin: Origin): Ack;
  /** @throws TenutoError `TENUTO_COMMAND_STALE` */
  checkSeq(ifSeq: number | undefined): void;
}

/** Commands that change the patch: each is prepared aside, and then one record switches all. */
export class PatchChanges {
  private readonly loading = new Map<string, Promise<Ack>>();

  /** @param programs without one, the patch stays */
  constructor(
    private readonly programs: ProgramSource | undefined,
    private readonly host: Host,
  ) {}

  /** The same `id` again waits for the same answer. */
  load(command: LoadPatch, from: { id: string; hash: IdHash; origin: Origin }): Promise<Ack> {
    const known = this.loading.get(from.id);
    if (known !== undefined) return known;
    const answer = this.loadNow(command, from).finally(() => this.loading.delete(from.id));
    this.loading.set(from.id, answer);
    return answer;
  }

  private async loadNow(
    command: LoadPatch,
    { id, hash, origin }: { id: string; hash: IdHash; origin: Origin },
  ): Promise<Ack> {
    try {
      const { programs } = this;
      if (programs === undefined) refuse('this engine keeps to its patch');
      const { file, text, fadeMs, ifSeq } = command;
      if (text === undefined && file === undefined) refuse('a patch is given as `text` or `file`');
      // Whoever comes over a network has no business with this user's files.
      const namesFiles = file !== undefined || /\b(modules|assets)\b/.test(text ?? '');
      if (origin !== 'socket' && namesFiles) refuse('files are named over the local socket only');
      this.host.checkSeq(ifSeq);
      const change = await programs.prepare({
        ...(file !== undefined && { file }),
        ...(text !== undefined && { text }),
        ...(fadeMs !== undefined && { fadeMs }),
      });
      this.host.checkSeq(ifSeq);
      const ack = await this.host.changeProgram(change, id, hash);
      if (ack.ok) programs.changed(change.number);
      return ack;
    } catch (error) {
      if (!(error instanceof TenutoError)) throw error;
      return this.host.refuse(id, error, origin);
    }
  }
}

function refuse(text: string): never {
  throw new TenutoError('TENUTO_COMMAND_INVALID', text);
}
