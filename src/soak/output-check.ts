import { createHash } from 'node:crypto';
import { OutputKind } from '../memory/layout.js';
import { OutputReader, Reading } from '../memory/output-ring.js';
import type { Segment } from '../memory/segment.js';
import { ticksBetween } from '../memory/ticks.js';

/**
 * Follows the output ring from its first position and checks what invariant 2 of the design says:
 * filler aside, no tick appears twice, is skipped or is out of order. It stands outside the engine
 * and depends on no other process than the driver that it watches.
 */
export class OutputCheck {
  /** `ok`, or the first thing that was wrong. */
  order = 'ok';
  /** Quanta of unchanged content, in order, since the start. */
  contentQuanta = 0;
  /** Quanta of content that were skipped. */
  missingQuanta = 0;
  /** Quanta that were played under the closing fade. */
  fadedQuanta = 0;
  /** False once a quantum could not be read in time: the digest is no use then. */
  complete = true;
  private readonly reader: OutputReader;
  private readonly hash = createHash('sha256');
  private readonly bytes: Uint8Array;
  private expected: number;

  constructor(segment: Segment) {
    this.reader = new OutputReader(segment, 0);
    this.bytes = new Uint8Array(this.reader.samples.buffer);
    this.expected = segment.layout.firstTick;
  }

  /** Checks all that was played since the last call. */
  catchUp(): void {
    for (;;) {
      const reading = this.reader.read();
      if (reading === Reading.empty) return;
      if (reading === Reading.lost) {
        this.complete = false;
        this.say(`${this.reader.lostQuanta} quanta were overwritten before they could be checked`);
      } else this.check();
    }
  }

  /** SHA-256 of all unchanged content, in order. Ends the hashing: to be asked for once. */
  digest(): string {
    return this.hash.digest('hex');
  }

  private check(): void {
    const { tick, kind, position } = this.reader;
    const ahead = ticksBetween(tick, this.expected);
    const where = `at position ${(position - 1) >>> 0}`;
    if (ahead < 0) this.say(`tick ${tick >>> 0} came again ${where}`);
    if (ahead > 0) {
      this.say(`${ahead} ticks before ${tick >>> 0} are missing ${where}`);
      if (this.complete) this.missingQuanta += ahead;
    }
    if (kind === OutputKind.concealed) return;
    if (ahead >= 0) this.expected = (tick + 1) | 0;
    if (kind === OutputKind.faded) {
      this.fadedQuanta++;
      return;
    }
    if (this.fadedQuanta > 0) this.say(`tick ${tick >>> 0} sounds after the fade ${where}`);
    this.contentQuanta++;
    this.hash.update(this.bytes);
  }

  private say(what: string): void {
    if (this.order === 'ok') this.order = what;
  }
}
