import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameAccount } from './frame-account.js';

describe('the books of a stream', () => {
  it('agree with a stream of the same rate, frame by frame', () => {
    const account = new FrameAccount(1);
    account.take(100);
    account.push(60);
    expect(account.played(60)).toBe(0);
    expect(account.played(10)).toBe(50);
    account.push(40);
    account.endRun();
    expect(account.played(0)).toBe(100);
  });

  it('count frames of the client, whatever the engine makes of them', () => {
    const account = new FrameAccount(48_000 / 44_100);
    account.take(44_100);
    account.push(47_000);
    expect(account.played(23_500)).toBe(Math.floor((23_500 * 44_100) / 48_000));
    account.push(1000);
    account.endRun();
    expect(account.played(1)).toBeLessThan(44_100);
    expect(account.played(0)).toBe(44_100);
  });

  it('know a run that was too short to become a frame', () => {
    const account = new FrameAccount(1 / 6);
    account.take(1);
    account.endRun();
    expect(account.played(0)).toBe(1);
  });

  const steps = fc.array(
    fc.record({
      act: fc.constantFrom('write', 'play', 'end', 'flush', 'tidy'),
      frames: fc.integer({ min: 1, max: 500 }),
    }),
    { maxLength: 60 },
  );

  it('never count a frame twice, backwards, or not at all', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(1, 2, 48_000 / 44_100, 1 / 6), (list, ratio) => {
        const account = new FrameAccount(ratio);
        let waiting = 0;
        let before = 0;
        /** Frames of the run, and what it has become so far. */
        let run = { frames: 0, pushed: 0 };
        const push = (total: number) => {
          account.push(total - run.pushed);
          waiting += total - run.pushed;
          run.pushed = total;
        };
        for (const { act, frames } of list) {
          if (act === 'write') {
            account.take(frames);
            run.frames += frames;
            // What a filter still holds comes later.
            push(Math.max(run.pushed, Math.floor((run.frames - 30) * ratio)));
          } else if (act === 'end') {
            push(Math.round(run.frames * ratio));
            account.endRun();
            run = { frames: 0, pushed: 0 };
          } else if (act === 'play') waiting = Math.max(0, waiting - frames);
          else if (act === 'tidy') account.tidy(waiting);
          else {
            account.flush(waiting);
            waiting = 0;
            run = { frames: 0, pushed: 0 };
          }
          const played = account.played(waiting);
          expect(played).toBeGreaterThanOrEqual(before);
          expect(played + account.flushed).toBeLessThanOrEqual(account.written);
          before = played;
        }
        push(Math.round(run.frames * ratio));
        account.endRun();
        expect(account.played(0) + account.flushed).toBe(account.written);
      }),
    );
  });
});
