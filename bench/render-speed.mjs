/**
 * How fast Tenuto renders, beside scsynth, csound and node-web-audio-api, in one run on one core
 * each. Prints multiples of real time, and Tenuto's as ratios of the others.
 *
 *   npm run build && node bench/render-speed.mjs [--seconds N] [--json]
 *
 * Needs `apt-get install -y supercollider-server csound` and `npm install --prefix bench`; a peer
 * that is missing is named, and the exit status is 1. `NODE_PATH` is searched too.
 *
 * What is compared, 48 kHz, quanta of 128 frames, 32-bit float, stereo out:
 *
 * (a) 256 voices: a band-limited saw (55..880 Hz, each voice its own) into a resonant two-pole
 *     low-pass (400..4000 Hz, Q near 1.5), all summed.
 *       tenuto   osc shape saw (6-point PolyBLEP) > svf > mix
 *       scsynth  Saw > RLPF > Sum4 tree, all in one SynthDef: one synth for each voice was slower
 *       csound   vco2 > rbjeq mode 0, one instance of the instrument for each voice
 *       web      OscillatorNode sawtooth > BiquadFilterNode lowpass > GainNode
 * (b) A stereo chain of 32 effects, eight times {low-pass, peak, drive, delay}, fed by one saw.
 *       tenuto   svf > biquad peak > drive > delay (feedback 0.3, mix 0.3, cubic interpolation)
 *       scsynth  RLPF > BPeakEQ > tanh > CombC + dry, for left and right
 *       csound   rbjeq > rbjeq mode 8 > tanh > flanger + dry (interpolates by a straight line)
 *       web      BiquadFilter > BiquadFilter peaking > WaveShaper > Delay with a feedback Gain
 *     Tenuto's drive is antialiased, the others' are not (the WaveShaper's oversampling is off), so
 *     they have the easier work.
 *
 * The time is processor time, not the clock's, so that other programs on the machine disturb
 * little. It is the difference between a long and a short rendering, which leaves out starting,
 * loading and compiling on all sides; the best of three counts. The peers run in their fast
 * off-line modes and write float WAV files (web: an AudioBuffer), Tenuto into its output buffer.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compilePatch, parsePatch } from '../dist/dsp/compiler.js';
import { Renderer } from '../dist/dsp/renderer.js';
import { SynthDef, score } from './scsynth-score.mjs';

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(flags.seconds);
const shortSeconds = 1;
const repeats = 3;
const rate = 48_000;
const quantum = 128;
const voices = 256;
const groups = 8;
const delaySec = 0.10001;

const spread = (low, high, i) => low + ((high - low) * i) / (voices - 1);
const freqHz = (i) => spread(55, 880, i);
const cutoffHz = (i) => spread(400, 4000, i);
/** svf resonance for k = 2 - 1.98 r = 1 / 1.5. */
const resonance = (2 - 1 / 1.5) / 1.98;

// ---- tenuto

function voicesPatch() {
  return `nodes:
  osc: { type: osc, shape: saw, voices: ${voices}, freq: { spread: [55, 880] } }
  svf: { type: svf, in: osc, cutoff: { spread: [400, 4000] }, resonance: ${resonance} }
  mix: { type: mix, in1: svf, gain1: 0.01 }
  out: { type: out, in: mix }
`;
}

function chainPatch() {
  const effects = [
    'type: svf, cutoff: 4000, resonance: 0.3',
    'type: biquad, mode: peak, freq: 1000, q: 1, gain: 1',
    'type: drive, drive: 3',
    `type: delay, time: ${delaySec}, feedback: 0.3, mix: 0.3`,
  ];
  const chain = Array.from(
    { length: groups * 4 },
    (_, i) => `  e${i + 1}: { ${effects[i % 4]}, in: e${i} }\n`,
  );
  return `nodes:
  osc: { type: osc, shape: saw, freq: 110 }
  e0: { type: pan, in: osc, position: 0.1 }
${chain.join('')}  out: { type: out, in: e${groups * 4} }
`;
}

function tenutoSeconds(text) {
  const patch = parsePatch(text, 'bench');
  const { program } = compilePatch(patch, { rate, quantum, channels: 2 });
  const renderer = new Renderer(program, { streams: [], assets: [] });
  // The just-in-time compiler does its work here.
  for (let i = 0; i < 2000; i++) renderer.render();
  const quanta = Math.round((seconds * rate) / quantum);
  const start = process.cpuUsage();
  for (let i = 0; i < quanta; i++) renderer.render();
  const { user, system } = process.cpuUsage(start);
  const peak = renderer.output.reduce((top, sample) => Math.max(top, Math.abs(sample)), 0);
  if (!(peak > 1e-3)) throw new Error('the patch is silent');
  return (user + system) / 1e6 / seconds;
}

// ---- programs

const folder = mkdtempSync(join(tmpdir(), 'tenuto-bench-'));

/** Processor seconds of a command, by the shell's own account of its children. */
function commandSeconds(command, args) {
  const script = 'exec 3>&1; "$@" >/dev/null 2>&1 || exit 9; times >&3';
  const done = spawnSync('sh', ['-c', script, 'sh', command, ...args], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')} failed`);
  const [, children] = done.stdout.trim().split('\n');
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, rest]) => sum + 60 * Number(minutes) + Number(rest),
    0,
  );
}

/** The steady cost of a second of sound. */
function slope(secondsFor) {
  return (secondsFor(seconds) - secondsFor(shortSeconds)) / (seconds - shortSeconds);
}

/** Refuses a comparison with silence: reads the last second of a float WAV file. */
function assertSounds(file) {
  const bytes = readFileSync(file);
  const tail = bytes.subarray(bytes.length - rate * 4);
  let peak = 0;
  for (let at = 0; at + 4 <= tail.length; at += 4) {
    peak = Math.max(peak, Math.abs(tail.readFloatLE(at)));
  }
  if (!(peak > 1e-3 && peak < 1e3)) throw new Error(`${file} is silent or broken (${peak})`);
}

function scsynthSeconds(definitions) {
  const out = join(folder, 'sc.wav');
  const cost = slope((length) => {
    const file = join(folder, `score-${length}.osc`);
    writeFileSync(file, score(definitions, length));
    const format = [String(rate), 'WAV', 'float'];
    const options = ['-z', String(quantum), '-o', '2', '-w', '4096', '-m', '262144'];
    return commandSeconds('scsynth', ['-N', file, '_', out, ...format, ...options]);
  });
  assertSounds(out);
  return cost;
}

function scsynthVoices() {
  const def = new SynthDef('voices');
  const filtered = Array.from({ length: voices }, (_, i) =>
    // RLPF takes 1 / Q.
    def.ugen('RLPF', [def.ugen('Saw', [freqHz(i)]), cutoffHz(i), 1 / 1.5]),
  );
  const sum = def.mul(def.sum(filtered), 0.01);
  def.out([sum, sum]);
  return scsynthSeconds([def]);
}

function scsynthChain() {
  const def = new SynthDef('chain');
  const saw = def.ugen('Saw', [110]);
  const sides = [0.9, 1].map((level) => {
    let x = def.mul(saw, level);
    for (let i = 0; i < groups; i++) {
      x = def.ugen('RLPF', [x, 4000, 0.7]);
      x = def.ugen('BPeakEQ', [x, 1000, 1, 1]);
      x = def.tanh(def.mul(x, 1.41));
      // A decay of log(0.001) / log(0.3) rounds is a feedback of 0.3.
      const wet = def.ugen('CombC', [x, 0.2, delaySec, delaySec * 5.737]);
      x = def.mulAdd(wet, 0.3, def.mul(x, 0.7));
    }
    return x;
  });
  def.out(sides);
  return scsynthSeconds([def]);
}

function csoundSeconds(instruments, events) {
  const out = join(folder, 'cs.wav');
  const cost = slope((length) => {
    const file = join(folder, `bench-${length}.csd`);
    const header = `sr = ${rate}\nksmps = ${quantum}\nnchnls = 2\n0dbfs = 1\n`;
    const body = `<CsInstruments>\n${header}${instruments}</CsInstruments>`;
    const notes = events(length).join('\n');
    writeFileSync(
      file,
      `<CsoundSynthesizer>\n${body}\n<CsScore>\n${notes}\ne\n</CsScore>\n</CsoundSynthesizer>\n`,
    );
    return commandSeconds('csound', ['-d', '-m0', '-W', '-f', '-o', out, file]);
  });
  assertSounds(out);
  return cost;
}

function csoundVoices() {
  const instrument = `instr 1
  aSaw vco2 0.01, p4
  aLow rbjeq aSaw, p5, 1, 1.5, 1, 0
  outs aLow, aLow
endin
`;
  return csoundSeconds(instrument, (length) =>
    Array.from({ length: voices }, (_, i) => `i 1 0 ${length} ${freqHz(i)} ${cutoffHz(i)}`),
  );
}

function csoundChain() {
  const group = (a) => `  ${a} rbjeq ${a}, 4000, 1, 1.43, 1, 0
  ${a} rbjeq ${a}, 1000, 1.12, 1, 1, 8
  ${a} = tanh(${a} * 1.41)
  aWet flanger ${a}, aTime, 0.3, 0.2
  ${a} = ${a} * 0.7 + aWet * 0.3
`;
  const instrument = `instr 1
  aTime = ${delaySec}
  aSaw vco2 1, 110
  aL = aSaw * 0.9
  aR = aSaw
${Array.from({ length: groups }, () => group('aL') + group('aR')).join('')}  outs aL, aR
endin
`;
  return csoundSeconds(instrument, (length) => [`i 1 0 ${length}`]);
}

// ---- web audio

async function webSeconds(web, build) {
  const once = async (length) => {
    const context = new web.OfflineAudioContext(2, length * rate, rate);
    build(context);
    const start = process.cpuUsage();
    const buffer = await context.startRendering();
    const { user, system } = process.cpuUsage(start);
    const samples = buffer.getChannelData(0).subarray(-rate);
    const peak = samples.reduce((top, sample) => Math.max(top, Math.abs(sample)), 0);
    if (!(peak > 1e-3)) throw new Error('the web audio graph is silent');
    return (user + system) / 1e6;
  };
  const short = await once(shortSeconds);
  return ((await once(seconds)) - short) / (seconds - shortSeconds);
}

function webVoices(context) {
  const sum = context.createGain();
  sum.gain.value = 0.01;
  sum.connect(context.destination);
  for (let i = 0; i < voices; i++) {
    const saw = context.createOscillator();
    saw.type = 'sawtooth';
    saw.frequency.value = freqHz(i);
    const low = context.createBiquadFilter();
    low.type = 'lowpass';
    low.frequency.value = cutoffHz(i);
    // Web Audio gives the low-pass's Q in decibels.
    low.Q.value = 20 * Math.log10(1.5);
    saw.connect(low).connect(sum);
    saw.start();
  }
}

function webChain(context) {
  const saw = context.createOscillator();
  saw.type = 'sawtooth';
  saw.frequency.value = 110;
  const pan = context.createStereoPanner();
  pan.pan.value = 0.1;
  let x = saw.connect(pan);
  const curve = Float32Array.from({ length: 2049 }, (_, i) => Math.tanh(1.41 * (i / 1024 - 1)));
  for (let i = 0; i < groups; i++) {
    const low = context.createBiquadFilter();
    low.frequency.value = 4000;
    const peak = context.createBiquadFilter();
    peak.type = 'peaking';
    peak.gain.value = 1;
    const drive = context.createWaveShaper();
    drive.curve = curve;
    const delay = context.createDelay(0.2);
    delay.delayTime.value = delaySec;
    const feedback = context.createGain();
    feedback.gain.value = 0.3;
    const [dry, wet, sum] = [0.7, 0.3, 1].map((level) => {
      const gain = context.createGain();
      gain.gain.value = level;
      return gain;
    });
    x.connect(low).connect(peak).connect(drive);
    drive.connect(dry).connect(sum);
    drive.connect(delay).connect(wet).connect(sum);
    delay.connect(feedback).connect(delay);
    x = sum;
  }
  x.connect(context.destination);
  saw.start();
}

function loadWeb() {
  try {
    return createRequire(import.meta.url)('node-web-audio-api');
  } catch {
    return undefined;
  }
}

// ---- the table

function has(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

async function best(measure) {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repeats; i++) least = Math.min(least, await measure());
  return 1 / least;
}

const web = loadWeb();
const missing = [];
if (!has('scsynth')) missing.push('scsynth: apt-get install -y supercollider-server');
if (!has('csound')) missing.push('csound: apt-get install -y csound');
if (!web) missing.push('node-web-audio-api: npm install --prefix bench');

async function row(name, patch, peers) {
  const tenuto = await best(() => tenutoSeconds(patch));
  const result = { name, tenuto };
  for (const [peer, isThere, measure] of peers) {
    if (isThere) result[peer] = await best(measure);
  }
  return result;
}

function print(rows) {
  const peers = ['scsynth', 'csound', 'web'];
  const cell = (value) => (value === undefined ? '-' : `${value.toFixed(1)}x`).padStart(10);
  const title = ['tenuto', ...peers, ...peers.map((peer) => `/${peer}`)];
  console.log(`${' '.repeat(24)}${title.map((text) => text.padStart(10)).join('')}`);
  for (const result of rows) {
    const speeds = ['tenuto', ...peers].map((peer) => cell(result[peer]));
    const ratios = peers.map((peer) => cell(result[peer] && result.tenuto / result[peer]));
    console.log(`${result.name.padEnd(24)}${[...speeds, ...ratios].join('')}`);
  }
  console.log('multiples of real time on one core; /peer: how many times as fast tenuto is');
}

try {
  const graph = (build) => () => webSeconds(web, build);
  const rows = [
    await row(`${voices} voices saw + filter`, voicesPatch(), [
      ['scsynth', has('scsynth'), scsynthVoices],
      ['csound', has('csound'), csoundVoices],
      ['web', web !== undefined, graph(webVoices)],
    ]),
    await row(`chain of ${groups * 4} effects`, chainPatch(), [
      ['scsynth', has('scsynth'), scsynthChain],
      ['csound', has('csound'), csoundChain],
      ['web', web !== undefined, graph(webChain)],
    ]),
  ];
  if (flags.json) console.log(JSON.stringify({ v: 1, seconds, rows }));
  else print(rows);
  for (const line of missing) console.error(`missing ${line}`);
  process.exitCode = missing.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
