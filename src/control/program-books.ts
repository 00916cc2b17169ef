import type { PatchInfo } from '../dsp/compiler.js';
import { decodeProgram, namedStreams } from '../dsp/program.js';
import { readPatchInfo } from '../engine/attach.js';
import { TenutoError } from '../errors.js';
import {
  findProgram,
  livePrograms,
  type ProgramContent,
  playingProgram,
  readProgram,
} from '../memory/programs.js';
import type { Segment } from '../memory/segment.js';
import { PatchBook } from './bus/patch-book.js';
import type { ProgramBook } from './bus/program-book.js';

/** The programs that may play, as control needs them: their parameters by name. */
export class ProgramBooks {
  private readonly books = new Map<number, ProgramBook>();

  constructor(private readonly segment: Segment) {}

  /** Reads those that there are; for a process that was just started. */
  async loadAll(): Promise<void> {
    for (const { number, at } of livePrograms(this.segment)) {
      const content = this.books.has(number) ? undefined : readProgram(this.segment, at);
      if (content?.number === number) await this.add(content);
    }
  }

  async add(content: Pick<ProgramContent, 'number' | 'program' | 'info' | 'hasOwnNodes'>) {
    const info = readPatchInfo(content);
    const { runOwnModules } = await import('../dsp/own-nodes.js');
    const own = content.hasOwnNodes ? await runOwnModules(info.modules ?? []) : undefined;
    const program = decodeProgram(content.program, own);
    const { names, source, loaded } = info;
    const isLoaded = loaded === true;
    this.books.set(content.number, { program, book: new PatchBook(names), source, isLoaded });
    const there = new Set(livePrograms(this.segment).map(({ number }) => number));
    for (const number of this.books.keys()) {
      if (number < content.number && !there.has(number)) this.books.delete(number);
    }
  }

  /** The streams that the patch which plays plays itself. */
  namedStreams(): ReadonlySet<number> {
    const found = this.books.get(playingProgram(this.segment));
    return found === undefined ? new Set() : namedStreams(found.program.nodes);
  }

  get(number: number): ProgramBook | undefined {
    return this.books.get(number);
  }
}

/** What people know of a program. @throws TenutoError `TENUTO_ENGINE_FAILED` */
export function readProgramInfo(segment: Segment, number: number): PatchInfo {
  const at = findProgram(segment, number);
  const content = at < 0 ? undefined : readProgram(segment, at);
  if (content === undefined) throw new TenutoError('TENUTO_ENGINE_FAILED', 'its patch is gone');
  return readPatchInfo(content);
}
