import { changeFate, findRecord } from '../memory/journal.js';
import { RecordStatus, record } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';

const { live, void: voided, reverted, silenced } = RecordStatus;

/** What is tried in turn with a record that kills, until it does not. */
const remedies = {
  /** A program that is on probation is the first suspect when there was no command. */
  probation: [live, voided, reverted, silenced],
  settled: [live, voided, silenced, reverted],
} as const;

/**
 * Finds records that kill. Replicas are identical, so each of them would die of the same record:
 * one at which two in a row died before they passed it gets another fate. Its commands are taken
 * out; if it had none, or that was not it, the program before plays on, or the nodes of the user's
 * are silenced. Nobody has passed it, so all who come after agree.
 */
export class PoisonWatch {
  private tick: number | null = null;
  private deaths = 0;

  /**
   * A replica died or hung while it worked at `tick`, for which it had read `fate`. The fate that
   * the record was given for it, a `RecordStatus`; null for none.
   */
  died(segment: Segment, tick: number, fate: number, onProbation: boolean): number | null {
    const at = findRecord(segment, tick);
    // Who died of a fate that was changed since says nothing about the one it has now.
    if (at < 0 || Atomics.load(segment.words, at + record.status) !== fate) return null;
    this.deaths = this.tick === tick ? this.deaths + 1 : 1;
    this.tick = tick;
    if (this.deaths < 2) return null;
    const order: readonly number[] = remedies[onProbation ? 'probation' : 'settled'];
    const hasCommands = segment.words[at + record.commands] !== 0;
    const place = order.indexOf(fate) + (fate === live && !hasCommands ? 2 : 1);
    // None may have helped because others died of something else: they are tried again.
    const next = order[place] ?? order[2]!;
    if (!changeFate(segment, at, fate, next)) return null;
    this.deaths = 0;
    return next;
  }
}
