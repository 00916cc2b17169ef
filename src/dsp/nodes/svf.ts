import { type NodeDefinition, signalPort } from '../node.js';

export const svf: NodeDefinition = {
  type: 'svf',
  summary: 'A two-pole state-variable filter that stays calm however fast its cutoff moves.',
  ports: [
    signalPort('in', 'The sound.'),
    {
      name: 'cutoff',
      summary: 'Where the filter turns; held below 0.49 of the rate.',
      unit: 'Hz',
      min: 1,
      max: 96_000,
      default: 1000,
      smoothingMs: 10,
    },
    {
      name: 'resonance',
      summary: 'How much it rings there: 0 not at all, 1 for a Q of 50.',
      unit: 'none',
      min: 0,
      max: 1,
      default: 0.3,
      smoothingMs: 10,
    },
  ],
  options: {
    mode: {
      kind: 'choice',
      choices: ['lowpass', 'bandpass', 'highpass', 'notch'],
      default: 'lowpass',
      summary: 'What passes; a band passes with its centre at 0 dB.',
    },
  },
  lanes: 'widest',
  variant: 'mode',
  stateBytes: (ctx) => ctx.banks * 32,
  kernel: 'k_svf',
};
