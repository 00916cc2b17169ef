import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../limits.js';
import { commandSchema } from '../bus/command.js';
import { readControl } from './desk.js';

/** How long each parser is fed with what it does not expect. */
const budgetMs = 1500;
const forAWhile = {
  interruptAfterTimeLimit: budgetMs,
  markInterruptAsFailure: false,
  numRuns: 1e6,
};

const time = fc.oneof(
  fc.record({ tick: fc.nat(), frame: fc.nat({ max: 1023 }) }),
  fc.record({ inSec: fc.double({ min: 0, max: 1000, noNaN: true }) }),
  fc.record({ ntp: fc.tuple(fc.nat(), fc.nat()) }),
);
const change = fc.oneof(
  fc.record({
    do: fc.constant('set'),
    path: fc.constant('a.b'),
    value: fc.double({ noNaN: true }),
  }),
  fc.record({ do: fc.constant('gate'), path: fc.constant('a.gate'), value: fc.boolean() }),
  fc.record({ do: fc.constant('trigger'), path: fc.constant('a.gate') }),
  fc.record({ do: fc.constantFrom('start', 'stop') }),
);
const command = fc.oneof(
  fc.tuple(change, fc.option(time, { nil: undefined })).map(([one, at]) => ({ ...one, at })),
  fc.record({
    do: fc.constant('bundle'),
    commands: fc.array(change, { minLength: 1, maxLength: limits.bundleCommandsMax }),
  }),
);

/** A command, with one thing in it replaced by anything. */
const spoilt = fc.tuple(command, fc.nat(), fc.jsonValue()).map(([one, at, value]) => {
  const keys = Object.keys(one);
  return { ...one, [keys[at % keys.length]!]: value };
});

describe('a command as JSON', () => {
  it('is understood when it is well formed', () => {
    fc.assert(
      fc.property(command, (one) => {
        const finite = JSON.parse(JSON.stringify(one)) as unknown;
        const isSound = !JSON.stringify(finite).includes('null');
        expect(commandSchema.safeParse(finite).success).toBe(isSound);
      }),
    );
  });

  it('is refused, with the place of what is wrong, or understood: nothing else happens', () => {
    fc.assert(
      fc.property(fc.oneof(spoilt, fc.jsonValue(), fc.anything()), (one) => {
        const parsed = commandSchema.safeParse(one);
        if (!parsed.success) expect(parsed.error.issues.length).toBeGreaterThan(0);
        else
          expect(['set', 'gate', 'trigger', 'start', 'stop', 'bundle']).toContain(parsed.data.do);
      }),
      forAWhile,
    );
  });

  it('cannot reach into what objects are made of', () => {
    const text = '{"do":"set","path":"a.b","value":1,"__proto__":{"id":"x"},"constructor":1}';
    expect(commandSchema.safeParse(JSON.parse(text)).success).toBe(false);
  });
});

describe('a packet of the remote', () => {
  const control = fc.record({ seq: fc.nat(), cmd: fc.constant('a.b'), value: fc.nat() });

  it('is read, or it is said why not, whatever is in it', () => {
    const noise = fc.uint8Array({ maxLength: 500 });
    const cut = fc.tuple(control, fc.nat()).map(([one, end]) => {
      const bytes = Buffer.from(JSON.stringify(one));
      return new Uint8Array(bytes.subarray(0, end % (bytes.length + 1)));
    });
    const odd = fc.json().map((text) => new Uint8Array(Buffer.from(text)));
    fc.assert(
      fc.property(fc.oneof(noise, cut, odd), (bytes) => {
        const read = readControl(bytes);
        if (typeof read !== 'string') expect(read.seq).toBeGreaterThanOrEqual(0);
      }),
      forAWhile,
    );
    expect(readControl(new Uint8Array(limits.remotePacketBytesMax + 1))).toMatch(/longer than/);
  });
});
