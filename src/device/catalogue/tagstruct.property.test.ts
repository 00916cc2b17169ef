import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  PacketSplitter,
  packet,
  readCards,
  readServerInfo,
  readSinks,
  readSources,
} from './pulse-protocol.js';
import { ProtocolError, TagReader, TagWriter } from './tagstruct.js';

const u32 = fc.nat(0xffff_ffff);
const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((one) => !one.includes('\0'));
const spec = fc.record({ format: fc.nat(255), channels: fc.nat(32), rateHz: u32 });

/** One value with its type, as it is written and read. */
const value = fc.oneof(
  fc.record({ type: fc.constant('u32' as const), value: u32 }),
  fc.record({ type: fc.constant('u8' as const), value: fc.nat(255) }),
  fc.record({ type: fc.constant('boolean' as const), value: fc.boolean() }),
  fc.record({ type: fc.constant('string' as const), value: fc.option(text) }),
  fc.record({
    type: fc.constant('bytes' as const),
    value: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  }),
  fc.record({ type: fc.constant('sampleSpec' as const), value: spec }),
  fc.record({
    type: fc.constant('channelMap' as const),
    value: fc.array(fc.nat(255), { maxLength: 32 }),
  }),
  fc.record({ type: fc.constant('cvolume' as const), value: fc.array(u32, { maxLength: 32 }) }),
  fc.record({ type: fc.constant('volume' as const), value: u32 }),
  fc.record({ type: fc.constant('usec' as const), value: fc.maxSafeNat() }),
);

/** Any bytes, and bytes that begin as a message of the protocol does. */
const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  fc
    .array(
      fc.constantFrom(
        0x74,
        0x4e,
        0x4c,
        0x42,
        0x61,
        0x78,
        0x30,
        0x31,
        0x55,
        0x6d,
        0x76,
        0x50,
        0x56,
        0,
      ),
      { maxLength: 200 },
    )
    .map((bytes) => Uint8Array.from(bytes)),
);

const readers = {
  server: readServerInfo,
  sinks: (reader: TagReader) => readSinks(reader, 24),
  sources: (reader: TagReader) => readSources(reader, 13),
  cards: readCards,
};

describe('values of the native protocol', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 20 }), (values) => {
        const writer = new TagWriter();
        for (const one of values) (writer[one.type] as (value: unknown) => void)(one.value);
        const reader = new TagReader(writer.toBuffer());
        for (const one of values) expect(reader[one.type]()).toEqual(one.value);
        expect(reader.atEnd).toBe(true);
      }),
    );
  });

  it('are read as properties', () => {
    const properties = fc.dictionary(text, text, { noNullPrototype: true });
    fc.assert(
      fc.property(properties, (values) => {
        const reader = new TagReader(new TagWriter().properties(values).toBuffer());
        expect(Object.fromEntries(reader.properties())).toEqual(values);
      }),
    );
  });

  it('are refused when they are anything else, and nothing worse happens', () => {
    for (const read of Object.values(readers)) {
      fc.assert(
        fc.property(garbage, (bytes) => {
          try {
            read(new TagReader(Buffer.from(bytes)));
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        }),
        { numRuns: 500 },
      );
    }
  });

  it('are refused when they are cut off', () => {
    const whole = new TagWriter()
      .string('server')
      .string('1')
      .string('user')
      .string('host')
      .sampleSpec({ format: 3, channels: 2, rateHz: 48_000 })
      .string('sink')
      .string(null)
      .toBuffer();
    expect(readServerInfo(new TagReader(whole))).toMatchObject({ defaultSink: 'sink' });
    for (let length = 0; length < whole.length; length++) {
      const cut = new TagReader(whole.subarray(0, length));
      expect(() => readServerInfo(cut)).toThrow(ProtocolError);
    }
  });
});

describe('packets', () => {
  it('come out whole, however they are cut on their way', () => {
    const contents = fc.array(fc.uint8Array({ minLength: 1, maxLength: 100 }), { maxLength: 10 });
    fc.assert(
      fc.property(contents, fc.array(fc.nat(200)), (sent, cuts) => {
        const stream = Buffer.concat(sent.map((one) => packet(Buffer.from(one))));
        const splitter = new PacketSplitter();
        const found: Buffer[] = [];
        let at = 0;
        for (const length of [...cuts, stream.length]) {
          found.push(...splitter.push(stream.subarray(at, at + length)));
          at = Math.min(stream.length, at + length);
        }
        expect(found.map((one) => [...one])).toEqual(sent.map((one) => [...one]));
      }),
    );
  });

  it('are refused when they are too large', () => {
    const head = packet(Buffer.alloc(4));
    head.writeUInt32BE(0x7fff_ffff, 0);
    expect(() => new PacketSplitter().push(head)).toThrow(ProtocolError);
  });

  it('never break the splitter', () => {
    fc.assert(
      fc.property(fc.array(garbage, { maxLength: 5 }), (chunks) => {
        const splitter = new PacketSplitter();
        try {
          for (const chunk of chunks) splitter.push(Buffer.from(chunk));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });
});
