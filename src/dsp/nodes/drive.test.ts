import { describe, expect, it } from 'vitest';
import { db, listen, rate, spectrum } from '../../../test/kit/dsp-listening.js';

const frames = 1 << 15;
const hzOf = (bin: number) => (bin * rate) / frames;

function driven(bin: number, text: string, level = 1): Float64Array {
  const { left } = listen(`  drive: { type: drive, in: in, ${text} }`, {
    frames: 2 * frames,
    last: 'drive',
    input: (frame) => level * Math.sin((2 * Math.PI * bin * (frame % frames)) / frames),
  });
  return spectrum(left.slice(frames));
}

/** The curve itself, frame by frame, on the same sine. */
function naive(bin: number, gain: number): Float64Array {
  return spectrum(
    Float64Array.from({ length: frames }, (_, i) => {
      const v = gain * Math.sin((2 * Math.PI * bin * i) / frames);
      return v / Math.sqrt(1 + v * v);
    }),
  );
}

/** The strongest bin below `top` Hz that is no harmonic, over the fundamental, in dB. */
function aliases(lines: Float64Array, bin: number, top: number): number {
  let worst = 0;
  for (let i = 1; hzOf(i) < top; i++) if (i % bin !== 0) worst = Math.max(worst, lines[i]!);
  return db(worst / lines[bin]!);
}

describe('drive', () => {
  it('makes the odd harmonics of its curve, and no even ones', () => {
    const bin = 69;
    for (const gainDb of [0, 12, 24]) {
      const lines = driven(bin, `drive: ${gainDb}`);
      const want = naive(bin, 10 ** (gainDb / 20));
      for (let n = 1; n <= 15; n += 2) {
        expect(Math.abs(db(lines[n * bin]! / want[n * bin]!))).toBeLessThan(0.2);
        expect(db(lines[(n + 1) * bin]!)).toBeLessThan(-110);
      }
    }
  });

  it('keeps aliases down', () => {
    for (const hz of [1000, 2000, 4000]) {
      const bin = 2 * Math.round((hz * frames) / rate / 2) + 1;
      const lines = driven(bin, 'drive: 20');
      const bare = naive(bin, 10);
      expect(aliases(lines, bin, 5000)).toBeLessThan(aliases(bare, bin, 5000) - 18);
      expect(aliases(lines, bin, 16_000)).toBeLessThan(aliases(bare, bin, 16_000) - 4);
    }
  });

  it('leaves the dry sound its spectrum, and the driven one nearly', () => {
    for (const hz of [100, 1000, 5000, 10_000]) {
      const bin = Math.round((hz * frames) / rate);
      expect(Math.abs(db(driven(bin, 'mix: 0, drive: 40')[bin]!))).toBeLessThan(0.01);
      const soft = driven(bin, 'drive: 0', 0.01)[bin]! / 0.01;
      expect(Math.abs(db(soft))).toBeLessThan(0.4);
    }
  });

  it('sets the level of what comes out', () => {
    const [plain, less] = [driven(69, 'drive: 6'), driven(69, 'drive: 6, output: -12')];
    expect(db(less[69]! / plain[69]!)).toBeCloseTo(-12, 3);
  });
});
