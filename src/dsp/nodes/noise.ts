import type { NodeDefinition } from '../node.js';

export const noise: NodeDefinition = {
  type: 'noise',
  summary: 'Noise, different in every voice and the same in every run.',
  ports: [],
  options: {
    color: {
      kind: 'choice',
      choices: ['white', 'pink'],
      default: 'white',
      summary: 'White has as much of every Hz, pink of every octave.',
    },
    seed: {
      kind: 'number',
      unit: 'none',
      min: 0,
      max: 1e6,
      default: 0,
      integer: true,
      summary: 'Another number gives another noise.',
    },
  },
  lanes: 'widest',
  voices: true,
  variant: 'color',
  stateBytes: (ctx) => ctx.banks * 64,
  words: (ctx) => [(ctx.seed + Math.imul(ctx.options.seed!, 0x632be5ab)) | 0, ctx.lanes],
  kernel: 'k_noise',
};
