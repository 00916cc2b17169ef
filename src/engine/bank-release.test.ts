import { beforeEach, describe, expect, it } from 'vitest';
import { segmentFor } from '../../test/kit/segment.js';
import { bankOf } from '../memory/generations.js';
import { banks, clock, journalTicks, outputQuanta } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import { packFenced } from '../memory/ticks.js';
import { BankRelease } from './bank-release.js';
import { currentGeneration, takeOutput, takeSealing } from './takeover.js';

/** Until nothing of what was before can be read any more. */
const longTicks = journalTicks + outputQuanta;

describe('the banks of a driver that was replaced', () => {
  let segment: Segment;
  let release: BankRelease;
  let released: number[];
  let tick: number;

  const takeOver = () => {
    const next = currentGeneration(segment) + 1;
    takeOutput(segment, next, 1000 + next);
    takeSealing(segment, next);
    release.look();
    return bankOf(segment, next);
  };
  const play = (ticks: number) => {
    const { words, layout } = segment;
    const step = 1000;
    for (let left = ticks; left > 0; left -= step) {
      tick = (tick + Math.min(left, step)) | 0;
      const word = packFenced(currentGeneration(segment), tick);
      words[layout.clock + clock.sealed] = word;
      words[layout.clock + clock.committed] = word;
      words[layout.clock + clock.nearTick] = tick;
      words[layout.clock + clock.nearPosition] = tick;
      release.look();
    }
  };

  beforeEach(() => {
    segment = segmentFor();
    tick = segment.layout.firstTick - 1;
    released = [];
    const bankWords = outputQuanta * segment.layout.outputStride;
    release = new BankRelease(segment, {
      release: (at, words) => {
        segment.words.fill(0, at, at + words);
        const bank = (at - segment.layout.output) / bankWords;
        if (bank >= 0 && bank < banks) released.push(bank);
      },
    });
  });

  it('are given back once nobody can read them, and not before', () => {
    const first = takeOver();
    play(500);
    const second = takeOver();
    play(journalTicks);
    expect(released).toEqual([]);
    play(longTicks);
    expect(released).toContain(first);
    expect(released).not.toContain(second);
    expect(second).toBe((first + 1) % banks);
  });

  it('are given back each time they were used, but never the one that is next', () => {
    for (let i = 0; i < 3 * banks; i++) {
      const bank = takeOver();
      play(2 * longTicks);
      expect(released).not.toContain(bank);
      expect(released).not.toContain((bank + 1) % banks);
      expect(released.length).toBe(1);
      released.length = 0;
    }
  });

  it('are all kept while takeovers follow each other closely', () => {
    for (let i = 0; i < 2 * banks; i++) {
      takeOver();
      play(journalTicks / banks / 2);
    }
    expect(released).toEqual([]);
  });
});
