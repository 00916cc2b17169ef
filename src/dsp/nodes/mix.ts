import { type NodeContext, type NodeDefinition, type PortDefinition, signalPort } from '../node.js';

const INPUTS = 8;
/** 32-bit words of one entry of the state; see assembly/mix.ts. */
const ENTRY_WORDS = 12;

export const mix: NodeDefinition = {
  type: 'mix',
  summary:
    'Adds up to eight inputs, mono, stereo or voices, each at its own gain. ' +
    'The result is stereo if an input is, or if `spread` places voices, else mono.',
  ports: Array.from({ length: INPUTS }, (_, i) => portsOf(i + 1)).flat(),
  options: {
    spread: {
      kind: 'number',
      unit: 'none',
      min: 0,
      max: 1,
      default: 0,
      summary: 'How far voices are placed to the left and right: 0 not at all, 1 fully.',
    },
  },
  lanes: 'sum',
  stereo: ({ inputs, options }) =>
    inputs.some(({ width }) => width === 'stereo') ||
    (options.spread! > 0 && inputs.some(({ width }) => width === 'voices')),
  stateBytes: (ctx) => ctx.quantum * 32 + entriesOf(ctx).length * ENTRY_WORDS * 4,
  words: (ctx) => [entriesOf(ctx).length, ctx.width === 'stereo' ? 1 : 0],
  prepare: (ctx, i32, f32) => {
    entriesOf(ctx).forEach((entry, i) => {
      const at = ctx.quantum * 8 + i * ENTRY_WORDS;
      i32.set([entry.port, entry.bank], at);
      f32.set(entry.left, at + 4);
      f32.set(entry.right, at + 8);
    });
  },
  kernel: 'k_mix',
};

function portsOf(number: number): PortDefinition[] {
  return [
    signalPort(`in${number}`, `Input ${number}.`),
    {
      name: `gain${number}`,
      summary: `The level of input ${number}.`,
      unit: 'gain',
      min: -16,
      max: 16,
      default: 1,
      smoothingMs: 10,
    },
  ];
}

interface Entry {
  readonly port: number;
  readonly bank: number;
  readonly left: readonly number[];
  readonly right: readonly number[];
}

/** One entry for each bank of each input that has a cable. */
function entriesOf(ctx: NodeContext): Entry[] {
  const spread = ctx.options.spread!;
  return Array.from({ length: INPUTS }, (_, i) => 2 * i).flatMap((port) => {
    const { cabled, lanes, width } = ctx.inputs[port]!;
    const isStereo = ctx.width === 'stereo';
    if (!cabled) return [];
    return Array.from({ length: Math.ceil(lanes / 4) }, (_, bank) => {
      const weights = [0, 1, 2, 3].map((lane) => {
        const voice = bank * 4 + lane;
        if (voice >= lanes) return [0, 0] as const;
        if (width === 'stereo')
          return isStereo ? ([1 - voice, voice] as const) : ([0.5, 0.5] as const);
        if (width === 'mono' || !isStereo) return [1, 1] as const;
        return placed(voice, lanes, spread);
      });
      return { port, bank, left: weights.map(([l]) => l), right: weights.map(([, r]) => r) };
    });
  });
}

/**
 * Equal power, as in `pan`, and 1 in the middle. Neighbouring voices go to opposite sides, so that
 * few sounding voices are not all on one.
 */
function placed(voice: number, lanes: number, spread: number): readonly [number, number] {
  if (lanes < 2) return [1, 1];
  const rank = voice % 2 === 0 ? voice / 2 : lanes - 1 - (voice - 1) / 2;
  const position = spread * ((2 * rank) / (lanes - 1) - 1);
  return [Math.sqrt(1 - position), Math.sqrt(1 + position)];
}
