/** Patches and code that are changed while they play: no click, nothing late, and back when bad. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startEngine } from '../dist/client/index.js';
import { compilePatch, parsePatch } from '../dist/dsp/index.js';
import { wavHeaderBytes } from '../dist/media/wav-format.js';
import { benchSettings, whole } from './engines.mjs';
import { median, ms, quantile } from './figures.mjs';

const folder = mkdtempSync(join(tmpdir(), 'tenuto-changes-'));
const level = 0.4;

/** A sine through a node; another name begins anew, and another number is a jump without a fade. */
const sine = (name, freq, more = '') =>
  `nodes: { ${name}: { type: osc, shape: sine, freq: ${freq} }, ` +
  `level: { type: gain, in: ${name}, gain: ${level} }, out: { type: out, in: level }${more} }`;

const patches = [
  sine('one', 220),
  sine('two', 277),
  sine('one', 330),
  sine('two', 247, ', spare: { type: noise }'),
];

const moduleText = (factor, harm = '') => `
import { defineNode, signalPort } from 'tenuto/dsp';
export default defineNode({
  type: 'mine', summary: 'Of a benchmark.', ports: [signalPort('in', 'The sound.')],
  state: ({ lanes }) => lanes + 1,
  process({ inputs, output, state }) {
    state[0] += 1; ${harm}
    output.forEach((out, lane) => {
      for (let i = 0; i < out.length; i++) out[i] = ${factor} * inputs.in[lane][i];
    });
  },
});`;

const withModule =
  'modules: [mine.js]\n' +
  `nodes: { one: { type: osc, shape: sine, freq: 220 }, mine: { type: mine, in: one }, ` +
  `level: { type: gain, in: mine, gain: ${level} }, out: { type: out, in: level } }`;

/** The largest step between neighbouring samples of the left channel. */
function largestStep(path, from) {
  const bytes = readFileSync(path).subarray(wavHeaderBytes(2));
  const samples = new Float32Array(bytes.buffer.slice(bytes.byteOffset), 0, bytes.length >> 2);
  let largest = 0;
  for (let i = from * 2 + 2; i < samples.length; i += 2) {
    largest = Math.max(largest, Math.abs(samples[i] - samples[i - 2]));
  }
  return largest;
}

/** What two sines of this frequency and level at most step by while one fades into the other. */
function allowedStep({ engine, patch }, freq) {
  const own = (level * 2 * Math.PI * freq) / engine.rateHz;
  const fadeFrames = (patch.fadeMs / 1000) * engine.rateHz;
  return own + (1.5 * 2 * level) / fadeFrames;
}

async function play(name, act) {
  const settings = benchSettings(['shutdown.fadeMs=0']);
  const { engine: format } = settings;
  const patch = compilePatch(parsePatch(patches[0], 'bench.yaml'), {
    rate: format.rateHz,
    quantum: format.quantumFrames,
    channels: format.channels,
  });
  const recordPath = join(folder, `${name}.wav`);
  const engine = await startEngine({ settings, patch, recordPath });
  await engine.playing;
  await whole(engine);
  const before = engine.status().counters;
  const tookMs = [];
  await act(engine, tookMs);
  const after = engine.status().counters;
  const late = after.underruns - before.underruns;
  const differing = after.divergences - before.divergences;
  await engine.stop();
  return { settings, tookMs, late, differing, step: largestStep(recordPath, 1000), after };
}

async function timed(tookMs, act) {
  const from = performance.now();
  await act();
  tookMs.push(performance.now() - from);
}

export async function* run({ full }) {
  const count = full ? 200 : 40;
  const codeCount = full ? 50 : 10;
  try {
    const changed = await play('patches', async (engine, tookMs) => {
      for (let i = 1; i <= count; i++) {
        await timed(tookMs, () => engine.loadPatch({ text: patches[i % patches.length] }));
      }
    });
    const allowed = allowedStep(changed.settings, 330);
    yield {
      what: `${count} patch changes while playing`,
      target: 'no step above the fade, 0 late',
      measured: `${changed.step.toFixed(4)} of ${allowed.toFixed(4)}, ${changed.late} underruns`,
      beside: `each ${ms(median(changed.tookMs))} (p99 ${ms(quantile(changed.tookMs, 0.99))})`,
      met: changed.step <= allowed && changed.late === 0 && changed.differing === 0,
    };
    const file = join(folder, 'patch.yaml');
    const write = (text) => writeFileSync(join(folder, 'mine.js'), text);
    const coded = await play('code', async (engine, tookMs) => {
      for (let i = 0; i < codeCount; i++) {
        write(moduleText(1 - (i % 5) / 10));
        await timed(tookMs, () => engine.loadPatch({ file, text: withModule }));
      }
    });
    const codeAllowed = allowedStep(coded.settings, 220);
    yield {
      what: `${codeCount} code changes while playing`,
      target: 'no step above the fade, 0 late',
      measured: `${coded.step.toFixed(4)} of ${codeAllowed.toFixed(4)}, ${coded.late} underruns`,
      beside: `each ${ms(median(coded.tookMs))} (p99 ${ms(quantile(coded.tookMs, 0.99))})`,
      met: coded.step <= codeAllowed && coded.late === 0 && coded.differing === 0,
    };
    yield* broken(file, write);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function* broken(file, write) {
  for (const [what, harm] of [
    ['throws', "if (state[0] > 1500) throw new Error('late');"],
    ['never ends', 'if (state[0] > 1500) for (;;);'],
  ]) {
    let backMs = Number.NaN;
    const { late, step, settings } = await play('broken', async (engine) => {
      write(moduleText(1, harm));
      await engine.loadPatch({ file, text: withModule });
      const from = performance.now();
      while (engine.status().counters.programChanges < 2) {
        if (performance.now() - from > 20_000) return;
        await delay(5);
      }
      backMs = performance.now() - from;
      await whole(engine);
    });
    const allowed = allowedStep(settings, 220) + (2 * level) / (0.005 * settings.engine.rateHz);
    yield {
      what: `code that ${what} after 4 s is withdrawn by itself`,
      target: 'the patch before plays on',
      measured: Number.isNaN(backMs) ? 'it was not' : `after ${ms(backMs)}, ${late} underruns`,
      beside: `largest step ${step.toFixed(4)} (a fall of 5 ms allows ${allowed.toFixed(4)})`,
      met: !Number.isNaN(backMs),
    };
  }
}
