import { type NodeDefinition, signalPort } from '../node.js';

export const drive: NodeDefinition = {
  type: 'drive',
  summary: 'Soft clipping without harsh aliases, from warm to torn.',
  ports: [
    signalPort('in', 'The sound.'),
    {
      name: 'drive',
      summary: 'How hard the sound is pushed against full scale.',
      unit: 'dB',
      min: -24,
      max: 60,
      default: 12,
      smoothingMs: 10,
    },
    {
      name: 'mix',
      summary: '0 is the sound alone, 1 the driven sound alone.',
      unit: 'none',
      min: 0,
      max: 1,
      default: 1,
      smoothingMs: 10,
    },
    {
      name: 'output',
      summary: 'The level of what comes out.',
      unit: 'dB',
      min: -60,
      max: 24,
      default: 0,
      smoothingMs: 10,
    },
  ],
  lanes: 'widest',
  stateBytes: (ctx) => ctx.banks * 64,
  kernel: 'k_drive',
};
