import { type NodeContext, type NodeDefinition, signalPort } from '../node.js';

/** Frames in the line: a power of two, with room for the interpolation's neighbours. */
function lineFrames(ctx: NodeContext): number {
  return 2 ** Math.ceil(Math.log2(ctx.options.max! * ctx.rate + 8));
}

export const delay: NodeDefinition = {
  type: 'delay',
  summary: 'A delay line whose time may move, with feedback; the one node that may close a loop.',
  ports: [
    signalPort('in', 'The sound.'),
    {
      name: 'time',
      summary: 'How late; at most `max`, and in a loop at least one quantum.',
      unit: 's',
      min: 0,
      max: 20,
      default: 0.25,
      smoothingMs: 50,
    },
    {
      name: 'feedback',
      summary: 'The share of the delayed sound that goes round again.',
      unit: 'none',
      min: -1,
      max: 1,
      default: 0,
      smoothingMs: 10,
    },
    {
      name: 'mix',
      summary: '0 is the sound alone, 1 the delayed sound alone.',
      unit: 'none',
      min: 0,
      max: 1,
      default: 1,
      smoothingMs: 10,
    },
  ],
  options: {
    max: {
      kind: 'number',
      unit: 's',
      min: 0.001,
      max: 20,
      default: 1,
      summary: 'The longest time; memory is set aside for it.',
    },
  },
  lanes: 'widest',
  feedback: 'in',
  stateBytes: (ctx) => 16 + ctx.banks * lineFrames(ctx) * 16,
  words: (ctx) => [lineFrames(ctx), ctx.feedback ? ctx.quantum : 0],
  kernel: 'k_delay',
};
