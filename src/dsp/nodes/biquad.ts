import { type NodeDefinition, signalPort } from '../node.js';

export const biquad: NodeDefinition = {
  type: 'biquad',
  summary: 'The equaliser filters of the Audio EQ Cookbook.',
  ports: [
    signalPort('in', 'The sound.'),
    {
      name: 'freq',
      summary: 'Corner or centre; held below 0.49 of the rate.',
      unit: 'Hz',
      min: 1,
      max: 96_000,
      default: 1000,
      smoothingMs: 20,
    },
    {
      name: 'q',
      summary: 'The steepness: 0.707 is flat, a shelf overshoots above 0.707.',
      unit: 'none',
      min: 0.05,
      max: 100,
      default: Math.SQRT1_2,
      smoothingMs: 20,
    },
    {
      name: 'gain',
      summary: 'The lift of a peak or shelf.',
      unit: 'dB',
      min: -60,
      max: 60,
      default: 0,
      smoothingMs: 20,
    },
  ],
  options: {
    mode: {
      kind: 'choice',
      choices: ['lowpass', 'highpass', 'bandpass', 'notch', 'peak', 'lowshelf', 'highshelf'],
      default: 'lowpass',
      summary: 'The filter.',
    },
  },
  lanes: 'widest',
  variant: 'mode',
  stateBytes: (ctx) => ctx.banks * 32,
  kernel: 'k_biquad',
};
