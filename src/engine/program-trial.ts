import { type Part, type Performance, switchOp, switchWords } from '../dsp/performance.js';
import { commandWords, SnapshotState, snapshot } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import { newestSnapshot, snapshotBytesAt } from '../memory/snapshots.js';

/** Two seconds and more of most patches, in parts of which each is timed. */
const parts = 12;
const partQuanta = 64;
/** How much of the time of a quantum its rendering may take: the driver needs some, and so do others. */
const shareMax = 0.7;

/** What a trial needs of a performance. */
type Trialled = Pick<Performance, 'apply' | 'arena' | 'begin' | 'render' | 'silencedNodes'> & {
  part(number: number): Part | undefined;
};

/** What became of a trial. */
export type Verdict =
  | { kind: 'well' | 'silenced' | 'put-off' }
  | { kind: 'slow'; quantumUs: number };

/**
 * Plays a program aside before anybody hears it: from the state that is heard now, through the fade
 * and on. Code that throws, dies or never ends does so here, and what takes too long is found out.
 * Time is counted in that of the processor, since all that is heard goes first.
 *
 * @param cpuUs - microseconds of the processor that this process has had
 * @param isWanted - true when the process is needed for what is heard: the trial is put off
 */
export function tryProgram(
  segment: Segment,
  performance: Trialled,
  number: number,
  world: { cpuUs(): number; isWanted(): boolean },
): Verdict {
  const { layout } = segment;
  const from = begin(segment, performance);
  if (from !== 0 && from !== number) {
    const words = new Int32Array(commandWords);
    words[0] = switchOp;
    words[switchWords.program] = number;
    words[switchWords.fadeFrames] = partQuanta * layout.quantum;
    performance.apply(words, 0);
  } else performance.begin(number, 0);
  const quantumUs = (layout.quantum * 1e6) / layout.rateHz;
  let least = Number.POSITIVE_INFINITY;
  try {
    // The first part is the fade, in which both are rendered.
    for (let part = 0; part <= parts; part++) {
      if (world.isWanted()) return { kind: 'put-off' };
      const before = world.cpuUs();
      for (let i = 0; i < partQuanta; i++) performance.render();
      if (part > 0) least = Math.min(least, (world.cpuUs() - before) / partQuanta);
      if (performance.silencedNodes > 0) return { kind: 'silenced' };
      if (part > 2 && least > quantumUs) break;
    }
  } finally {
    for (const part of [from, number]) performance.part(part)?.reset();
  }
  return least > shareMax * quantumUs ? { kind: 'slow', quantumUs: least } : { kind: 'well' };
}

/** Goes on from the newest snapshot; the number of its program, or 0 when there is none to have. */
function begin(segment: Segment, performance: Trialled): number {
  const { words, bytes } = segment;
  const at = newestSnapshot(segment);
  if (at < 0) return 0;
  const program = words[at + snapshot.program]!;
  const tick = words[at + snapshot.tick]!;
  if (!performance.begin(program, words[at + snapshot.previous]!)) return 0;
  const start = snapshotBytesAt(at);
  performance.arena.set(bytes.subarray(start, start + performance.arena.length));
  const isWhole =
    Atomics.load(words, at + snapshot.state) === SnapshotState.valid &&
    words[at + snapshot.tick] === tick;
  if (isWhole) return program;
  performance.part(program)?.reset();
  return 0;
}
