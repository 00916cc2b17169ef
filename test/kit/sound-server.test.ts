import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SoundServer } from './sound-server.js';

it('runs a sound server whose sinks are heard, and leaves nothing of it', async () => {
  const server = await SoundServer.start();
  await server.addSink({ name: 'hall' });
  await server.addSink({ name: 'phone', rate: 44_100, channels: 1 });
  await server.addSource('microphone', 'hall');
  await server.setDefaultSink('phone');
  await server.setDefaultSource('microphone');
  const listener = await server.listen('hall');
  expect((await listener.stop()).length).toBeGreaterThan(0);
  await server.removeSink('phone');
  const pid = server.pid('pipewire');
  await server.close();
  expect(existsSync(`/proc/${pid}`)).toBe(false);
  expect(existsSync(server.logFile)).toBe(false);
});

it('brings the sinks back when it is killed and started again', async () => {
  const server = await SoundServer.start();
  await server.addSink({ name: 'hall' });
  await server.addSource('microphone', 'hall');
  await server.killServer();
  await expect(server.hasSink('hall')).rejects.toThrow();
  await server.startServer();
  expect(await server.hasSink('hall')).toBe(true);
});

it('runs beside another one', async () => {
  const [one, other] = await Promise.all([SoundServer.start(), SoundServer.start()]);
  await one.addSink({ name: 'hall' });
  expect(await other.hasSink('hall')).toBe(false);
});
