/**
 * Draws what rate conversion does, for docs/conversion.md:
 *
 *   node bench/conversion-plots.mjs
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { qualities } from '../dist/pcm/index.js';
import { makeTone } from '../dist/pcm/tone.js';
import { converters, judge } from './conversion-quality.mjs';

const folder = fileURLToPath(new URL('../docs/conversion/', import.meta.url));
const colours = ['#9aa0a6', '#c98500', '#1a73e8', '#188038', '#d93025'];
const size = { width: 720, height: 360, left: 56, right: 16, top: 58, bottom: 44 };

/** A diagram as text: `x` and `y` are { from, to, step, title }, curves { name, points }. */
function draw({ title, x, y, curves }) {
  const { width, height, left, right, top, bottom } = size;
  const placeX = (value) => left + ((value - x.from) / (x.to - x.from)) * (width - left - right);
  const placeY = (value) => {
    const inside = Math.min(y.to, Math.max(y.from, value));
    return height - bottom - ((inside - y.from) / (y.to - y.from)) * (height - top - bottom);
  };
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
      'font-family="sans-serif" font-size="12" fill="#444">',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="20" font-size="14">${title}</text>`,
  ];
  for (let value = x.from; value <= x.to + 1e-9; value += x.step) {
    const at = placeX(value).toFixed(1);
    parts.push(
      `<path d="M${at} ${top}V${height - bottom}" stroke="#ddd"/>`,
      `<text x="${at}" y="${height - bottom + 16}" text-anchor="middle">${round(value)}</text>`,
    );
  }
  for (let value = y.from; value <= y.to + 1e-9; value += y.step) {
    const at = placeY(value);
    parts.push(
      `<path d="M${left} ${at.toFixed(1)}H${width - right}" stroke="#ddd"/>`,
      `<text x="${left - 6}" y="${(at + 4).toFixed(1)}" text-anchor="end">${round(value)}</text>`,
    );
  }
  const middle = (left + width - right) / 2;
  parts.push(`<text x="${middle}" y="${height - 8}" text-anchor="middle">${x.title}</text>`);
  parts.push(`<text x="6" y="${top - 6}">${y.title}</text>`);
  for (const [index, { name, points }] of curves.entries()) {
    const line = points.map(([a, b]) => `${placeX(a).toFixed(1)} ${placeY(b).toFixed(1)}`);
    const colour = colours[index % colours.length];
    parts.push(
      `<path d="M${line.join('L')}" fill="none" stroke="${colour}" stroke-width="1.2"/>`,
      `<text x="${left + 100 * index}" y="38" fill="${colour}">${name}</text>`,
    );
  }
  return `${parts.join('\n')}\n</svg>\n`;
}

const round = (value) => Number(value.toFixed(6));

/** Power of each frequency in decibels against the tone's, by a transform of 2^15 points. */
function spectrum(samples) {
  const points = 1 << 15;
  // H.-H. Albrecht, "A family of cosine-sum windows for high-resolution measurements", 2001:
  // side lobes below -180 dB.
  const terms = [
    0.2712203606, 0.4334446123, 0.21800412, 0.0657853433, 0.0107618673, 0.0007700127, 0.00001368088,
  ];
  const re = new Float64Array(points);
  const im = new Float64Array(points);
  for (let i = 0; i < points; i++) {
    const angle = (2 * Math.PI * i) / points;
    const window = terms.reduce(
      (sum, term, k) => sum + (k % 2 ? -term : term) * Math.cos(k * angle),
      0,
    );
    re[i] = samples[i] * window;
  }
  transform(re, im);
  const power = re.slice(0, points / 2).map((value, i) => value ** 2 + im[i] ** 2);
  const most = power.reduce((a, b) => Math.max(a, b));
  return power.map((value) => 10 * Math.log10(value / most + 1e-22));
}

/** In place, radix 2. */
function transform(re, im) {
  const points = re.length;
  for (let i = 1, j = 0; i < points; i++) {
    let bit = points >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
  }
  for (let span = 2; span <= points; span *= 2) {
    for (let k = 0; k < span / 2; k++) {
      const c = Math.cos((-2 * Math.PI * k) / span);
      const s = Math.sin((-2 * Math.PI * k) / span);
      for (let i = k; i < points; i += span) {
        const j = i + span / 2;
        const x = re[j] * c - im[j] * s;
        const y = re[j] * s + im[j] * c;
        re[j] = re[i] - x;
        im[j] = im[i] - y;
        re[i] += x;
        im[i] += y;
      }
    }
  }
}

const up = { inputRate: 44_100, outputRate: 48_000 };
const down = { inputRate: 48_000, outputRate: 44_100 };

function drawSpectrum() {
  const curves = ['draft', 'voice', 'music', 'mastering'].map((quality) => {
    const convert = converters({ ...up, quality }).frames;
    const levels = spectrum(convert(makeTone(997, up.inputRate, 50_000)).subarray(4000));
    // The loudest of each stretch that the drawing can tell apart.
    const points = [];
    const stretch = 32;
    for (let i = 0; i < levels.length; i += stretch) {
      const level = levels.subarray(i, i + stretch).reduce((a, b) => Math.max(a, b));
      points.push([((i + stretch / 2) / levels.length) * 24, level]);
    }
    return { name: quality, points };
  });
  return draw({
    title: '997 Hz from 44.1 to 48 kHz',
    x: { from: 0, to: 24, step: 4, title: 'kHz' },
    y: { from: -200, to: 0, step: 40, title: 'dB' },
    curves,
  });
}

function drawPassBand() {
  const curves = qualities.map((quality) => {
    const convert = converters({ ...up, quality }).frames;
    const points = [];
    for (let hz = 50; hz < 22_000; hz += 150) {
      points.push([hz / 1000, judge(convert, { hz, ...up, frames: 16_000 }).gainDb]);
    }
    return { name: quality, points };
  });
  return draw({
    title: 'Level from 44.1 to 48 kHz',
    x: { from: 0, to: 22, step: 2, title: 'kHz' },
    y: { from: -0.05, to: 0.01, step: 0.01, title: 'dB' },
    curves,
  });
}

/** For each tone of a sweep, all that comes out and is not that tone. */
function drawAliases(rates, title) {
  const party = (name, quality, which) => {
    const convert = converters({ ...rates, quality })[which];
    const points = [];
    for (let hz = 61; hz < rates.inputRate / 2; hz += 200) {
      points.push([hz / 1000, judge(convert, { hz, ...rates, frames: 16_000 }).residualDb]);
    }
    return { name, points };
  };
  return draw({
    title,
    x: { from: 0, to: 24, step: 4, title: 'kHz of the input' },
    y: { from: -160, to: 0, step: 20, title: 'dB' },
    curves: [
      party('draft', 'draft', 'frames'),
      party('voice', 'voice', 'frames'),
      party('music', 'music', 'frames'),
      party('mastering', 'mastering', 'frames'),
      party('by blocks', 'mastering', 'blocks'),
    ],
  });
}

mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}spectrum.svg`, drawSpectrum());
writeFileSync(`${folder}pass-band.svg`, drawPassBand());
writeFileSync(`${folder}aliases-up.svg`, drawAliases(up, 'Not the tone, 44.1 to 48 kHz'));
writeFileSync(`${folder}aliases-down.svg`, drawAliases(down, 'Not the tone, 48 to 44.1 kHz'));
