import fc from 'fast-check';
import { toBuffer } from 'osc-min';
import { describe, expect, it } from 'vitest';
import { TenutoError } from '../../errors.js';
import { limits } from '../../limits.js';
import { compilePattern, isPattern } from './address-pattern.js';
import { readPacket, writeMessage } from './packet.js';
import { encodeSlip, SlipDecoder } from './slip.js';

/** How long each parser is fed with what it does not expect. */
const budgetMs = 1500;
const forAWhile = {
  interruptAfterTimeLimit: budgetMs,
  markInterruptAsFailure: false,
  numRuns: 1e6,
};

/** What a decoder finds in bytes that come in pieces. */
function decode(pieces: readonly Uint8Array[]): { packets: Uint8Array[]; damage: string[] } {
  const packets: Uint8Array[] = [];
  const damage: string[] = [];
  const decoder = new SlipDecoder({
    onPacket: (packet) => packets.push(packet),
    onDamage: (reason) => damage.push(reason),
  });
  for (const piece of pieces) decoder.push(piece);
  return { packets, damage };
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...at.map((place) => place % (bytes.length + 1)), 0, bytes.length];
  places.sort((a, b) => a - b);
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

describe('SLIP', () => {
  it('gives back what it was given, however it is cut', () => {
    const packets = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 8 });
    fc.assert(
      fc.property(packets, fc.array(fc.nat(), { maxLength: 20 }), (given, cuts) => {
        const stream = Buffer.concat(given.map(encodeSlip));
        const { packets: found, damage } = decode(cut(stream, cuts));
        expect(found.map((one) => [...one])).toEqual(given.map((one) => [...one]));
        expect(damage).toEqual([]);
      }),
    );
  });

  it('finds its way back after damage, and holds no more than one packet', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (noise) => {
        const packet = Uint8Array.of(1, 2, 3, 4);
        const { packets } = decode([...noise, encodeSlip(packet)]);
        expect([...packets.at(-1)!]).toEqual([1, 2, 3, 4]);
      }),
      forAWhile,
    );
    const endless = new Uint8Array(limits.oscPacketBytesMax + 1000).fill(7);
    expect(decode([endless, endless]).damage).toHaveLength(1);
  });
});

describe('an OSC packet', () => {
  const text = fc.string({ unit: fc.constantFrom(...'abc/*{}[]?,! 0'), maxLength: 12 });
  const argument = fc.oneof(
    fc.float({ noNaN: true }),
    fc.integer().map((value) => ({ type: 'integer' as const, value: value | 0 })),
    fc.double({ noNaN: true }).map((value) => ({ type: 'double' as const, value })),
    fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
    text,
    fc.boolean(),
    fc.constant(null),
    fc.constant('bang' as const),
    fc.uint8Array({ maxLength: 9 }).map((bytes) => bytes.slice().buffer),
    fc.constant({ type: 'timetag' as const, value: [1, 2] as [number, number] }),
  );
  const message = fc.record({
    address: text.map((rest) => `/${rest}`),
    args: fc.array(fc.oneof(argument, fc.array(argument, { maxLength: 3 })), { maxLength: 6 }),
  });
  const packet = fc.oneof(
    message,
    fc.record({
      timetag: fc.tuple(fc.nat(), fc.nat()) as fc.Arbitrary<[number, number]>,
      elements: fc.array(message, { maxLength: 4 }),
    }),
  );
  const bytesOf = (one: unknown) => {
    const view = toBuffer(one as Parameters<typeof toBuffer>[0]);
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  };

  it('of any type is read', () => {
    fc.assert(
      fc.property(packet, (one) => {
        const groups = readPacket(bytesOf(one));
        const count = 'elements' in one ? one.elements.length : 1;
        expect(groups.flatMap(({ messages }) => messages)).toHaveLength(count);
      }),
    );
  });

  it('that is damaged, cut off or nothing at all is refused, and nothing else happens', () => {
    const damaged = fc
      .tuple(packet, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 }))), fc.nat())
      .map(([one, changes, end]) => {
        const bytes = bytesOf(one).slice();
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        return bytes.subarray(0, end % (bytes.length + 1));
      });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 400 })), (bytes) => {
        try {
          readPacket(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(TenutoError);
        }
      }),
      forAWhile,
    );
  });

  it('of bundles in bundles without end is refused', () => {
    let inner = bytesOf({ timetag: [0, 1], elements: [] });
    while (inner.length < limits.oscPacketBytesMax - 100) {
      const outer = new Uint8Array(inner.length + 20);
      outer.set(bytesOf({ timetag: [0, 1], elements: [] }));
      new DataView(outer.buffer).setInt32(16, inner.length);
      outer.set(inner, 20);
      inner = outer;
    }
    expect(() => readPacket(inner)).toThrow(/too deep/);
  });

  it('that is written is what other programs read', () => {
    const [group] = readPacket(writeMessage('/a', ['text', 0.5, { int: -3 }]));
    expect(group!.messages).toEqual([{ address: '/a', values: ['text', 0.5, -3] }]);
  });
});

describe('an address pattern', () => {
  it.each([
    ['/mod/*/cutoff', '/mod/filter1/cutoff', true],
    ['/mod/*/cutoff', '/mod/a/b/cutoff', false],
    ['/mod/filter?/cutoff', '/mod/filter1/cutoff', true],
    ['/mod/filter?/cutoff', '/mod/filter/cutoff', false],
    ['/mod/filter[0-36]/x', '/mod/filter6/x', true],
    ['/mod/filter[!0-3]/x', '/mod/filter2/x', false],
    ['/mod/filter[!0-3]/x', '/mod/filter4/x', true],
    ['/mod/x[a-]', '/mod/x-', true],
    ['/mod/{low,high}/x', '/mod/high/x', true],
    ['/mod/{low,lowe}r/x', '/mod/lower/x', true],
    ['/mod/{low,high}/x', '/mod/mid/x', false],
    ['/*/*', '/a/b', true],
    ['*', '/a', false],
    ['/a*b*c', '/a12b3c', true],
  ])('%s and %s: %s', (pattern, address, expected) => {
    expect(isPattern(pattern)).toBe(true);
    expect(compilePattern(pattern)!(address)).toBe(expected);
  });

  it('that is not well formed is none', () => {
    for (const pattern of ['/a[b', '/a]b', '/{a', '/a}'])
      expect(compilePattern(pattern)).toBeNull();
  });

  it('takes no longer the worse it is', () => {
    const cruel = `/${'*a'.repeat(100)}${'{a,aa,aaa}'.repeat(20)}b`;
    const test = compilePattern(cruel)!;
    expect(test(`/${'a'.repeat(255)}`)).toBe(false);
  });
});
