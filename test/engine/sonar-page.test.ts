import { request } from 'node:http';
import { expect, it } from 'vitest';
import WebSocket from 'ws';
import { until } from '../kit/engine.js';
import { interrupt, type Line, startSonarPage } from '../kit/sonar.js';

/** The status of an answer to a request that names a host of its own. */
function statusFor(address: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(address, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.once('error', reject).end();
  });
}

it('the page of the sonar shows and steers it, and nobody else can', async () => {
  const { child, lines, address } = await startSonarPage();
  const page = await fetch(address);
  expect(page.status).toBe(200);
  const html = await page.text();
  expect(html).toContain('Tenuto sonar');
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? '';
  expect((await fetch(new URL(script, address))).headers.get('content-type')).toMatch(/javascript/);
  expect((await fetch(new URL('/../package.json', address))).status).toBe(404);
  expect(await statusFor(address, { host: 'evil.example' })).toBe(421);

  const evil = new WebSocket(`${address}sonar`, { origin: 'http://evil.example' });
  await expect(
    new Promise((resolve, reject) => evil.once('open', resolve).once('error', reject)),
  ).rejects.toThrow(/403/);

  const socket = new WebSocket(`${address.replace('http', 'ws')}sonar`);
  const heard: Line[] = [];
  let profiles = 0;
  socket.on('message', (data, isBinary) => {
    if (isBinary) profiles++;
    else heard.push(JSON.parse(data.toString()));
  });
  const last = (type: string) => heard.filter((one) => one.type === type).at(-1);
  await until('readings come', () => last('reading')?.reading.distanceM !== undefined);
  expect(Math.abs(last('reading').reading.distanceM - 1.5)).toBeLessThan(1e-3);
  await until('profiles come', () => profiles > 1);
  expect(JSON.stringify(last('state'))).not.toContain('kmsg');

  const send = (message: unknown) => socket.send(JSON.stringify(message));
  for (const wrong of [{ do: 'set', settings: { kernelLog: '/etc/passwd' } }, { do: 'exec' }, 7]) {
    heard.length = 0;
    send(wrong);
    await until('it is refused', () => last('message')?.text === 'that cannot be asked for');
  }
  send({ do: 'set', settings: { endHz: 1e9 } });
  await until('it is refused with its name', () => /endHz/.test(last('message')?.text));
  send({ do: 'set', settings: { maxM: 3 } });
  await until('it is changed', () => last('state')?.settings.maxM === 3);
  send({ do: 'stop' });
  await until('it has stopped', () => last('state')?.running === false);
  send({ do: 'latency' });
  await until('the latency is told', () => last('latency')?.frames > 480);
  const csv = await (await fetch(new URL('/export.csv', address))).text();
  expect(csv).toMatch(/^count,timeMs,distanceM/);
  const wav = Buffer.from(await (await fetch(new URL('/export.wav', address))).arrayBuffer());
  expect(wav.subarray(0, 4).toString()).toBe('RIFF');
  send({ do: 'clear' });
  await until('it is cleared', () => last('state')?.history.length === 0);
  send({ do: 'start' });
  await until('it runs again', () => last('state')?.running === true);
  socket.close();

  expect(await interrupt(child)).toBe(130);
  expect(lines.at(-1)).toMatchObject({ event: 'message' });
});
