import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { TenutoError } from '../../errors.js';
import { limits } from '../../limits.js';
import { laneCommands } from '../../memory/layout.js';
import { firstProgram } from '../../memory/programs.js';
import type { Bus } from './bus.js';
import type { Change } from './command.js';
import { noId } from './command-id.js';
import { isGate, type PatchBook } from './patch-book.js';
import { recordsOf } from './records.js';

const patchSchema = z.strictObject({
  /** What it is called, and where its paths begin. */
  file: z.string().max(8192),
  text: z.string().max(limits.patchBytesMax),
});

const stateSchema = z.strictObject({
  v: z.literal([1, 2]),
  engine: z.string(),
  savedAt: z.string(),
  seq: z.number().int().min(0),
  transport: z.enum(['playing', 'stopped']),
  /** Of what a command loaded; null while the engine plays what it was told to begin with. */
  patch: patchSchema.nullable().default(null),
  values: z.record(z.string().max(limits.commandTextMax), z.number()),
});

/** What was last commanded of an engine: its patch, and the values that are not as that has them. */
export type SavedState = z.output<typeof stateSchema>;
/** A patch that was loaded. */
export type SavedPatch = z.output<typeof patchSchema>;

/** At most so often the file is written. */
const saveMs = 500;
/** How long the sound takes to come back after a restoration. */
const fadeInMs = 500;

/**
 * Keeps the state in a file, which is replaced as a whole, so that it is never half written. It is
 * written some time after the last command; of what a power cut costs there is no more than that.
 */
export class StateFile {
  /** By its last command and its program; a program may be withdrawn without a command. */
  private saved = '';
  private savedMs = Number.NEGATIVE_INFINITY;
  private isSaving = false;

  constructor(
    private readonly bus: Bus,
    private readonly path: string,
    private readonly engine: string,
    private readonly onFailed: (error: Error) => void,
  ) {
    // What a predecessor did not come to write is written soon; an engine without commands has none.
    this.saved = `0 ${firstProgram}`;
  }

  /** To be called now and then. */
  look(nowMs: number): void {
    if (this.isSaving || nowMs - this.savedMs < saveMs || this.saved === this.now()) return;
    this.savedMs = nowMs;
    this.isSaving = true;
    void this.save().finally(() => {
      this.isSaving = false;
    });
  }

  /** Writes at once what is not written yet. */
  close(): void {
    if (this.saved === this.now()) return;
    try {
      const { text, temporary } = this.prepare();
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      writeFileSync(temporary, text, { mode: 0o600, flush: true });
      renameSync(temporary, this.path);
    } catch (error) {
      this.onFailed(error as Error);
    }
  }

  private async save(): Promise<void> {
    try {
      const now = this.now();
      const { text, temporary } = this.prepare();
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      await writeFile(temporary, text, { mode: 0o600, flush: true });
      await rename(temporary, this.path);
      this.saved = now;
    } catch (error) {
      this.onFailed(error as Error);
    }
  }

  private now(): string {
    return `${this.bus.seq} ${this.bus.program.number}`;
  }

  private prepare(): { text: string; temporary: string } {
    const { seq, transport, values } = this.bus.get();
    const { source, isLoaded } = this.bus.program;
    const changed = Object.entries(values).flatMap(([path, { target }]) => {
      const asWritten = Math.fround(this.bus.book.ports.get(path)!.value);
      return target === asWritten ? [] : [[path, target] as const];
    });
    const savedAt = new Date().toISOString();
    const { engine } = this;
    const state: SavedState = {
      v: 2,
      engine,
      savedAt,
      seq,
      transport,
      patch: isLoaded ? { file: resolve(source.file), text: source.text } : null,
      values: Object.fromEntries(changed),
    };
    const temporary = join(dirname(this.path), `.${basename(this.path)}.new`);
    return { text: `${JSON.stringify(state, null, 2)}\n`, temporary };
  }
}

/**
 * Reads what was saved; null when nothing was.
 *
 * @throws TenutoError `TENUTO_STATE_INVALID`, `TENUTO_FILE_UNREADABLE`
 */
export function readState(path: string): SavedState | null {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > limits.stateBytesMax) throw invalid(path, `it has ${size} bytes`);
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof TenutoError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new TenutoError('TENUTO_FILE_UNREADABLE', `${path} cannot be read (${code})`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, (cause as Error).message);
  }
  const parsed = stateSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(path, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

function invalid(path: string, why: string): TenutoError {
  return new TenutoError('TENUTO_STATE_INVALID', `${path} is no saved state: ${why}`);
}

/** What brings a saved state back, and what of it has no place in the patch any more. */
export interface Restoration {
  /** Records of commands, for the first lane, before anything plays. */
  readonly records: number[];
  readonly skipped: string[];
}

/**
 * The commands that restore a state at a safe level: silence first, gates closed, the saved values,
 * and then the sound fades in, unless it was stopped.
 */
export function restore(state: SavedState, book: PatchBook, rateHz: number): Restoration {
  const changes: Change[] = [{ do: 'stop', fadeMs: 0 }];
  const skipped: string[] = [];
  for (const [path, value] of Object.entries(state.values)) {
    const port = book.ports.get(path);
    const fits = port !== undefined && value >= port.min && value <= port.max;
    if (!fits || changes.length > laneCommands - 2) skipped.push(path);
    else changes.push({ do: 'set', path, value: isHeld(port) ? 0 : value });
  }
  if (state.transport === 'playing') changes.push({ do: 'start', fadeMs: fadeInMs });
  const records = changes.flatMap((change) => [
    ...recordsOf(change, book, rateHz, { id: noId, time: null }),
  ]);
  return { records, skipped };
}

/** A gate that somebody holds open; what runs by itself, such as a sequence, is none. */
function isHeld(port: Parameters<typeof isGate>[0] & { path: string }): boolean {
  return isGate(port) && port.path.endsWith('.gate');
}
