import { type NodeContext, type NodeDefinition, signalPort } from '../node.js';

/**
 * Own lengths of the eight lines in seconds. No two have a simple ratio, so that their echoes fall
 * together as late as possible.
 */
const linesSec = [0.0297, 0.0437, 0.0617, 0.0831, 0.0371, 0.0411, 0.0533, 0.0719];
/** Turns a second of each line's sine: slow, and all different, so that they never agree. */
const swaysHz = [0.31, 0.43, 0.59, 0.71, 0.37, 0.53, 0.67, 0.83];
/** Seconds of the allpasses of the left side and of the right (Dattorro's, and near them). */
const allpassesSec = [
  142 / 29761,
  107 / 29761,
  379 / 29761,
  277 / 29761,
  151 / 29761,
  113 / 29761,
  367 / 29761,
  269 / 29761,
];

const sizeScaleMax = 1.5;
const swaySec = 8 / 48_000;
/** Where the state's tables and buffers lie, in 32-bit words; see assembly/reverb.ts. */
const words = { lengths: 4, phases: 40, steps: 48, lines: 64, allpasses: 96, buffers: 128 };
/** The first floats of a line stand again behind its end, so that reading need not wrap. */
const guardFrames = 8;

/** The next multiple of four: four frames are read and written at a time. */
function fours(frames: number): number {
  return Math.ceil(frames / 4) * 4;
}

function lineFrames(ctx: Pick<NodeContext, 'rate'>): number[] {
  return linesSec.map((sec) => fours((sec * sizeScaleMax + swaySec) * ctx.rate + 16));
}

function allpassFrames(ctx: Pick<NodeContext, 'rate'>): number[] {
  return allpassesSec.map((sec) => Math.max(8, fours(sec * ctx.rate)));
}

function stateWords(ctx: Pick<NodeContext, 'rate'>): number {
  const lines = lineFrames(ctx).reduce((sum, frames) => sum + frames + guardFrames, 0);
  return words.buffers + lines + allpassFrames(ctx).reduce((sum, frames) => sum + frames, 0);
}

export const reverb: NodeDefinition = {
  type: 'reverb',
  summary: 'A room, from a cupboard to a cathedral, always stereo.',
  ports: [
    signalPort('in', 'The sound, mono or stereo.'),
    {
      name: 'size',
      summary: 'The room: 0 is small, 1 is large; a change glides.',
      unit: 'none',
      min: 0,
      max: 1,
      default: 0.6,
      smoothingMs: 20,
    },
    {
      name: 'decay',
      summary: 'How long until the reverberation has sunk by 60 dB.',
      unit: 's',
      min: 0.05,
      max: 120,
      default: 2,
      smoothingMs: 20,
    },
    {
      name: 'damping',
      summary: 'How much faster the treble decays: 0 as slow as the rest, 1 at once.',
      unit: 'none',
      min: 0,
      max: 1,
      default: 0.3,
      smoothingMs: 20,
    },
    {
      name: 'mix',
      summary: '0 is the sound alone, 1 the room alone.',
      unit: 'none',
      min: 0,
      max: 1,
      default: 0.3,
      smoothingMs: 10,
    },
  ],
  lanes: 'stereo',
  stateBytes: (ctx) => stateWords(ctx) * 4,
  prepare: (ctx, i32, f32) => {
    let buffer = words.buffers;
    lineFrames(ctx).forEach((frames, line) => {
      f32[words.lengths + line] = linesSec[line]! * ctx.rate;
      i32[words.phases + line] = (line * 0x2545_f491) | 0;
      i32[words.steps + line] = Math.round((swaysHz[line]! * 4 * 2 ** 32) / ctx.rate);
      i32.set([buffer * 4, frames, 0], words.lines + 4 * line);
      buffer += frames + guardFrames;
    });
    allpassFrames(ctx).forEach((frames, index) => {
      i32.set([buffer * 4, frames, 0], words.allpasses + 4 * index);
      buffer += frames;
    });
  },
  kernel: 'k_reverb',
};
