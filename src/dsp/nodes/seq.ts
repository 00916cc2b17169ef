import { gatePort, type NodeDefinition } from '../node.js';
import { prepareSequence, Sequence, stateBytes } from './sequence.js';
import { compileSequence, readSequence } from './sequence-data.js';

export const seq: NodeDefinition = {
  type: 'seq',
  summary:
    'Plays a pattern of steps and a list of notes. A step that sounds takes the next note ' +
    '(a chord takes as many voices as it has notes); voices are used in turn.',
  ports: [
    {
      name: 'tempo',
      summary: 'Beats per minute; that of the patch if not given.',
      unit: 'bpm',
      min: 1,
      max: 1000,
      default: 120,
      smoothingMs: 0,
    },
    {
      name: 'length',
      summary: 'How long a note lasts, as a part of its step; 1 ties it to the next.',
      unit: 'none',
      min: 0.01,
      max: 16,
      default: 0.5,
      smoothingMs: 0,
    },
    {
      name: 'chance',
      summary: 'How probable it is that a step sounds.',
      unit: 'none',
      min: 0,
      max: 1,
      default: 1,
      smoothingMs: 0,
    },
    {
      name: 'transpose',
      summary: 'Added to every note that starts.',
      unit: 'semitones',
      min: -60,
      max: 60,
      default: 0,
      smoothingMs: 0,
    },
    {
      name: 'swing',
      summary: 'How late every other step is: 1 is half a step.',
      unit: 'none',
      min: 0,
      max: 1,
      default: 0,
      smoothingMs: 0,
    },
    gatePort('run', 'Halts where it is while closed.', 1),
  ],
  options: {
    pattern: {
      kind: 'text',
      default: 'x',
      summary: '`x` a note, `X` an accent, `.` a rest, `-` holds on; blanks and `|` do not count.',
    },
    notes: {
      kind: 'list',
      default: ['A4'],
      summary: 'Names (`C4`, `F#3`, `Bb2`), MIDI numbers, or lists of these: chords.',
    },
    steps: {
      kind: 'number',
      unit: 'none',
      min: 0.01,
      max: 64,
      default: 4,
      summary: 'Steps in a beat.',
    },
    order: {
      kind: 'choice',
      choices: ['forward', 'random', 'walk'],
      default: 'forward',
      summary: 'How it goes through the notes; `walk` takes one step up or down the list.',
    },
    accent: {
      kind: 'number',
      unit: 'gain',
      min: 0,
      max: 1,
      default: 0.7,
      summary: 'The velocity of a note without accent; an accent has 1.',
    },
  },
  lanes: 'widest',
  voices: true,
  outputs: ['gate', 'freq', 'velocity'],
  stateBytes,
  compile: compileSequence,
  accepts: (ctx) => readSequence(ctx.data) !== undefined,
  prepare: prepareSequence,
  // It keeps the beat; where it is in its lists it takes modulo their lengths anyway.
  mend: () => {},
  create: (host) => {
    const sequence = new Sequence(host);
    return () => sequence.render();
  },
};
