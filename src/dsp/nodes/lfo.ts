import type { NodeDefinition } from '../node.js';

export const lfo: NodeDefinition = {
  type: 'lfo',
  summary: 'A slow wave from -1 to 1, for modulation.',
  ports: [
    {
      name: 'freq',
      summary: 'How often it goes round.',
      unit: 'Hz',
      min: 0,
      max: 1000,
      default: 1,
      smoothingMs: 10,
    },
    {
      name: 'phase',
      summary: 'Where in the turn it starts; with `spread` the voices go one after the other.',
      unit: 'none',
      min: 0,
      max: 1,
      default: 0,
      smoothingMs: 10,
    },
  ],
  options: {
    shape: {
      kind: 'choice',
      choices: ['sine', 'triangle', 'saw', 'square', 'random', 'drift'],
      default: 'sine',
      summary: '`random` takes a new level each turn; `drift` glides from one to the next.',
    },
  },
  lanes: 'widest',
  voices: true,
  variant: 'shape',
  stateBytes: (ctx) => ctx.banks * 64,
  words: (ctx) => [ctx.seed, ctx.lanes],
  kernel: 'k_lfo',
};
