import { commandFlags, commandOps, commandWord, commandWords } from '../../dsp/command.js';
import { TenutoError } from '../../errors.js';
import type { Change, Command, ResultingState, Transport } from './command.js';
import type { IdHash } from './command-id.js';
import { isGate, type PatchBook } from './patch-book.js';

/** How long a trigger holds, and how long the sound takes to fade at `start` and `stop`. */
const holdMsDefault = 10;
const fadeMsDefault = 50;

const valueBits = new Int32Array(1);
const value = new Float32Array(valueBits.buffer);

/** When a timed command takes effect: ticks since the first one. */
export interface RecordTime {
  readonly tick: number;
  readonly frame: number;
}

/**
 * The records of a command, one for each of its changes: all with its name, tied together so that
 * they are sealed in one tick.
 *
 * @throws TenutoError of the paths and values in it.
 */
export function recordsOf(
  command: Command,
  book: PatchBook,
  rateHz: number,
  about: { id: IdHash; time: RecordTime | null },
): Int32Array {
  const changes: readonly Change[] = command.do === 'bundle' ? command.commands : [command];
  const words = new Int32Array(changes.length * commandWords);
  changes.forEach((change, index) => {
    const at = index * commandWords;
    const { id, time } = about;
    writeChange(words, at, change, book, rateHz);
    if (index < changes.length - 1) words[at]! |= commandFlags.continues;
    if (time !== null) {
      words[at]! |= commandFlags.timed | (time.frame << 16);
      words[at + commandWord.tick] = time.tick | 0;
    }
    words[at + commandWord.idLow] = id.low;
    words[at + commandWord.idHigh] = id.high;
  });
  return words;
}

/** Where the parameters go that a command names, and whether the patch is heard then. */
export function resultOf(command: Command, book: PatchBook, now: Transport): ResultingState {
  const changes: readonly Change[] = command.do === 'bundle' ? command.commands : [command];
  const values: Record<string, number> = {};
  let transport = now;
  for (const change of changes) {
    if (change.do === 'start') transport = 'playing';
    else if (change.do === 'stop') transport = 'stopped';
    else {
      const port = book.ports.get(change.path);
      if (port === undefined) continue;
      // A trigger falls back by itself.
      values[change.path] =
        change.do === 'trigger' ? 0 : Math.fround(book.read(port, change.value));
    }
  }
  return { transport, values };
}

function writeChange(
  words: Int32Array,
  at: number,
  change: Change,
  book: PatchBook,
  rateHz: number,
): void {
  const framesIn = (ms: number) => Math.round((ms / 1000) * rateHz);
  words[at + commandWord.op] = commandOps[change.do];
  if (change.do === 'start' || change.do === 'stop') {
    words[at + commandWord.frames] = framesIn(change.fadeMs ?? fadeMsDefault);
    return;
  }
  const port = book.find(change.path);
  words[at + commandWord.node] = port.node;
  words[at + commandWord.port] = port.port;
  value[0] = book.read(port, change.value ?? Math.min(1, port.max));
  words[at + commandWord.value] = valueBits[0]!;
  if (change.do === 'set') words[at + commandWord.frames] = framesIn(change.rampMs ?? 0);
  if (change.do === 'trigger') {
    words[at + commandWord.frames] = Math.max(1, framesIn(change.holdMs ?? holdMsDefault));
  }
  if (change.do !== 'set' && !isGate(port)) {
    throw new TenutoError('TENUTO_COMMAND_INVALID', `${port.path} is no gate; use \`set\``);
  }
}
