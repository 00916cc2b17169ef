import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { enterGeneration, playQuantum, segmentFor } from '../../test/kit/segment.js';
import { OutputKind, outputQuanta } from '../memory/layout.js';
import type { Segment } from '../memory/segment.js';
import { OutputCheck } from './output-check.js';

const { content, faded, concealed } = OutputKind;
const firstTick = -2;

let segment: Segment;
let check: OutputCheck;
let position: number;

beforeEach(() => {
  segment = segmentFor({ firstTick });
  enterGeneration(segment, 1, { position: 0, tick: firstTick, previous: 0 });
  check = new OutputCheck(segment);
  position = 0;
});

/** Plays quanta as [tick, kind]; each holds its own number as samples. */
function play(...quanta: [tick: number, kind: number][]): void {
  for (const [tick, kind] of quanta) {
    playQuantum(segment, 1, { position, tick, kind, value: tick });
    position++;
  }
  check.catchUp();
}

describe('the check of the output ring', () => {
  it('finds nothing wrong with ticks in order, across the wrap, with filler between', () => {
    play([-2, content], [-1, concealed], [-1, concealed], [-1, content], [0, content]);
    expect(check).toMatchObject({
      order: 'ok',
      contentQuanta: 3,
      missingQuanta: 0,
      fadedQuanta: 0,
    });
    const hash = createHash('sha256');
    for (const value of [-2, -1, 0]) {
      hash.update(
        new Uint8Array(new Float32Array(segment.layout.quantumSamples).fill(value).buffer),
      );
    }
    expect(check.digest()).toBe(hash.digest('hex'));
  });

  it.each<[string, [number, number][], string, number]>([
    [
      'a tick that is skipped',
      [
        [-2, content],
        [0, content],
      ],
      '1 ticks before 0 are missing',
      1,
    ],
    ['a first tick that is skipped', [[-1, content]], '1 ticks before 4294967295 are missing', 1],
    [
      'a tick that comes twice',
      [
        [-2, content],
        [-2, content],
      ],
      'tick 4294967294 came again',
      0,
    ],
    [
      'filler for what was played',
      [
        [-2, content],
        [-2, concealed],
      ],
      'tick 4294967294 came',
      0,
    ],
    [
      'filler for a later tick',
      [
        [-2, content],
        [0, concealed],
      ],
      '1 ticks before 0',
      1,
    ],
    [
      'sound after the fade',
      [
        [-2, faded],
        [-1, content],
      ],
      'sounds after the fade',
      0,
    ],
  ])('finds %s', (_, quanta, order, missingQuanta) => {
    play(...quanta);
    expect(check.order).toContain(order);
    expect(check.missingQuanta).toBe(missingQuanta);
  });

  it('says when it came too late to see everything, and does not call that lost', () => {
    for (let tick = 0; tick < outputQuanta + 10; tick++) {
      playQuantum(segment, 1, { position: tick, tick: firstTick + tick, kind: content, value: 0 });
    }
    check.catchUp();
    expect(check.complete).toBe(false);
    expect(check.order).toContain('overwritten before they could be checked');
    expect(check.missingQuanta).toBe(0);
  });
});
