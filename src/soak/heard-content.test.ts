import { describe, expect, it } from 'vitest';
import { FormatConversion } from '../pcm/index.js';
import { accountOf, edgeFrames, findPassages } from './heard-content.js';
import { seededRandom } from './random.js';

const rate = 48_000;

/** Noise without the highest frequencies, as the scenarios play it. */
function noise(frames: number): Float32Array {
  const random = seededRandom(7);
  const signal = new Float32Array(frames);
  const state = [0, 0, 0];
  for (let i = 0; i < frames; i++) {
    let x = random() - 0.5;
    for (let k = 0; k < state.length; k++) x = state[k]! += 0.6 * (x - state[k]!);
    signal[i] = x;
  }
  return signal;
}

const signal = noise(2 * rate);

/** Silence, parts of the signal one after the other, silence. */
function playedBack(...parts: [from: number, to: number][]): Float32Array {
  const silence = new Float32Array(3000);
  const pieces = [silence, ...parts.map(([from, to]) => signal.subarray(from, to)), silence];
  const heard = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    heard.set(piece, at);
    at += piece.length;
  }
  return heard;
}

/** To another rate and back. */
function converted(heard: Float32Array): Float32Array {
  const convert = (samples: Float32Array, from: number, to: number) => {
    const conversion = new FormatConversion({ rate: from, channels: 1 }, { rate: to, channels: 1 });
    return Float32Array.from([...conversion.push(samples), ...conversion.end()]);
  };
  return convert(convert(heard, rate, 44_100), 44_100, rate);
}

const account = (...ears: Float32Array[]) =>
  accountOf(ears.map((heard) => findPassages(signal, heard)));

describe('what was heard', () => {
  it('is found to the frame where the samples are the same', () => {
    const heard = playedBack([500, 40_000]);
    expect(findPassages(signal, heard)).toEqual([
      { heardFrom: 3000, heardTo: 42_500, contentFrom: 500, contentTo: 40_000, isExact: true },
    ]);
    expect(account(heard)).toMatchObject({ lostFrames: 0, repeatedFrames: 0, breaks: [] });
  });

  it.each([1, 7, 128])('tells of %i frames that were dropped', (frames) => {
    const found = account(playedBack([500, 20_000], [20_000 + frames, 40_000]));
    expect(found).toMatchObject({ lostFrames: frames, repeatedFrames: 0, inOrder: true });
    expect(found.breaks).toEqual([{ contentFrame: 20_000 + frames, lost: frames, repeated: 0 }]);
  });

  it.each([1, 128, 3000])('tells of %i frames that were repeated', (frames) => {
    const found = account(playedBack([500, 20_000], [20_000 - frames, 40_000]));
    expect(found).toMatchObject({ lostFrames: 0, repeatedFrames: frames, inOrder: true });
  });

  it('tells of parts in the wrong order', () => {
    const found = account(playedBack([500, 10_000], [20_000, 30_000], [10_000, 20_000]));
    expect(found).toMatchObject({ lostFrames: 0, repeatedFrames: 0, inOrder: false });
  });

  it('adds up over two ears', () => {
    const found = account(
      playedBack([500, 10_000], [20_000, 30_000]),
      playedBack([10_000, 20_000], [30_128, 40_000]),
    );
    expect(found).toMatchObject({ frames: 39_500, lostFrames: 128, repeatedFrames: 0 });
  });
});

describe('what was heard through a conversion of rates', () => {
  it('is found, its edges nearly', () => {
    const [passage, ...more] = findPassages(signal, converted(playedBack([500, 40_000])));
    expect(more).toEqual([]);
    expect(passage?.isExact).toBe(false);
    expect(Math.abs((passage?.contentFrom ?? 0) - 500)).toBeLessThanOrEqual(edgeFrames);
    expect(Math.abs((passage?.contentTo ?? 0) - 40_000)).toBeLessThanOrEqual(edgeFrames);
  });

  it.each([1, 7, 128])('tells of %i frames that were dropped', (frames) => {
    const found = account(converted(playedBack([500, 20_000], [20_000 + frames, 40_000])));
    expect(found).toMatchObject({ lostFrames: frames, repeatedFrames: 0 });
  });

  it.each([1, 128])('tells of %i frames that were repeated', (frames) => {
    const found = account(converted(playedBack([500, 20_000], [20_000 - frames, 40_000])));
    expect(found).toMatchObject({ lostFrames: 0, repeatedFrames: frames });
  });

  it('adds up over two ears, of which one is converted', () => {
    const found = account(
      playedBack([500, 10_000], [20_000, 30_000]),
      converted(playedBack([10_000, 20_000], [30_000, 40_000])),
    );
    expect(found).toMatchObject({ lostFrames: 0, repeatedFrames: 0, inOrder: true });
    const lossy = account(
      playedBack([500, 10_000], [20_000, 30_000]),
      converted(playedBack([10_128, 20_000], [30_000, 40_000])),
    );
    expect(Math.abs(lossy.lostFrames - 128)).toBeLessThanOrEqual(2 * edgeFrames);
  });
});
