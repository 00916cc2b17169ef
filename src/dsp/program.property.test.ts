import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileText, noSources } from '../../test/kit/patches.js';
import { TenutoError } from '../errors.js';
import { decodeProgram, encodeProgram } from './program.js';
import { Renderer } from './renderer.js';

const folder = new URL('../../examples/', import.meta.url);
const programs = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => compileText(readFileSync(new URL(name, folder), 'utf8')).program);

/** Loads a program, and if it loads, renders it. */
function attempt(bytes: Uint8Array): void {
  try {
    const renderer = new Renderer(bytes, noSources);
    for (let tick = 0; tick < 3; tick++) renderer.render();
    expect(renderer.output.every(Number.isFinite)).toBe(true);
  } catch (error) {
    if (!(error instanceof TenutoError)) throw error;
  }
}

/** Makes the checksum right again, so that the checks behind it are reached. */
function sealed(bytes: Uint8Array): Uint8Array {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  words[2] = bytes.byteLength;
  let hash = 0x811c9dc5 | 0;
  for (let i = 4; i < words.length; i++) hash = Math.imul(hash ^ words[i]!, 0x01000193);
  words[3] = hash;
  return bytes;
}

describe('a program', () => {
  it('is the same after decoding and encoding', () => {
    for (const program of programs) {
      expect(encodeProgram(decodeProgram(program))).toEqual(program);
    }
  });

  it('is refused when a single bit is wrong', () => {
    fc.assert(
      fc.property(fc.constantFrom(...programs), fc.nat(), fc.nat(7), (program, at, bit) => {
        const bytes = program.slice();
        bytes[at % bytes.length]! ^= 1 << bit;
        expect(() => decodeProgram(bytes)).toThrow(TenutoError);
      }),
      { numRuns: 300 },
    );
  });

  it('is refused when cut', () => {
    fc.assert(
      fc.property(fc.constantFrom(...programs), fc.nat(), (program, length) => {
        expect(() => decodeProgram(program.slice(0, length % program.length))).toThrow(TenutoError);
      }),
    );
  });

  it('never breaks the renderer, whatever its words are', () => {
    const change = fc.record({ at: fc.nat(), word: fc.oneof(fc.integer(), fc.nat(20)) });
    const changes = fc.array(change, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...programs), changes, (program, each) => {
        const bytes = program.slice();
        const words = new Int32Array(bytes.buffer);
        for (const { at, word } of each) words[4 + (at % (words.length - 4))] = word;
        attempt(sealed(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it('never breaks the loader with bytes of any kind', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), attempt), { numRuns: 300 });
  });
});
