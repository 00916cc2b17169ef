import { type NodeContext, type NodeDefinition, signalPort } from '../node.js';

/** Frames of look-ahead: the power of two next above the option; the sound is late by one less. */
function lookaheadFrames(ctx: Pick<NodeContext, 'rate' | 'options'>): number {
  const frames = ctx.options.lookahead! * ctx.rate;
  return Math.min(256, Math.max(16, 2 ** Math.ceil(Math.log2(frames))));
}

export const limiter: NodeDefinition = {
  type: 'limiter',
  summary: 'A brick wall that looks ahead: no sample ever exceeds the ceiling.',
  ports: [
    signalPort('in', 'The sound.'),
    {
      name: 'ceiling',
      summary: 'The highest level that comes out, in dBFS.',
      unit: 'dB',
      min: -60,
      max: 0,
      default: -1,
      smoothingMs: 20,
    },
    {
      name: 'release',
      summary: 'How fast the level comes back after a peak.',
      unit: 's',
      min: 0.001,
      max: 10,
      default: 0.1,
      smoothingMs: 0,
    },
  ],
  options: {
    lookahead: {
      kind: 'number',
      unit: 's',
      min: 0.0001,
      max: 0.005,
      default: 0.0013,
      summary:
        'Rounded up to 16, 32, 64, 128 or 256 frames; the sound is late by one frame less ' +
        '(63 frames, 1.3 ms, at 48 kHz).',
    },
  },
  lanes: 'widest',
  stateBytes: (ctx) => ctx.banks * (64 + 48 * lookaheadFrames(ctx)),
  words: (ctx) => [lookaheadFrames(ctx), ctx.width === 'stereo' ? 1 : 0],
  kernel: 'k_limiter',
};
