import { type NodeDefinition, signalPort } from '../node.js';

export const meter: NodeDefinition = {
  type: 'meter',
  summary: 'Passes a sound through and measures its peak and RMS level, readable by its name.',
  ports: [signalPort('in', 'The sound, of any width.')],
  lanes: 'widest',
  stateBytes: (ctx) => ctx.banks * 32,
  kernel: 'k_meter',
};
