import type { NodeLibrary } from '../dsp/nodes/index.js';
import { TenutoError } from '../errors.js';
import { JournalDamage } from './bytes.js';
import { type Damage, type JournalItem, readJournal } from './journal-file.js';
import type { JournalGap, JournalHead } from './records.js';
import { Replayer, type ReplayReport, type ReplaySink } from './replayer.js';
import type { Step } from './step.js';

/** What a replay tells beside the samples. */
export interface ReplayEvents {
  head?(head: JournalHead): void;
  step?(step: Step): void;
  gap?(gap: JournalGap): void;
}

/** A whole replay. */
export interface ReplayResult extends ReplayReport {
  head: JournalHead | null;
  gaps: JournalGap[];
  damages: Damage[];
  /** Whether the run ended in order within the journal. */
  hasEnd: boolean;
}

/**
 * Renders a journal, an item at each turn, so that whoever asks may look after other things in
 * between. What is damaged is left out from there to the next file, and told.
 *
 * @throws TenutoError `TENUTO_FILE_UNREADABLE`, `TENUTO_JOURNAL_DAMAGED` when it is no journal
 */
export async function* replayJournal(
  path: string,
  sink: ReplaySink,
  events: ReplayEvents = {},
  loadNodes: (info: Uint8Array) => Promise<NodeLibrary> = refuseNodes,
): AsyncGenerator<JournalItem, ReplayResult> {
  const replayer = new Replayer(sink, loadNodes);
  const { report } = replayer;
  const result: Omit<ReplayResult, keyof ReplayReport> = {
    head: null,
    gaps: [],
    damages: [],
    hasEnd: false,
  };
  let file = '';
  let isLost = false;
  for (const item of readJournal(path)) {
    if (item.kind === 'head') {
      file = item.file;
      isLost = false;
      result.head ??= item.head;
      events.head?.(item.head);
    }
    if (item.kind === 'step') events.step?.(item.step);
    if (item.kind === 'gap') {
      result.gaps.push(item.gap);
      events.gap?.(item.gap);
    }
    if (item.kind === 'end') result.hasEnd = true;
    if (item.kind === 'damage') result.damages.push(item.damage);
    if (isLost) continue;
    try {
      await give(replayer, item);
    } catch (error) {
      if (error instanceof TenutoError && error.code === 'TENUTO_JOURNAL_CODE') throw error;
      if (!(error instanceof JournalDamage || error instanceof TenutoError)) throw error;
      isLost = true;
      result.damages.push({ file, offset: 0, why: error.message, isTorn: false });
    }
    yield item;
  }
  return { ...report, ...result };
}

/** Code that a file brings runs only if its user wants it to. */
async function refuseNodes(): Promise<NodeLibrary> {
  throw new TenutoError('TENUTO_JOURNAL_CODE', 'the journal brings the code of nodes with it');
}

async function give(replayer: Replayer, item: JournalItem): Promise<void> {
  if (item.kind === 'head') replayer.begin(item.head);
  else if (item.kind === 'asset') replayer.addAsset(item.part);
  else if (item.kind === 'program') await replayer.load(item.program);
  else if (item.kind === 'state') replayer.restore(item.state);
  else if (item.kind === 'step') replayer.take(item.step);
}
