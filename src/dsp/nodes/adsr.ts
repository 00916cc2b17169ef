import { gatePort, type NodeDefinition, type PortDefinition } from '../node.js';

export const adsr: NodeDefinition = {
  type: 'adsr',
  summary: 'An envelope from 0 to 1: rises while the gate is open, falls when it closes.',
  ports: [
    gatePort('gate', 'Open above 0.'),
    time('attack', 'Time to rise to 1.', 0.005),
    time('decay', 'Time to fall by 60 dB towards the sustain level.', 0.3),
    {
      name: 'sustain',
      summary: 'The level while the gate stays open.',
      unit: 'gain',
      min: 0,
      max: 1,
      default: 0.7,
      smoothingMs: 10,
    },
    time('release', 'Time to fall by 60 dB after the gate has closed.', 0.3),
    {
      name: 'velocity',
      summary: 'Multiplies the envelope; read while it rises.',
      unit: 'gain',
      min: 0,
      max: 1,
      default: 1,
      smoothingMs: 0,
    },
  ],
  lanes: 'widest',
  stateBytes: (ctx) => ctx.banks * 64,
  kernel: 'k_adsr',
};

function time(name: string, summary: string, standard: number): PortDefinition {
  return { name, summary, unit: 's', min: 0.0005, max: 60, default: standard, smoothingMs: 0 };
}
