import { describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { commandFlags, commandWords } from '../dsp/command.js';
import { offerCommands } from '../memory/commands.js';
import { commandAt, recordAt } from '../memory/journal.js';
import { commandsPerTick, record } from '../memory/layout.js';
import { Sealer } from './sealing.js';

/** Records of a bundle; the last word of each says which one it is. */
function bundle(count: number, tag: number): Int32Array {
  const words = new Int32Array(count * commandWords);
  for (let i = 0; i < count; i++) {
    words[i * commandWords] = 1 | (i < count - 1 ? commandFlags.continues : 0);
    words[i * commandWords + 7] = tag * 100 + i;
  }
  return words;
}

describe('the sealer', () => {
  it('puts all of a bundle into one tick, in order, and moves it on when there is no room', () => {
    const segment = segmentFor();
    const sealer = new Sealer(segment, [], 1);
    const half = commandsPerTick / 2;
    const sizes = [1, half, half, 5, commandsPerTick, 2];
    sizes.forEach((size, tag) => {
      expect(offerCommands(segment, 0, 0, bundle(size, tag))).toBe(true);
    });
    const sealed = [0, 1, 2, 3].map((tick) => {
      sealer.prepare(tick, 0);
      const at = recordAt(segment, 1, tick);
      const count = segment.words[at + record.commands]!;
      return Array.from({ length: count }, (_, i) => segment.words[commandAt(segment, at, i) + 7]!);
    });
    const rows = (tag: number) => Array.from({ length: sizes[tag]! }, (_, i) => tag * 100 + i);
    expect(sealed).toEqual([[...rows(0), ...rows(1)], [...rows(2), ...rows(3)], rows(4), rows(5)]);
  });

  it('is not stopped by a bundle that never ends', () => {
    const segment = segmentFor();
    const sealer = new Sealer(segment, [], 1);
    const words = bundle(commandsPerTick + 8, 1);
    for (let at = 0; at < words.length; at += commandWords) words[at]! |= commandFlags.continues;
    offerCommands(segment, 0, 0, words);
    sealer.prepare(0, 0);
    expect(sealer.taken).toBe(commandsPerTick);
    sealer.prepare(1, 0);
    expect(sealer.taken).toBe(8);
  });
});
