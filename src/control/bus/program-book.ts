import type { Program } from '../../dsp/program.js';
import type { PatchBook } from './patch-book.js';

/** What control knows of a program. */
export interface ProgramBook {
  readonly program: Program;
  readonly book: PatchBook;
}
