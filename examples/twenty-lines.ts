// A program that makes a patch and plays it: node examples/twenty-lines.ts (Node 22.18 or newer).
import { startEngine } from 'tenuto';
import { compilePatch, parsePatch } from 'tenuto/dsp';
import { loadSettings } from 'tenuto/settings';

const chord = [110, 164.81, 246.94, 277.18];
const voices = chord.map(
  (hertz, i) => `
  tone${i}: { type: osc, shape: triangle, freq: ${hertz} }
  swell${i}: { type: lfo, freq: ${0.07 + 0.04 * i} }
  voice${i}: { type: gain, in: tone${i}, gain: { from: swell${i}, amount: 0.1, offset: 0.1 } }`,
);
const mix = chord.map((_, i) => `in${i + 1}: voice${i}`).join(', ');
const text = `nodes:${voices.join('')}\n  all: { type: mix, ${mix} }\n  out: { type: out, in: all }`;

const settings = loadSettings({ env: process.env, flags: { name: 'twenty-lines' } });
const { rateHz: rate, quantumFrames: quantum, channels } = settings.engine;
const patch = compilePatch(parsePatch(text, 'chord'), { rate, quantum, channels });
const seconds = Number(process.argv[2] ?? 20);
const engine = await startEngine({ settings, patch, seconds });
process.once('SIGINT', () => void engine.stop());
await engine.ended;
