import { limits } from '../../limits.js';
import type { CompileInput, ListItem } from '../node.js';
import { readNote } from '../pitch.js';

/** What a step does, as the number that stands for it in the data. */
export const stepKinds = { rest: 0, normal: 1, accent: 2, hold: 3 } as const;

const letterKinds: ReadonlyMap<string, number> = new Map([
  ['.', stepKinds.rest],
  ['x', stepKinds.normal],
  ['X', stepKinds.accent],
  ['-', stepKinds.hold],
]);

/** Notes of one chord at most: more than hands have, and few enough to allot in one quantum. */
const CHORD_MAX = 16;

/** A pattern, and the notes that its steps take in turn as MIDI numbers. */
export interface SequenceData {
  readonly steps: readonly number[];
  readonly chords: readonly (readonly number[])[];
}

/**
 * A pattern and notes as a program holds them: [steps, chords, kind of each step..., then for each
 * chord its size and its notes].
 */
export function compileSequence({ texts, lists, fail }: CompileInput): Float32Array {
  const letters = [...texts.pattern!.replace(/[\s|]/g, '')];
  const steps = letters.map((letter) => {
    const kind = letterKinds.get(letter);
    return kind ?? fail(`\`${letter}\` is no step; use X, x, . and -`, 'pattern');
  });
  if (steps.length === 0) fail('a pattern has at least one step', 'pattern');
  if (steps.length > limits.sequenceStepsMax) {
    fail(`a pattern has at most ${limits.sequenceStepsMax} steps`, 'pattern');
  }
  const notes = lists.notes!;
  if (notes.length === 0) fail('at least one note', 'notes');
  const chords = notes.flatMap((item, index) => {
    const items: ListItem[] = Array.isArray(item) ? [...item] : [item];
    if (items.length === 0 || items.length > CHORD_MAX) {
      fail(`a chord has 1 to ${CHORD_MAX} notes`, 'notes', index);
    }
    const numbers = items.map(
      (note) =>
        readNote(note as string | number) ??
        fail(
          `\`${String(note).slice(0, 40)}\` is no note; write C4, F#3, or 0 to 127`,
          'notes',
          index,
        ),
    );
    return [numbers.length, ...numbers];
  });
  return Float32Array.from([steps.length, notes.length, ...steps, ...chords]);
}

/** The inverse of `compileSequence`, or undefined for what it cannot have made. */
export function readSequence(data: Float32Array): SequenceData | undefined {
  const [stepCount = 0, chordCount = 0] = data;
  const isCount = (n: number, most: number) => Number.isInteger(n) && n >= 1 && n <= most;
  if (!isCount(stepCount, limits.sequenceStepsMax)) return undefined;
  if (!isCount(chordCount, limits.sequenceStepsMax)) return undefined;
  const steps = [...data.subarray(2, 2 + stepCount)];
  const chords: number[][] = [];
  let at = 2 + stepCount;
  for (let i = 0; i < chordCount; i++) {
    const size = data[at] ?? 0;
    if (!isCount(size, CHORD_MAX)) return undefined;
    chords.push([...data.subarray(at + 1, at + 1 + size)]);
    at += 1 + size;
  }
  const isRight =
    at === data.length &&
    steps.length === stepCount &&
    steps.every(
      (kind) => kind >= stepKinds.rest && kind <= stepKinds.hold && Number.isInteger(kind),
    ) &&
    chords.every((chord) => chord.every((note) => note >= 0 && note <= 127));
  return isRight ? { steps, chords } : undefined;
}
