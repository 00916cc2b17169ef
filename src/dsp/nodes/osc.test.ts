import { describe, expect, it } from 'vitest';
import { db, fourier, listen, peak, rate, spectrum } from '../../../test/kit/dsp-listening.js';

const frames = 1 << 15;
/** Nearly `hz`, and a whole odd number of turns in `frames`, so that harmonics fall on bins. */
const onBin = (hz: number) => 2 * Math.round((hz * frames) / rate / 2) + 1;
const hzOf = (bin: number) => (bin * rate) / frames;

function play(shape: string, hz: number, more = ''): Float64Array {
  const node = `  osc: { type: osc, shape: ${shape}, freq: ${hz}${more} }`;
  return listen(node, { frames, last: 'osc' }).left;
}

/** The strongest bin below 19 kHz that is no harmonic, over the fundamental, in dB. */
function worstAlias(lines: Float64Array, bin: number): number {
  let worst = 0;
  for (let i = 1; hzOf(i) < 19_000; i++) {
    if (i % bin !== 0) worst = Math.max(worst, lines[i]!);
  }
  return db(worst / lines[bin]!);
}

/** The n-th harmonic of each wave, from its Fourier series. */
const series: Record<string, (n: number) => number> = {
  saw: (n) => 2 / (Math.PI * n),
  square: (n) => (n % 2) * (4 / (Math.PI * n)),
  triangle: (n) => (n % 2) * (8 / (Math.PI * n) ** 2),
};

describe('osc', () => {
  it.each(['sine', 'saw', 'square', 'triangle'])('tunes a %s to a tenth of a cent', (shape) => {
    for (const hz of [55, 440, 3520]) {
      const x = listen(`  osc: { type: osc, shape: ${shape}, freq: ${hz} }`, {
        frames: 4 * rate,
        last: 'osc',
      }).left;
      const [early, late] = [x.subarray(0, rate), x.subarray(3 * rate)].map((part) => {
        const { re, im } = fourier(Float64Array.from(part), hz / rate);
        return Math.atan2(im, re);
      });
      const drift = Math.atan2(Math.sin(late! - early!), Math.cos(late! - early!));
      // Phase lost or won in three seconds.
      const cents = (1200 / Math.LN2) * Math.log1p(drift / (2 * Math.PI * 3 * hz));
      expect(Math.abs(cents)).toBeLessThan(0.1);
    }
  });

  it.each(['saw', 'square', 'triangle'])('keeps the aliases of a %s down', (shape) => {
    for (const hz of [110, 440, 1245, 2637, 4186, 7000, 9000]) {
      const bin = onBin(hz);
      const lines = spectrum(play(shape, hzOf(bin)));
      expect(worstAlias(lines, bin)).toBeLessThan(-64);
    }
  });

  it.each(['saw', 'square', 'triangle'])('gives a %s its harmonics', (shape) => {
    const bin = onBin(220);
    const lines = spectrum(play(shape, hzOf(bin)));
    for (let n = 1; n * hzOf(bin) < 12_000; n++) {
      const want = series[shape]!(n);
      if (want === 0) expect(db(lines[n * bin]!)).toBeLessThan(-80);
      else expect(Math.abs(db(lines[n * bin]! / want))).toBeLessThan(1);
    }
  });

  it('gives a sine no harmonics', () => {
    const bin = onBin(997);
    const lines = spectrum(play('sine', hzOf(bin)));
    expect(lines[bin]).toBeCloseTo(1, 5);
    lines[bin] = 0;
    expect(db(peak(lines))).toBeLessThan(-125);
  });

  it('sets the width of a square', () => {
    const bin = onBin(220);
    const lines = spectrum(play('square', hzOf(bin), ', width: 0.2'));
    for (let n = 1; n < 20; n++) {
      const want = (4 / (Math.PI * n)) * Math.abs(Math.sin(Math.PI * n * 0.2));
      if (want < 1e-6) expect(db(lines[n * bin]!)).toBeLessThan(-70);
      else expect(Math.abs(db(lines[n * bin]! / want))).toBeLessThan(0.5);
    }
    // The mean, of which bin 0 shows twice: up for a fifth of the turn, down for the rest.
    expect(lines[0]! / 2).toBeCloseTo(0.6, 3);
  });

  it('sounds the same whether its ports hold still or move', () => {
    let worst = 0;
    for (const [shape, idle] of [
      ['saw', 'width'],
      ['triangle', 'width'],
    ]) {
      for (const hz of [33.3, 1234.5, 7777.7, -500]) {
        const nodes = `  lfo: { type: lfo, freq: 5 }
  osc: { type: osc, shape: ${shape}, freq: ${hz}, ${idle}: { from: lfo, amount: 0.1, offset: 0.5 } }`;
        const moving = listen(nodes, { frames: 9600, last: 'osc' }).left;
        const still = play(shape!, hz);
        // Both work out the distance to an edge, one of them in single precision alone.
        for (let i = 0; i < 9600; i++) worst = Math.max(worst, Math.abs(moving[i]! - still[i]!));
      }
    }
    expect(worst).toBeLessThan(1e-4);
  });

  it('adds detune and phase', () => {
    const plain = play('sine', 440 * 2 ** (7 / 12));
    const detuned = play('sine', 440, ', detune: 700');
    const turned = play('sine', 440, ', detune: 700, phase: 0.25');
    for (let i = 0; i < 4800; i += 7) {
      expect(detuned[i]).toBeCloseTo(plain[i]!, 3);
      expect(turned[i]! ** 2 + detuned[i]! ** 2).toBeCloseTo(1, 5);
    }
  });

  it('bends its pitch with every frame: sidebands are Bessel functions of the index', () => {
    const [carrier, modulator] = [onBin(3000), onBin(300)];
    const nodes = `  mod: { type: osc, freq: ${hzOf(modulator)} }
  osc: { type: osc, freq: { from: mod, amount: ${hzOf(modulator)}, offset: ${hzOf(carrier)} } }`;
    const lines = spectrum(listen(nodes, { frames, last: 'osc' }).left);
    // J0(1), J1(1), J2(1); Abramowitz and Stegun, table 9.1.
    [0.76519769, 0.44005059, 0.11490348].forEach((want, order) => {
      expect(lines[carrier + order * modulator]).toBeCloseTo(want, 3);
      expect(lines[carrier - order * modulator]).toBeCloseTo(want, 3);
    });
  });
});
