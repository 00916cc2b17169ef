import { type NodeDefinition, signalPort } from '../node.js';

export const pan: NodeDefinition = {
  type: 'pan',
  summary: 'Places a mono sound between left and right, or balances a stereo one, at equal power.',
  ports: [
    signalPort('in', 'The sound, mono or stereo.'),
    {
      name: 'position',
      summary: '-1 is left, 0 the middle, 1 right.',
      unit: 'none',
      min: -1,
      max: 1,
      default: 0,
      smoothingMs: 10,
    },
  ],
  lanes: 'stereo',
  stateBytes: () => 0,
  kernel: 'k_pan',
};
