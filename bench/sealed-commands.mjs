/** Reads from an engine's memory what was sealed, while it runs. */
import { commandAt, findRecord, sealedTick } from '../dist/memory/journal.js';
import { commandWords, record } from '../dist/memory/layout.js';

export class SealedCommands {
  /** Each with the words of its record and the tick in which it was sealed. */
  rows = [];

  constructor(segment) {
    this.segment = segment;
    this.tick = (segment.layout.firstTick - 1) | 0;
  }

  /** To be called more often than the journal turns over, which is every few seconds. */
  look() {
    const { segment } = this;
    const { words } = segment;
    for (;;) {
      const tick = (this.tick + 1) | 0;
      if (((sealedTick(segment, tick) - tick) | 0) < 0) return;
      const at = findRecord(segment, tick);
      if (at < 0) throw new Error('the journal was lost sight of');
      for (let i = 0; i < words[at + record.commands]; i++) {
        const from = commandAt(segment, at, i);
        this.rows.push({ tick, words: words.slice(from, from + commandWords) });
      }
      this.tick = tick;
    }
  }
}
