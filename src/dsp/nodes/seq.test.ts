import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Player } from '../../../test/kit/patches.js';
import { commandOps } from '../command.js';

/** 120 beats a minute and 4 steps to the beat: a step is 6000 frames at 48 kHz. */
const STEP = 6000;

function sequence(options: string, output: string, text = ''): Player {
  return new Player(`
tempo: 120
nodes:
  s: { type: seq, ${options} }
${text}  out: { type: out, in: s.${output} }
`);
}

/** [frame, value] wherever the sound changes, from the start. */
function changes(sound: Float32Array): [number, number][] {
  return [...sound.entries()].filter(([i, value]) => value !== (i === 0 ? 0 : sound[i - 1]));
}

describe('seq', () => {
  it('opens the gate on the frame of each step that sounds', () => {
    const sound = sequence('pattern: "X.x-", length: 0.5', 'gate').play(230);
    expect(changes(sound)).toEqual([
      [0, 1],
      [3000, 0],
      [2 * STEP, 1],
      [2 * STEP + 9000, 0],
      [4 * STEP, 1],
      [4 * STEP + 3000, 0],
    ]);
  });

  it('gives accents their velocity', () => {
    const sound = sequence('pattern: "Xx", accent: 0.25', 'velocity').play(100);
    expect(changes(sound)).toEqual([
      [0, 1],
      [STEP, 0.25],
      [2 * STEP, 1],
    ]);
  });

  it('takes the notes in turn, each at the pitch of its name', () => {
    const notes = sequence('pattern: "x.xx", notes: [A4, A5, 57, "Bb4"]', 'freq').play(300);
    const pitches = changes(notes).map(([, hz]) => hz);
    expect(pitches).toEqual([440, 880, 220, Math.fround(440 * 2 ** (1 / 12)), 440]);
  });

  it('keeps time for hours, at any tempo', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 30, max: 300 }),
        fc.integer({ min: 1, max: 8 }),
        (bpm, steps) => {
          const player = sequence(
            `pattern: "x", tempo: ${bpm}, steps: ${steps}, length: 0.1`,
            'gate',
          );
          const sound = player.play(1500);
          const starts = changes(sound).flatMap(([frame, value]) => (value === 1 ? [frame] : []));
          starts.forEach((frame, i) => {
            const exact = (i * 60 * 48_000) / (bpm * steps);
            expect(Math.abs(frame - exact)).toBeLessThanOrEqual(1.001);
          });
        },
      ),
      { numRuns: 12 },
    );
  });

  it('delays every other step by the swing', () => {
    const sound = sequence('pattern: "x", swing: 0.5, length: 0.1', 'gate').play(160);
    const starts = changes(sound).flatMap(([frame, value]) => (value === 1 ? [frame] : []));
    expect(starts).toEqual([0, 7500, 12_000, 19_500]);
  });

  it('is the same whether its ports stand still or move', () => {
    const still = sequence('pattern: "x.xX", swing: 0.3, tempo: 133', 'gate').play(400);
    const moving = sequence(
      'pattern: "x.xX", swing: 0.3, tempo: { from: one, amount: 133 }',
      'gate',
      '  one: { type: gain, in: 1 }\n',
    ).play(400);
    const starts = (sound: Float32Array) => changes(sound).map(([frame]) => frame);
    starts(still).forEach((frame, i) => {
      expect(Math.abs(frame - starts(moving)[i]!)).toBeLessThanOrEqual(1);
    });
  });

  it('allots voices in turn, and to a chord as many as it has notes', () => {
    const text = `
tempo: 120
nodes:
  s: { type: seq, voices: 3, pattern: "x", notes: [[A3, A4], A5], length: 0.9 }
  first: { type: gain, in: s.freq, gain: { lanes: [1, 0, 0] } }
  second: { type: gain, in: s.freq, gain: { lanes: [0, 1, 0] } }
  third: { type: gain, in: s.freq, gain: { lanes: [0, 0, 1] } }
  m: { type: mix, in1: VOICE }
  out: { type: out, in: m }
`;
    const pitches = (voice: string) =>
      changes(new Player(text.replace('VOICE', voice)).play(150)).map(([, hz]) => hz);
    // A3 A4 on voices 0 and 1, A5 on 2, and again; before its first note a voice has the first pitch.
    expect(pitches('first')).toEqual([220]);
    expect(pitches('second')).toEqual([440]);
    expect(pitches('third')).toEqual([220, 880]);
  });

  it('plays as many steps as the chance says, and the same ones every time', () => {
    const options = 'pattern: "x", chance: 0.3, steps: 32, length: 0.1';
    const sound = sequence(options, 'gate').play(4000);
    const count = changes(sound).filter(([, value]) => value === 1).length;
    const steps = (4000 * 128) / 750;
    expect(count / steps).toBeGreaterThan(0.2);
    expect(count / steps).toBeLessThan(0.4);
    expect(sequence(options, 'gate').play(4000)).toEqual(sound);
  });

  it('walks through the notes by single steps', () => {
    const options = 'pattern: "x", order: walk, steps: 32, notes: [0, 12, 24, 36, 48]';
    const pitches = changes(sequence(options, 'freq').play(2000)).map(([, hz]) => Math.log2(hz));
    const leaps = pitches.slice(1).map((octave, i) => Math.abs(octave - pitches[i]!));
    expect(pitches.length).toBeGreaterThan(100);
    for (const leap of leaps) expect(leap).toBeCloseTo(1, 3);
    expect(new Set(pitches.map(Math.round)).size).toBe(5);
  });

  it('halts while `run` is closed and goes on where it was', () => {
    const player = sequence('pattern: "x", length: 0.1', 'gate');
    player.send('s.run', commandOps.gate, 0);
    expect(changes(player.play(100))).toEqual([]);
    player.send('s.run', commandOps.gate, 1, { frame: 7 });
    expect(changes(player.play(50))[0]).toEqual([7, 1]);
  });

  it('transposes notes that start', () => {
    const player = sequence('pattern: "x", notes: [A4], steps: 32', 'freq');
    player.play(1);
    player.send('s.transpose', commandOps.gate, 12);
    expect(player.play(20).at(-1)).toBe(880);
  });
});
