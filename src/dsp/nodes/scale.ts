import { type NodeDefinition, signalPort } from '../node.js';

const NUMBER_MAX = 1e6;

export const scale: NodeDefinition = {
  type: 'scale',
  summary:
    'in * amount + offset. `{ from, amount, offset }` and lists of cables at a port make these.',
  ports: [
    signalPort('in', 'What is scaled.'),
    {
      name: 'amount',
      summary: 'The factor.',
      unit: 'none',
      min: -NUMBER_MAX,
      max: NUMBER_MAX,
      default: 1,
      smoothingMs: 10,
    },
    {
      name: 'offset',
      summary: 'What is added.',
      unit: 'none',
      min: -NUMBER_MAX,
      max: NUMBER_MAX,
      default: 0,
      smoothingMs: 10,
    },
  ],
  lanes: 'widest',
  stateBytes: () => 0,
  kernel: 'k_scale',
};
