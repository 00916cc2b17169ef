import { describe, expect, it } from 'vitest';
import { limits } from '../../dist/limits.js';
import { launch, pidOf, testSettings, until, whole } from '../kit/engine.js';
import { httpOf, Listener } from '../kit/http.js';

const anyPort = 'control.http=127.0.0.1:0';
const secret = 'only-for-this-test';

async function socketOf(engine: Awaited<ReturnType<typeof launch>>): Promise<string> {
  await httpOf(engine);
  return until('the WebSocket is open', () => engine.status().control.ws);
}

describe('a reader of the WebSocket', () => {
  it('hears state, events, levels and values, and takes a command to its acknowledgement', async () => {
    await using engine = await launch({ settings: testSettings([anyPort]) });
    await whole(engine);
    using reader = await Listener.open(await socketOf(engine));
    expect(await reader.next('hello')).toMatchObject({ v: 1, engine: engine.name, demo: false });
    reader.send({ type: 'subscribe', topics: ['state', 'events', 'meters', 'values'], since: 0 });
    const first = await reader.next('state');
    expect(first.state.state).toBe('running');
    expect(first.processes.length).toBe(engine.status().processes.length);
    await reader.next('state', ({ state }) => state.tick > first.state.tick);
    const { events } = await reader.next('events');
    expect(events[0]).toMatchObject({ sequence: 1, level: 'debug' });
    const { peak, rms } = await reader.next('meters', (levels) => levels.peak[0] > 0);
    expect(peak.length).toBe(2);
    expect(rms[0]).toBeLessThanOrEqual(peak[0]);
    const { values } = await reader.next('parameters');
    expect(values['filter.resonance'].target).toBeDefined();

    const command = { do: 'set', path: 'filter.resonance', value: 0.5, id: 'once' };
    reader.send({ type: 'command', command });
    expect(await reader.next('ack')).toMatchObject({ id: 'once', ok: true });
    const change = await reader.next('values');
    expect(change.values['filter.resonance']).toBeCloseTo(0.5);
    reader.send({ type: 'command', command });
    expect(await reader.next('ack', ({ repeated }) => repeated)).toMatchObject({ id: 'once' });

    process.kill(pidOf(engine, 'replica', 0), 'SIGKILL');
    await reader.next('events', (message) =>
      message.events.some(({ text }: { text: string }) => text === 'replica 0 was killed'),
    );
  });

  it('hears every sample that is played, in order', async () => {
    await using engine = await launch({ settings: testSettings([anyPort]) });
    await whole(engine);
    using reader = await Listener.open(await socketOf(engine));
    reader.send({ type: 'subscribe', taps: ['@played'] });
    expect(await reader.next('tap')).toMatchObject({ tap: '@played', number: 0, lanes: 2 });
    await until('a second has come', () => {
      const bytes = reader.binaries.reduce((sum, one) => sum + one.length - 16, 0);
      return bytes > 48_000 * 8;
    });
    let next: number | null = null;
    let lost = 0;
    for (const block of reader.binaries) {
      const [tap, lanes, frame] = [0, 4, 8].map((at) => block.readUInt32LE(at));
      lost += block.readUInt32LE(12);
      expect([tap, lanes]).toEqual([0, 2]);
      if (next !== null) expect(frame).toBe(next);
      next = frame! + (block.length - 16) / 8;
    }
    expect(lost).toBe(0);
  });

  it('is told what it cannot have, and goes on', async () => {
    await using engine = await launch({ settings: testSettings([anyPort]) });
    await whole(engine);
    using reader = await Listener.open(await socketOf(engine));
    for (const wrong of ['{', '[]', '{"type":"sing"}', '{"type":"subscribe","topics":["x"]}']) {
      reader.texts.length = 0;
      reader.send(wrong);
      expect((await reader.next('error')).code).toBe('TENUTO_REQUEST_INVALID');
    }
    reader.texts.length = 0;
    const points = ['voice', 'filter.cutoff', 'notes.freq'];
    reader.send({ type: 'subscribe', taps: points });
    for (const tap of points) await reader.next('tap', (one) => one.tap === tap);
    await until('all three come', () => new Set(reader.binaries.map((one) => one[0])).size === 3);
    reader.send({ type: 'unsubscribe', taps: points });
    reader.texts.length = 0;
    reader.send({ type: 'subscribe', taps: ['nobody'] });
    expect((await reader.next('error')).code).toBe('TENUTO_PATCH_UNKNOWN');
    reader.send({ type: 'command', command: { do: 'set', path: 'filter.nothing', value: 1 } });
    expect(await reader.next('ack')).toMatchObject({ ok: false, code: 'TENUTO_COMMAND_UNKNOWN' });
    reader.texts.length = 0;
    reader.send({ type: 'command', command: { id: 'odd', do: 'set', path: 'filter.cutoff' } });
    const odd = { id: 'odd', ok: false, code: 'TENUTO_COMMAND_INVALID' };
    expect(await reader.next('ack')).toMatchObject(odd);
    reader.texts.length = 0;
    reader.send('x'.repeat(limits.requestBytesMax + 1));
    expect((await reader.next('error')).code).toBe('TENUTO_REQUEST_LIMIT');
    reader.send('x'.repeat(2 * limits.requestBytesMax + 1));
    await until('it is cut off', () => reader.isClosed);
    using another = await Listener.open(await socketOf(engine));
    await another.next('hello');
  });

  it('changes the patch, however large it is', async () => {
    await using engine = await launch({ settings: testSettings([anyPort]) });
    await whole(engine);
    using reader = await Listener.open(await socketOf(engine));
    const patch = 'nodes: { hum: { type: osc, freq: 110 }, out: { type: out, in: hum } } #"';
    const text = patch.padEnd(limits.patchBytesMax, '"');
    reader.send({ type: 'command', command: { do: 'loadPatch', id: 'large', text } });
    expect(await reader.next('ack')).toMatchObject({ id: 'large', ok: true });
    reader.texts.length = 0;
    const late = { do: 'loadPatch', id: 'late', text: patch, at: { inSec: 1 } };
    reader.send({ type: 'command', command: late });
    expect(await reader.next('ack')).toMatchObject({
      code: 'TENUTO_COMMAND_INVALID',
      message: expect.stringMatching(/takes no time/),
    });
    reader.texts.length = 0;
    reader.send({ type: 'command', command: { do: 'loadPatch', text: patch, ifSeq: 99 } });
    expect(await reader.next('ack')).toMatchObject({ code: 'TENUTO_COMMAND_STALE' });
  });

  it('has to have the right to it', async () => {
    const settings = testSettings([anyPort, `control.token=${secret}`]);
    await using engine = await launch({ settings });
    const url = await socketOf(engine);
    expect(await Listener.refusal(url)).toBe(401);
    expect(await Listener.refusal(url, { origin: 'http://evil.example' })).toBe(403);
    expect(await Listener.refusal(url, { host: 'evil.example' })).toBe(421);
    expect(await Listener.refusal(url.replace('/ws', '/other'))).toBe(404);
    const coded = Buffer.from(secret).toString('base64url');
    using reader = await Listener.open(url, { protocols: ['tenuto', `tenuto.bearer.${coded}`] });
    expect(reader.socket.protocol).toBe('tenuto');
    await reader.next('hello');
  });

  it('is dropped when it does not read, while the sound and the others go on', async () => {
    await using engine = await launch({ settings: testSettings([anyPort]) });
    await whole(engine);
    const url = await socketOf(engine);
    using steady = await Listener.open(url);
    steady.send({ type: 'subscribe', taps: ['@played'] });
    const stalled = await Promise.all([0, 1, 2].map(() => Listener.open(url)));
    for (const one of stalled) {
      one.send({ type: 'subscribe', taps: ['@played'], topics: ['state', 'meters'] });
      await one.next('tap');
      one.socket.pause();
    }
    await until('they are dropped', () => engine.status().counters.readersDropped === 3, 50_000);
    const heard = steady.binaries.length;
    await until('the other one hears', () => steady.binaries.length > heard + 10);
    for (const one of stalled) one.socket.terminate();
    expect(engine.status().counters.readersOpened).toBe(4);
  });
});
