import type { NodeDefinition } from '../node.js';

export const osc: NodeDefinition = {
  type: 'osc',
  summary: 'A band-limited oscillator, tuned to the frame and modulated as fast as you like.',
  ports: [
    {
      name: 'freq',
      summary: 'The pitch; negative runs backwards, so frequency modulation may pass through 0.',
      unit: 'Hz',
      min: -96_000,
      max: 96_000,
      default: 440,
      smoothingMs: 5,
    },
    {
      name: 'detune',
      summary: 'Added to the pitch, 100 for a semitone.',
      unit: 'cents',
      min: -12_000,
      max: 12_000,
      default: 0,
      smoothingMs: 5,
    },
    {
      name: 'phase',
      summary: 'Turns added to the phase: where voices start, or phase modulation.',
      unit: 'none',
      min: -1000,
      max: 1000,
      default: 0,
      smoothingMs: 10,
    },
    {
      name: 'width',
      summary: 'The share of the turn for which a square is up.',
      unit: 'none',
      min: 0.01,
      max: 0.99,
      default: 0.5,
      smoothingMs: 10,
    },
  ],
  options: {
    shape: {
      kind: 'choice',
      choices: ['sine', 'saw', 'square', 'triangle'],
      default: 'sine',
      summary: 'The wave.',
    },
  },
  lanes: 'widest',
  voices: true,
  variant: 'shape',
  stateBytes: (ctx) => ctx.banks * 16,
  kernel: 'k_osc',
};
