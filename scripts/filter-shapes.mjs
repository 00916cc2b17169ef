/**
 * Designs the shapes of the sharp filters of rate conversion and writes `src/pcm/filter-shapes.ts`:
 *
 *   node scripts/filter-shapes.mjs
 *
 * A shape is h(t) = sum of c[k] (cos(pi k t / half) - (-1)^k) for |t| < half, t in frames of the
 * slower of both rates: it ends at 0 without a corner, so that what it lets through falls by 18 dB
 * an octave far from the band. The c[k] are those whose largest weighted error is least, found by
 * C. L. Lawson's repeated least squares (1961). A window with the same stop band would be half as
 * long again: its pass band is as exact as its stop band, a thousand times better than asked for.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Frames of half the filter; what the pass band's error weighs against the stop band's. */
const wanted = {
  music: { half: 60, passWeight: 1e-3 },
  mastering: { half: 78, passWeight: 1e-3 },
};
/** In cycles per frame: 20 kHz at 44.1 kHz, and half the rate. */
const passEnd = (0.5 * 20_000) / 22_050;
const stopBegin = 0.5;
const rounds = 200;

/** Frequencies with what is wanted there and what an error there weighs. */
function gridOf(half, passWeight) {
  const step = 1 / (16 * half);
  const grid = [
    // Every row is scaled to pass a constant unchanged, and would take the rest of the band along.
    { hz: 0, gain: 1, weight: 100 * passWeight },
    { hz: passEnd, gain: 1, weight: passWeight },
  ];
  const add = (from, to, stepHz, gain, weight) => {
    for (let hz = from; hz < to; hz += stepHz) grid.push({ hz, gain, weight });
  };
  add(step, passEnd, step, 1, passWeight);
  // All images fall upon each other in the output: the far ones, which are many, weigh more.
  add(stopBegin, 1.5, step, 0, 1);
  add(1.5, 4, 2.03 * step, 0, 2);
  add(4, 24, 4.07 * step, 0, 4);
  return grid;
}

const sinc = (x) => (Math.abs(x) < 1e-9 ? 1 : Math.sin(x) / x);

/** The transform of each term at one frequency. */
function responses(hz, half, terms) {
  const w = 2 * Math.PI * hz;
  const flat = 2 * half * sinc(w * half);
  return Float64Array.from({ length: terms }, (_, i) => {
    const k = i + 1;
    const wk = (Math.PI * k) / half;
    const wave = half * (sinc((w + wk) * half) + sinc((w - wk) * half));
    return wave - (k % 2 === 0 ? flat : -flat);
  });
}

/** Least squares by the normal equations, which Cholesky's way solves. */
function solve(grid, rows, weights, terms) {
  const matrix = Array.from({ length: terms }, () => new Float64Array(terms));
  const right = new Float64Array(terms);
  for (const [at, row] of rows.entries()) {
    const weight = weights[at] * grid[at].weight ** 2;
    for (let i = 0; i < terms; i++) {
      right[i] += weight * grid[at].gain * row[i];
      for (let j = 0; j <= i; j++) matrix[i][j] += weight * row[i] * row[j];
    }
  }
  for (let i = 0; i < terms; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i][j];
      for (let k = 0; k < j; k++) sum -= matrix[i][k] * matrix[j][k];
      matrix[i][j] = i === j ? Math.sqrt(sum) : sum / matrix[j][j];
    }
  }
  for (let i = 0; i < terms; i++) {
    for (let k = 0; k < i; k++) right[i] -= matrix[i][k] * right[k];
    right[i] /= matrix[i][i];
  }
  for (let i = terms - 1; i >= 0; i--) {
    for (let k = i + 1; k < terms; k++) right[i] -= matrix[k][i] * right[k];
    right[i] /= matrix[i][i];
  }
  return right;
}

function design({ half, passWeight }) {
  const terms = half + 6;
  const grid = gridOf(half, passWeight);
  const rows = grid.map(({ hz }) => responses(hz, half, terms));
  const weights = new Float64Array(grid.length).fill(1 / grid.length);
  let best = { error: Number.POSITIVE_INFINITY };
  for (let round = 0; round < rounds; round++) {
    const shape = solve(grid, rows, weights, terms);
    const errors = rows.map((row, at) => {
      const gain = row.reduce((sum, value, i) => sum + value * shape[i], 0);
      return Math.abs(gain - grid[at].gain) * grid[at].weight;
    });
    const error = Math.max(...errors);
    if (error < best.error) best = { error, shape };
    // Where it is worst, it counts more the next time.
    for (const [at, value] of errors.entries()) weights[at] *= Math.max(value / error, 1e-3);
    const sum = weights.reduce((a, b) => a + b);
    for (const at of weights.keys()) weights[at] /= sum;
  }
  const stopDb = 20 * Math.log10(best.error);
  const passDb = 20 * Math.log10(1 + best.error / passWeight);
  return { half, stopDb, passDb, shape: Array.from(best.shape, (value) => value.toFixed(14)) };
}

const parts = [
  '// Written by scripts/filter-shapes.mjs, which says what it is.',
  '',
  '/** h(t) = sum of terms[k - 1] (cos(pi k t / half) - (-1)^k), |t| < half. */',
  'export interface FilterShape {',
  '  /** Frames, of the slower rate. */',
  '  readonly half: number;',
  '  readonly terms: readonly number[];',
  '}',
];
for (const [name, options] of Object.entries(wanted)) {
  const { half, stopDb, passDb, shape } = design(options);
  console.log(
    `${name}: ${2 * half} frames, ${stopDb.toFixed(2)} dB, within ${passDb.toFixed(5)} dB`,
  );
  parts.push(
    '',
    `/** Stop band ${stopDb.toFixed(1)} dB, pass band within ${passDb.toFixed(4)} dB. */`,
    `export const ${name}Shape: FilterShape = {`,
    `  half: ${half},`,
    '  // biome-ignore format: a line each would be a page',
    '  terms: [',
  );
  for (let i = 0; i < shape.length; i += 4) {
    parts.push(`    ${shape.slice(i, i + 4).join(', ')},`);
  }
  parts.push('  ],', '};');
}
const file = new URL('../src/pcm/filter-shapes.ts', import.meta.url);
writeFileSync(fileURLToPath(file), `${parts.join('\n')}\n`);
