import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { format } from '../../test/kit/patches.js';
import { TenutoError } from '../errors.js';
import { compilePatch, parsePatch } from './compiler.js';
import { registry } from './nodes/index.js';

const folder = new URL('../../examples/', import.meta.url);
const examples = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(new URL(name, folder), 'utf8'));

/** Compiles, and lets nothing but a TenutoError pass. */
function attempt(text: string): void {
  try {
    compilePatch(parsePatch(text, 'random.yaml'), format);
  } catch (error) {
    if (!(error instanceof TenutoError)) throw error;
  }
}

const scraps = ['{', '}', '[', ']', ':', '*', '&a', '- ', '\n', '  ', '"', "'", '!!map', '0', '-1'];

describe('the patch compiler never breaks', () => {
  it('with text of any kind', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200, unit: 'binary' }), attempt), {
      numRuns: 300,
    });
  });

  it('with examples in which something was cut out or put in', () => {
    const edit = fc.record({
      at: fc.nat(),
      cut: fc.nat(30),
      put: fc.oneof(fc.constantFrom(...scraps), fc.string({ maxLength: 5 })),
    });
    const edits = fc.array(edit, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...examples), edits, (example, each) => {
        let text = example;
        for (const { at, cut, put } of each) {
          const from = at % text.length;
          text = text.slice(0, from) + put + text.slice(from + cut);
        }
        attempt(text);
      }),
      { numRuns: 150 },
    );
  });

  it('with any graph of the nodes there are', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 's.gate', 's.freq'];
    const leaf = fc.oneof(
      fc.constantFrom(...names),
      fc.double({ min: -2, max: 2 }),
      fc.constantFrom('1 beat', '-6 dB', '2 kHz', true, null),
    );
    const source = fc.oneof(
      leaf,
      fc.array(leaf, { maxLength: 3 }),
      fc.record({ from: fc.constantFrom(...names), amount: leaf, offset: leaf }),
      fc.record({ lanes: fc.array(fc.double(), { maxLength: 4 }) }),
      fc.record({ spread: fc.array(leaf, { maxLength: 3 }) }),
    );
    const node = fc.constantFrom(...registry).chain((definition) => {
      const ports = fc.subarray(definition.ports.map(({ name }) => name));
      return ports.chain((keys) =>
        fc.record({
          type: fc.constant(definition.type),
          ...Object.fromEntries(keys.map((key) => [key, source])),
          ...(definition.voices ? { voices: fc.integer({ min: 1, max: 9 }) } : {}),
        }),
      );
    });
    const nodes = fc.record({ a: node, b: node, c: node, d: node, e: node });
    fc.assert(
      fc.property(nodes, (each) => {
        attempt(JSON.stringify({ nodes: { ...each, s: { type: 'seq' } } }));
      }),
      { numRuns: 500 },
    );
  });
});
