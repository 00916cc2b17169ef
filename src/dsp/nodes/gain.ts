import { type NodeDefinition, signalPort } from '../node.js';

export const gain: NodeDefinition = {
  type: 'gain',
  summary:
    'Multiplies; with a cable at `gain` it is a voltage-controlled amplifier or ring modulator.',
  ports: [
    signalPort('in', 'The sound.'),
    {
      name: 'gain',
      summary: 'The factor.',
      unit: 'gain',
      min: -1000,
      max: 1000,
      default: 1,
      smoothingMs: 10,
    },
  ],
  lanes: 'widest',
  stateBytes: () => 0,
  kernel: 'k_gain',
};
