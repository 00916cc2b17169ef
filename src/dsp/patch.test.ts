import { describe, expect, it } from 'vitest';
import { compileText, format } from '../../test/kit/patches.js';
import { TenutoError } from '../errors.js';
import { compilePatch, parsePatch } from './compiler.js';

/** The error of a patch that must be refused. */
function refusal(text: string): TenutoError {
  try {
    compilePatch(parsePatch(text, 'bad.yaml'), format);
  } catch (error) {
    if (error instanceof TenutoError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const out = '  out: { type: out, in: a }\n';

/** [what is wrong, the patch, code, position, words of the message] */
const bad: [string, string, string, string, RegExp][] = [
  ['no text', '', 'INVALID', '1:1', /expected object/],
  ['not a mapping', '- 1\n- 2\n', 'INVALID', '1:1', /expected object/],
  ['broken YAML', 'nodes: [', 'INVALID', '1:9', /Flow sequence/],
  ['a key twice', 'nodes:\n  a: { type: osc }\n  a: { type: osc }\n', 'INVALID', '3:3', /unique/],
  ['no nodes', 'name: x\n', 'INVALID', '1:1', /nodes/],
  ['an unknown key', 'tmpo: 90\nnodes: {}\n', 'UNKNOWN', '1:1', /`tmpo`; did you mean tempo\?/],
  ['a tempo of words', 'tempo: fast\nnodes: {}\n', 'INVALID', '1:8', /tempo/],
  ['a tempo out of range', 'tempo: 4000\nnodes: {}\n', 'INVALID', '1:8', /tempo/],
  ['a node without type', 'nodes:\n  a: { in: 1 }\n', 'INVALID', '2:6', /nodes\.a\.type/],
  [
    'an unknown node type',
    'nodes:\n  a: { type: oscc }\n',
    'UNKNOWN',
    '2:14',
    /unknown node type `oscc`; did you mean osc\? node types: .*reverb/,
  ],
  [
    'an unknown port',
    `nodes:\n  a:\n    type: osc\n    frequency: 5\n${out}`,
    'UNKNOWN',
    '4:5',
    /`osc` has no `frequency`.*freq/,
  ],
  ['an unknown cable', 'nodes:\n  out: { type: out, in: filtr }\n', 'UNKNOWN', '2:25', /`filtr`/],
  [
    'an unknown cable in a sum',
    `nodes:\n  a: { type: osc }\n  out:\n    type: out\n    in:\n      - a\n      - b\n`,
    'UNKNOWN',
    '7:9',
    /unknown node `b`.* nodes: a, out/,
  ],
  [
    'a cable from out',
    `nodes:\n  a: { type: gain, in: out }\n${out}`,
    'UNKNOWN',
    '2:24',
    /no output/,
  ],
  [
    'a sequence without output name',
    `nodes:\n  s: { type: seq }\n  a: { type: osc, freq: s }\n`,
    'UNKNOWN',
    '3:25',
    /s\.gate, s\.freq, s\.velocity/,
  ],
  [
    'an unknown output',
    `nodes:\n  s: { type: seq }\n  a: { type: osc, freq: s.frq }\n`,
    'UNKNOWN',
    '3:25',
    /did you mean s\.freq\?/,
  ],
  [
    'an output too many',
    `nodes:\n  a: { type: osc, freq: a.out }\n`,
    'UNKNOWN',
    '2:25',
    /one output/,
  ],
  [
    'a number out of range',
    `nodes:\n  a: { type: svf, resonance: 2 }\n`,
    'INVALID',
    '2:30',
    /from 0 to 1/,
  ],
  [
    'a wrong unit',
    `nodes:\n  a: { type: osc, freq: 3 dB }\n`,
    'INVALID',
    '2:25',
    /units here: `Hz`, `kHz`/,
  ],
  ['nothing at a port', `nodes:\n  a: { type: osc, freq: }\n`, 'INVALID', '2:25', /takes a number/],
  ['an empty sum', `nodes:\n  a: { type: osc, freq: [] }\n`, 'INVALID', '2:25', /empty list/],
  [
    'an odd object',
    `nodes:\n  a: { type: osc, freq: { form: b } }\n`,
    'INVALID',
    '2:25',
    /from, amount/,
  ],
  [
    'an unknown choice',
    `nodes:\n  a: { type: osc, shape: sinus }\n`,
    'INVALID',
    '2:26',
    /choices: sine/,
  ],
  [
    'an unknown asset',
    `nodes:\n  a: { type: player, file: x }\n`,
    'INVALID',
    '2:28',
    /no such asset/,
  ],
  ['no asset', `nodes:\n  a: { type: player }\n`, 'INVALID', '2:6', /an asset is missing/],
  [
    'an option out of range',
    `nodes:\n  a: { type: delay, max: 90 }\n`,
    'INVALID',
    '2:26',
    /0\.001 to 20 s/,
  ],
  ['a flag of words', `nodes:\n  a: { type: seq, pattern: 12 }\n`, 'INVALID', '2:28', /text/],
  [
    'a wrong step',
    `nodes:\n  a: { type: seq, pattern: "x.o" }\n`,
    'INVALID',
    '2:28',
    /`o` is no step/,
  ],
  [
    'a wrong note',
    `nodes:\n  a:\n    type: seq\n    notes: [C4, H4]\n`,
    'INVALID',
    '4:17',
    /`H4` is no note/,
  ],
  ['too many voices', `nodes:\n  a: { type: osc, voices: 257 }\n`, 'LIMIT', '2:27', /1 to 256/],
  [
    'voices of a filter',
    `nodes:\n  a: { type: svf, voices: 2 }\n`,
    'UNKNOWN',
    '2:19',
    /no `voices`/,
  ],
  [
    'lanes without voices',
    `nodes:\n  a: { type: osc, freq: { lanes: [1, 2] } }\n`,
    'INVALID',
    '2:34',
    /2 numbers for 1 lanes/,
  ],
  [
    'voices at the output',
    `nodes:\n  a: { type: osc, voices: 3 }\n${out}`,
    'INVALID',
    '3:25',
    /3 voices.*mix/,
  ],
  [
    'stereo and voices',
    `nodes:\n  a: { type: osc, voices: 3 }\n  p: { type: pan, in: a }\n`,
    'INVALID',
    '3:23',
    /3 voices cannot enter a node of stereo/,
  ],
  ['a bad name', `nodes:\n  a.b: { type: osc }\n`, 'INVALID', '2:3', /cannot be a name/],
  [
    'a cycle',
    `nodes:\n  a: { type: gain, in: b }\n  b: { type: svf, in: c }\n  c: { type: drive, in: a }\n${out}`,
    'CYCLE',
    '2:3',
    /a cycle without a delay: a -> c -> b -> a$/,
  ],
  ['a node into itself', `nodes:\n  a: { type: gain, in: a }\n`, 'CYCLE', '2:3', /a -> a/],
  [
    'a cycle through the time of a delay',
    `nodes:\n  a: { type: delay, time: { from: a, amount: 0.1, offset: 0.1 } }\n`,
    'CYCLE',
    '2:3',
    /without a delay: a -> a.time -> a/,
  ],
  [
    'more delay than there is memory',
    `nodes:\n  s: { type: osc, voices: 256 }\n  a: { type: delay, in: s, max: 20 }\n`,
    'LIMIT',
    '',
    /64 MiB/,
  ],
];

describe('a bad patch', () => {
  it.each(bad)('%s', (_, text, code, position, words) => {
    const error = refusal(text);
    expect(error.message).toMatch(words);
    expect(error.code).toBe(`TENUTO_PATCH_${code}`);
    if (position) expect(error.message).toMatch(new RegExp(`^bad.yaml:${position}: `));
  });

  it('is told all its mistakes, one a line', () => {
    const text =
      'nodes:\n  a: { type: osc, freq: x, detune: y, shape: round }\n  b: { type: bosc }\n';
    const lines = refusal(text).message.split('\n');
    expect(lines.map((line) => line.split(': ')[0])).toEqual(['bad.yaml:2:46', 'bad.yaml:3:14']);
  });

  it('does not list mistakes without end', () => {
    const nodes = Array.from({ length: 50 }, (_, i) => `  a${i}: { type: what }`);
    const lines = refusal(`nodes:\n${nodes.join('\n')}\n`).message.split('\n');
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)).toBe('and 40 more mistakes');
  });

  it('is refused when it has too many nodes, also those made for amounts', () => {
    const many = Array.from({ length: 513 }, (_, i) => `  a${i}: { type: osc }`);
    expect(refusal(`nodes:\n${many.join('\n')}\n`).code).toBe('TENUTO_PATCH_LIMIT');
    const sums = Array.from({ length: 300 }, (_, i) => `  a${i}: { type: gain, in: [a0, 1] }`);
    sums[0] = '  a0: { type: osc }';
    expect(refusal(`nodes:\n${sums.join('\n')}\n`).code).toBe('TENUTO_PATCH_LIMIT');
  });

  it('cannot exhaust the reader: size, aliases, depth', () => {
    expect(refusal('#'.repeat(2 << 20)).code).toBe('TENUTO_PATCH_LIMIT');
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (let i = 0; i < 12; i++) {
      const [from, to] = [String.fromCharCode(97 + i), String.fromCharCode(98 + i)];
      bomb.push(`${to}: &${to} [${new Array(9).fill(`*${from}`).join(', ')}]`);
    }
    expect(refusal(bomb.join('\n')).code).toBe('TENUTO_PATCH_INVALID');
    expect(refusal('['.repeat(50_000)).code).toBe('TENUTO_PATCH_INVALID');
    const deep = `{ nodes: { a: { type: gain, in: ${'['.repeat(20)}1${']'.repeat(20)} } } }`;
    expect(refusal(deep).message).toMatch(/nested too deep/);
  });
});

describe('a patch', () => {
  it('may be JSON', () => {
    const json = JSON.stringify({ nodes: { a: { type: 'osc' }, out: { type: 'out', in: 'a' } } });
    const yaml = 'nodes:\n  a: { type: osc }\n  out: { type: out, in: a }\n';
    expect(compileText(json).program).toEqual(compileText(yaml).program);
  });

  it('may use names of objects without harm', () => {
    const text = 'nodes:\n  constructor: { type: osc }\n  out: { type: out, in: constructor }\n';
    expect(Object.keys(compileText(text).names.nodes)).toEqual(['constructor', 'out']);
    expect(refusal('nodes:\n  a: { type: constructor }\n').code).toBe('TENUTO_PATCH_UNKNOWN');
    expect(refusal('nodes:\n  a: { type: osc, toString: 1 }\n').code).toBe('TENUTO_PATCH_UNKNOWN');
    expect(refusal('nodes:\n  __proto__: { type: osc }\n').code).toBe('TENUTO_PATCH_INVALID');
  });

  it('says where its files are, seen from its folder', () => {
    const text = 'assets: { kick: sounds/kick.wav }\nnodes: {}\n';
    const { assets } = compilePatch(parsePatch(text, '/music/set/a.yaml'), format);
    expect(assets).toEqual([
      { name: 'kick', file: 'sounds/kick.wav', path: '/music/set/sounds/kick.wav' },
    ]);
  });
});
