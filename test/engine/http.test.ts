import { once } from 'node:events';
import { createServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { patchSchema } from '../../dist/control/http/patch-view.js';
import {
  deviceSchema,
  errorSchema,
  eventSchema,
  processSchema,
  statusSchema,
  streamSchema,
  timersSchema,
  tripwireSchema,
} from '../../dist/control/http/schemas.js';
import { limits } from '../../dist/limits.js';
import { launch, pidOf, testSettings, until, whole } from '../kit/engine.js';
import { ask, httpOf } from '../kit/http.js';

const anyPort = 'control.http=127.0.0.1:0';
const secret = 'only-for-this-test';

/** Expects that control, if it ended at all, was not brought down by what it was asked. */
async function expectNoCrash(base: string): Promise<void> {
  const { processes } = (await ask(`${base}/api/v1/processes`)).body;
  const control = processes.find(({ role }: { role: string }) => role === 'control');
  expect(control.lastEnd?.how ?? '').not.toContain('status');
}

describe('the HTTP interface', () => {
  it('tells the engine as its schemas say, and describes itself', async () => {
    await using engine = await launch({ settings: testSettings([anyPort]) });
    await whole(engine);
    const base = await httpOf(engine);
    const get = async (path: string) => {
      const answered = await ask(`${base}${path}`);
      expect(answered.status, path).toBe(200);
      return answered;
    };
    const { v, ...state } = (await get('/api/v1/state')).body;
    expect(v).toBe(1);
    expect(statusSchema.parse(state).control.http).toBe(base);
    processSchema.array().parse((await get('/api/v1/processes')).body.processes);
    streamSchema.array().parse((await get('/api/v1/streams')).body.streams);
    deviceSchema.parse((await get('/api/v1/devices')).body.device);
    tripwireSchema.array().parse((await get('/api/v1/tripwires')).body.tripwires);
    const { v: _, ...patch } = (await get('/api/v1/patch')).body;
    const filter = patchSchema.parse(patch).nodes.find(({ name }) => name === 'filter');
    const cutoff = filter?.ports.find(({ name }) => name === 'cutoff');
    expect(cutoff?.cables).toEqual([{ node: 'envelope', output: 'out' }]);
    timersSchema.parse((await get('/api/v1/timers')).body.timers);
    const events = eventSchema.array().parse((await get('/api/v1/events')).body.events);
    expect(events.length).toBeGreaterThan(3);
    const since = events[1]?.sequence;
    const later = (await get(`/api/v1/events?since=${since}`)).body.events;
    expect(later[0].sequence).toBe(events[2]?.sequence);
    expect((await get('/healthz')).text).toBe('running\n');
    expect((await get('/metrics')).text).toContain('tenuto_engine_state{state="running"} 1');

    const page = await get('/');
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    for (const [, file] of page.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)) await get(file!);

    const description = (await get('/api/v1/openapi.json')).body;
    expect(Object.keys(description.paths)).toContain('/api/v1/processes/{pid}/kill');
    const references = [
      ...JSON.stringify(description).matchAll(/"#\/components\/schemas\/(\w+)"/g),
    ];
    expect(references.length).toBeGreaterThan(5);
    for (const [, name] of references) expect(description.components.schemas).toHaveProperty(name!);
  });

  it('refuses what it does not understand, and what has no right to it', async () => {
    await using engine = await launch({ settings: testSettings([anyPort]) });
    await whole(engine);
    const base = await httpOf(engine);
    const refused = async (status: number, path: string, options?: Parameters<typeof ask>[1]) => {
      const answered = await ask(`${base}${path}`, options);
      expect(answered.status, path).toBe(status);
      errorSchema.parse(answered.body);
      return answered.body.error.code as string;
    };
    await refused(404, '/api/v1/nothing');
    await refused(404, '/../package.json');
    await refused(404, '/%2e%2e/control/main.js');
    await refused(400, '/api/v1/events?since=-1');
    await refused(400, '/api/v1/events?until=1');
    await refused(421, '/api/v1/state', { headers: { host: 'evil.example' } });
    await refused(403, '/api/v1/state', { headers: { origin: 'http://evil.example' } });
    const victim = `/api/v1/processes/${pidOf(engine, 'replica', 0)}/kill`;
    expect(await refused(403, victim, { method: 'POST' })).toBe('TENUTO_REQUEST_FORBIDDEN');
    const large = { method: 'POST', headers: { 'content-type': 'application/json' } };
    await refused(413, victim, { ...large, body: `"${'x'.repeat(limits.requestBytesMax)}"` });
    await refused(400, victim, { ...large, body: '{"a":' });
    await refused(415, victim, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'a',
    });
    expect(engine.status().counters.httpRefused).toBeGreaterThanOrEqual(10);
    await expectNoCrash(base);
  });

  it('stands whatever comes as a path, a header or a body', async () => {
    await using engine = await launch({ settings: testSettings([anyPort, 'control.demo=on']) });
    await whole(engine);
    const base = await httpOf(engine);
    const paths = fc.oneof(
      fc.webPath(),
      fc.constantFrom(
        '/api/v1/events?since=',
        '/api/v1/processes/1/kill',
        '/api/v1/processes/x/hang',
      ),
      fc.string({ unit: fc.constantFrom(...'/%.?&=api01~'.split('')) }).map((text) => `/${text}`),
    );
    const bodies = fc.option(fc.oneof(fc.json(), fc.string()), { nil: undefined });
    const methods = fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE');
    await fc.assert(
      fc.asyncProperty(methods, paths, bodies, async (method, path, body) => {
        const headers = { 'content-type': 'application/json' };
        const sent = body === undefined || method === 'GET' ? {} : { body };
        const { status } = await ask(`${base}${path}`, { method, headers, ...sent });
        expect(status).toBeGreaterThanOrEqual(200);
        expect(status).toBeLessThan(500);
      }),
      { numRuns: 200, interruptAfterTimeLimit: 5000 },
    );
    expect((await ask(`${base}/healthz`)).text).toBe('running\n');
    await expectNoCrash(base);
  });

  it('asks for the token everywhere but at the pages and for health', async () => {
    const settings = testSettings([anyPort, `control.token=${secret}`]);
    await using engine = await launch({ settings });
    const base = await httpOf(engine);
    expect((await ask(`${base}/healthz`)).status).toBe(200);
    expect((await ask(`${base}/metrics`)).status).toBe(401);
    const wrong = await ask(`${base}/api/v1/state`, { headers: { authorization: 'Bearer x' } });
    expect([wrong.status, wrong.body.error.code]).toEqual([401, 'TENUTO_TOKEN_WRONG']);
    const headers = { authorization: `Bearer ${secret}` };
    expect((await ask(`${base}/api/v1/state`, { headers })).status).toBe(200);
  });

  it('is not opened to other machines without a token', () => {
    expect(() => testSettings(['control.http=0.0.0.0:0'])).toThrow(/control\.token/);
  });

  it('says that its port is taken, lets the engine play, and takes it when it is free', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const settings = testSettings([`control.http=127.0.0.1:${port}`]);
    await using engine = await launch({ settings });
    await whole(engine);
    expect(engine.status()).toMatchObject({ state: 'running', control: { http: null, ws: null } });
    other.close();
    expect(await httpOf(engine)).toBe(`http://127.0.0.1:${port}`);
  });

  it('is back at the same place when control was killed', async () => {
    await using engine = await launch({ settings: testSettings([anyPort]) });
    await whole(engine);
    const base = await httpOf(engine);
    process.kill(pidOf(engine, 'control'), 'SIGKILL');
    await until('control is started again', () => engine.status().counters.restartsControl > 0);
    await until('it answers', () => ask(`${base}/healthz`).catch(() => null));
    const { processes } = (await ask(`${base}/api/v1/processes`)).body;
    const control = processes.find(({ role }: { role: string }) => role === 'control');
    expect(control).toMatchObject({ starts: 2, lastEnd: { how: 'was killed' } });
  });

  it('kills and stops processes in the demo, of the engine alone, and never the keeper', async () => {
    await using engine = await launch({ settings: testSettings([anyPort, 'control.demo=on']) });
    await whole(engine);
    const base = await httpOf(engine);
    const harm = (pid: number, how: string) =>
      ask(`${base}/api/v1/processes/${pid}/${how}`, { method: 'POST' });
    expect((await harm(process.pid, 'kill')).status).toBe(404);
    expect((await harm(pidOf(engine, 'keeper'), 'kill')).status).toBe(403);
    const replica = pidOf(engine, 'replica', 0);
    expect((await harm(replica, 'kill')).body).toMatchObject({ v: 1, name: 'replica 0' });
    await until('it is replaced', () => engine.status().counters.restartsReplica > 0);
    await whole(engine);
    const second = pidOf(engine, 'replica', 1);
    expect((await harm(second, 'hang')).status).toBe(200);
    await until('it is replaced', () => engine.status().counters.hungReplica > 0);
    await until('it is told why', async () => {
      const { processes } = (await ask(`${base}/api/v1/processes`)).body;
      return processes.some(
        (one: { lastEnd: { how: string } | null }) => one.lastEnd?.how === 'stood still',
      );
    });
  });
});
