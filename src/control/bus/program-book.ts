import type { PatchText } from '../../dsp/compiler.js';
import type { Program } from '../../dsp/program.js';
import type { PatchBook } from './patch-book.js';

/** What control knows of a program. */
export interface ProgramBook {
  readonly program: Program;
  readonly book: PatchBook;
  readonly source: PatchText;
  /** It came by a command, and is not what the engine was told to begin with. */
  readonly isLoaded: boolean;
}
