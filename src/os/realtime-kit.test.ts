import { once } from 'node:events';
import net from 'node:net';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { TenutoError } from '../errors.js';
import { ByteReader, ByteWriter } from './dbus-message.js';
import { abstractPath } from './instance-lock.js';
import { decodeMessage, encodeCall, requestRealtimeKit } from './realtime-kit.js';

/** Lays out an answer as a bus does: type 2 is a return, 3 an error. */
function encodeAnswer(type: 2 | 3 | 4, replyTo: number, body: ByteWriter, error = ''): Buffer {
  const fields = new ByteWriter();
  fields.align(8);
  fields.bytes([5]);
  fields.signature('u');
  fields.uint32(replyTo);
  if (error !== '') fields.field(4, 's', error);
  if (body.length > 0) fields.field(8, 'g', error === '' ? 'v' : 's');
  const message = new ByteWriter();
  message.bytes([0x6c, type, 0, 1]);
  message.uint32(body.length);
  message.uint32(1);
  message.uint32(fields.length);
  message.append(fields);
  message.align(8);
  message.append(body);
  return message.toBuffer();
}

function int32Variant(value: number): ByteWriter {
  const body = new ByteWriter();
  body.signature('i');
  body.uint32(value >>> 0);
  return body;
}

function text(value: string): ByteWriter {
  const body = new ByteWriter();
  body.text(value);
  return body;
}

type Reply = Buffer | 'hang up';

/**
 * A bus with RealtimeKit on it that answers by script, one reply for each call, in pieces of three
 * bytes, as a stream may deliver them. The real ones cannot be had on every machine.
 */
async function scriptedBus(name: string, greeting: string, replies: Reply[]) {
  const path = abstractPath(`tenuto-test-${name}-${process.pid}`);
  const calls: Buffer[] = [];
  const server = net.createServer((socket) => {
    let received = Buffer.alloc(0);
    let begun = false;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      if (!begun && received.includes('\r\n') && !received.includes('BEGIN')) {
        socket.write(greeting);
      }
      const begin = received.indexOf('BEGIN\r\n');
      if (!begun && begin >= 0) {
        begun = true;
        received = received.subarray(begin + 7);
      }
      for (let next = begun && decodeMessage(received); next; next = decodeMessage(received)) {
        calls.push(received.subarray(0, next.bytes));
        received = received.subarray(next.bytes);
        const reply = replies.shift();
        if (reply === undefined || reply === 'hang up') return socket.destroy();
        for (let at = 0; at < reply.length; at += 3) socket.write(reply.subarray(at, at + 3));
      }
    });
  });
  server.listen({ path });
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return { path, calls };
}

const asked = { pid: 1234, tid: 1235, priority: 50 };
const nothing = new ByteWriter();

test('a grant is asked for as far as the kit allows, past what else the bus says', async () => {
  const { path, calls } = await scriptedBus('grant', 'OK 0123\r\n', [
    Buffer.concat([encodeAnswer(2, 1, nothing), encodeAnswer(4, 0, nothing)]),
    encodeAnswer(2, 2, int32Variant(20)),
    encodeAnswer(2, 3, nothing),
  ]);
  expect(await requestRealtimeKit({ ...asked, busPath: path })).toEqual({
    granted: true,
    priority: 20,
  });
  expect(calls.map((call) => call.toString('latin1'))).toEqual([
    expect.stringContaining('Hello'),
    expect.stringContaining('MaxRealtimePriority'),
    expect.stringContaining('MakeThreadRealtimeWithPID'),
  ]);
  const body = calls[2]?.subarray(-20) ?? Buffer.alloc(0);
  expect([body.readBigUInt64LE(0), body.readBigUInt64LE(8)]).toEqual([1234n, 1235n]);
  expect(body.readUInt32LE(16)).toBe(20);
});

test('each way not to get it is an answer with its reason', async () => {
  const missing = encodeAnswer(3, 2, text('no such name'), 'org.x.ServiceUnknown');
  const hello = encodeAnswer(2, 1, nothing);
  const tooLong = Buffer.from(hello);
  tooLong.writeUInt32LE(0x7fffffff, 4);
  const stories: [string, string, Reply[], RegExp][] = [
    ['refused', 'REJECTED EXTERNAL\r\n', [], /refuses this user: REJECTED/],
    ['missing', 'OK x\r\n', [hello, missing], /org\.x\.ServiceUnknown: no such name/],
    ['gone', 'OK x\r\n', [hello, 'hang up'], /closed the connection/],
    ['long', 'OK x\r\n', [tooLong], /too long/],
    ['endless', 'x'.repeat(5000), [], /refuses this user/],
  ];
  for (const [name, greeting, replies, reason] of stories) {
    const { path } = await scriptedBus(name, greeting, replies);
    const grant = await requestRealtimeKit({ ...asked, busPath: path });
    expect(grant).toEqual({ granted: false, priority: 0, reason: expect.stringMatching(reason) });
  }
  const nowhere = await requestRealtimeKit({ ...asked, busPath: '/nonexistent/bus' });
  expect(nowhere.reason).toContain('ENOENT');
});

test('a call is laid out as the specification says', () => {
  const call = { destination: 'd.d', path: '/p', contract: 'i.i', member: 'M', types: 'ut' };
  const bytes = encodeCall(7, { ...call, body: [1, 2 ** 40 + 3] });
  const expected = [
    ...['6c010001', '10000000', '07000000', '48000000'],
    ...['01016f00', '02000000', '2f700000', '00000000'],
    ...['02017300', '03000000', '692e6900', '00000000'],
    ...['03017300', '01000000', '4d000000', '00000000'],
    ...['06017300', '03000000', '642e6400', '00000000'],
    ...['08016700', '02757400'],
    ...['01000000', '00000000', '03000000', '00010000'],
  ];
  expect(bytes.toString('hex')).toBe(expected.join(''));
});

test('no bytes from the bus do more than be refused', () => {
  const header = Buffer.from(encodeAnswer(2, 1, text('x'), 'e'));
  const noise = fc.array(fc.tuple(fc.nat(header.length - 1), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(noise, fc.nat(header.length), (changes, length) => {
      const data = Buffer.from(header);
      for (const [at, value] of changes) data[at] = value;
      try {
        const next = decodeMessage(data.subarray(0, length));
        if (next) expect(next.bytes).toBeLessThanOrEqual(length);
      } catch (error) {
        expect(error).toBeInstanceOf(TenutoError);
      }
    }),
    { numRuns: 5000 },
  );
  expect(() => new ByteReader(Buffer.alloc(3), 0, true).uint32()).toThrow('too short');
});
