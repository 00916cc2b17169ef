import { bankOf, generationAt } from '../memory/generations.js';
import { currentSealedTick } from '../memory/journal.js';
import {
  banks,
  generation,
  journalTicks,
  outputQuanta,
  record,
  recordCommandWords,
} from '../memory/layout.js';
import { currentPosition } from '../memory/output-ring.js';
import type { Segment } from '../memory/segment.js';
import { ticksBetween } from '../memory/ticks.js';
import { currentGeneration } from './takeover.js';

/** A part of the segment, in 32-bit words. */
interface Region {
  at: number;
  words: number;
}

/** So that a reader which found a record while it was kept has long read it. */
const restTicks = 1024;

/** The parts of the segment that are one bank. */
function regionsOf({ layout }: Segment, bank: number): Region[] {
  const journal = journalTicks * record.words;
  const commands = journalTicks * recordCommandWords;
  const output = outputQuanta * layout.outputStride;
  return [
    { at: layout.journal + bank * journal, words: journal },
    { at: layout.journalCommands + bank * commands, words: commands },
    { at: layout.output + bank * output, words: output },
  ];
}

/**
 * Gives the memory of banks back that hold nothing anybody may still read. Each takeover moves on to
 * the next bank; without this an engine grows with every one of the first few.
 *
 * The bank after the current one stays, since a standby may take it at any time. That is enough
 * even where the keeper is stopped between looking and giving back: only the keeper starts drivers,
 * so meanwhile no more than the one that stands by can take over.
 */
export class BankRelease {
  /** Banks that were written to since they were given back. */
  private readonly touched: boolean[] = Array.from({ length: banks }, () => false);
  private seen = -1;

  constructor(
    private readonly segment: Segment,
    private readonly world: { release(at: number, words: number): void },
  ) {}

  /** One look; cheap while the generation stays. */
  look(): void {
    const current = currentGeneration(this.segment);
    const inUse = this.banksInUse(current);
    if (current !== this.seen) {
      this.seen = current;
      for (const bank of inUse) this.touched[bank] = true;
    }
    this.touched.forEach((touched, bank) => {
      if (!touched || inUse.has(bank)) return;
      this.touched[bank] = false;
      for (const { at, words } of regionsOf(this.segment, bank)) this.world.release(at, words);
    });
  }

  /** The bank of the current generation, the next one, and those that hold what is kept. */
  private banksInUse(current: number): Set<number> {
    const { segment } = this;
    const { words } = segment;
    const sealed = currentSealedTick(segment);
    const position = currentPosition(segment);
    const bank = bankOf(segment, current);
    const inUse = new Set([bank, (bank + 1) % banks]);
    let number = current;
    for (let hops = 0; hops < banks; hops++) {
      const entry = generationAt(segment, number);
      const isPast =
        ticksBetween(sealed, words[entry + generation.sealStart]!) > journalTicks + restTicks &&
        ticksBetween(position, words[entry + generation.commitStart]!) > outputQuanta + restTicks;
      const previous = words[entry + generation.previousCommit]!;
      if (isPast || previous === number) break;
      number = previous;
      inUse.add(bankOf(segment, number));
    }
    return inUse;
  }
}
