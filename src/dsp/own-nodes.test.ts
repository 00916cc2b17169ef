import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { format, noSources } from '../../test/kit/patches.js';
import { performAlone } from './carry.js';
import { compilePatch, parsePatch } from './compiler.js';
import { adoptNode, defineNode, type OwnNode } from './define-node.js';
import { signalPort } from './node.js';
import { checkOwnNode } from './own-contract.js';
import { readOwnModule, runOwnModule } from './own-nodes.js';
import { modulesOf } from './patch.js';
import { Renderer } from './renderer.js';

/** A one-pole low pass: what its author would write. */
const soften: OwnNode = defineNode({
  type: 'soften',
  summary: 'Takes the edge off.',
  ports: [
    signalPort('in', 'The sound.'),
    {
      name: 'amount',
      summary: 'How much.',
      unit: 'none',
      min: 0,
      max: 0.99,
      default: 0.5,
      smoothingMs: 20,
    },
  ],
  state: ({ lanes }) => lanes,
  process({ inputs, output, state }) {
    output.forEach((out, lane) => {
      for (let i = 0; i < out.length; i++) {
        const amount = inputs.amount![lane]![i]!;
        state[lane]! += (1 - amount) * (inputs.in![lane]![i]! - state[lane]!);
        if (Math.abs(state[lane]!) < 1e-15) state[lane] = 0;
        out[i] = state[lane]!;
      }
    });
  },
});

const failures = (node: OwnNode) =>
  checkOwnNode(adoptNode(node, 'test.js', 'digest')).flatMap(({ failure }) => failure ?? []);

describe("a node of the user's", () => {
  it('passes the contract that every node passes', () => {
    expect(failures(soften)).toEqual([]);
  });

  it.each([
    ['remembers beside its state', { process: counting() }, /differ/],
    [
      'throws',
      {
        process: () => {
          throw new Error('broken');
        },
      },
      /broken/,
    ],
    ['asks for too much state', { state: () => -1 }, /how many numbers/],
  ] as const)('that %s fails it', (_, wrong, expected) => {
    expect(failures({ ...soften, ...wrong }).join('\n')).toMatch(expected);
  });

  it('that throws is silent from then on, and the others play', () => {
    const node = adoptNode(
      {
        ...soften,
        process: () => {
          throw new Error('broken');
        },
      },
      'x',
      'd',
    );
    const own = new Map([[node.type, node]]);
    const text = `nodes: { tone: { type: osc }, bad: { type: soften, in: tone },
      out: { type: out, in: [tone, bad] } }`;
    const { program } = compilePatch(parsePatch(text, 'test.yaml', own), format);
    const renderer = new Renderer(program, noSources, own);
    const band = performAlone(renderer);
    for (let tick = 0; tick < 5; tick++) band.render();
    expect(band.silencedNodes).toBe(1);
    expect(renderer.failure).toBe('broken');
    expect(band.output.some((sample) => sample !== 0)).toBe(true);
  });

  it.each([
    ['no object', 1, /no default export/],
    ['a type with a dot', { ...soften, type: 'a.b' }, /lower-case/],
    ['the name of another node', { ...soften, type: 'osc' }, /there is a node/],
    ['no process', { ...soften, process: undefined }, /no `process`/],
    ['a port without a range', { ...soften, ports: [{ name: 'x' }] }, /`min`/],
  ])('is refused with %s', (_, wrong, expected) => {
    expect(() => adoptNode(wrong, 'test.js', 'digest')).toThrow(expected);
  });
});

function counting(): OwnNode['process'] {
  let count = 0;
  return ({ output }) => {
    count += 0.01;
    for (const out of output) out[0] = count % 1;
  };
}

describe('a module', () => {
  it('may import `tenuto/dsp` and nothing else', async () => {
    const text = "import { defineNode, signalPort as port } from 'tenuto/dsp';\nexport default 1;";
    const { code } = await readOwnModule(text, 'a.js');
    expect(code).toContain('signalPort: port');
    expect(code.split('\n')).toHaveLength(2);
    for (const bad of ["import x from 'node:fs';", "await import('x')", "export { a } from 'b'"]) {
      await expect(readOwnModule(bad, 'a.js')).rejects.toMatchObject({
        code: 'TENUTO_MODULE_INVALID',
      });
    }
  });

  it('may be TypeScript where a compiler is installed', async () => {
    const text = 'const a: number = 1;\nexport default a;';
    const { code, digest } = await readOwnModule(text, 'a.ts');
    expect(code).not.toContain('number');
    expect(digest).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is named by the patch', () => {
    expect(modulesOf('modules: [a.js, b/c.mjs]\nnodes: {}', 'p.yaml')).toEqual(['a.js', 'b/c.mjs']);
    expect(modulesOf('modules: 3', 'p.yaml')).toEqual([]);
  });
});

describe('the example of the guide', () => {
  const guide = readFileSync(new URL('../../docs/own-nodes.md', import.meta.url), 'utf8');
  const block = (language: string) =>
    new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(guide)![1]!;

  it('keeps what nodes promise, and plays in its patch', async () => {
    const definition = await runOwnModule(await readOwnModule(block('js'), 'crush.js'));
    expect(checkOwnNode(definition).filter(({ failure }) => failure !== null)).toEqual([]);
    const own = new Map([[definition.type, definition]]);
    const patch = parsePatch(block('yaml'), 'guide.yaml', own);
    const renderer = new Renderer(compilePatch(patch, format).program, noSources, own);
    for (let tick = 0; tick < 20; tick++) renderer.render();
    expect(renderer.failure).toBeNull();
    expect(renderer.output.some((sample) => sample !== 0)).toBe(true);
  });
});
