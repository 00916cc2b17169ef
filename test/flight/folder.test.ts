import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { launch, pidOf, temporaryFile, testSettings, until, whole } from '../kit/engine.js';
import { replay } from '../kit/flight.js';

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

/** Settings of an engine that holds a minute of its past in a folder. */
async function settingsFor(more: readonly string[] = []) {
  const folder = dirname(await temporaryFile('flight'));
  const set = ['flight.minutes=1', `flight.folder=${folder}`, 'flight.segmentSec=1', ...more];
  const settings = testSettings(set);
  return { settings, root: join(folder, settings.engine.name) };
}

describe('the flight recorder', () => {
  it('keeps the stretch around a death by itself, and all of it replays', async () => {
    const { settings, root } = await settingsFor(['flight.keepAfterSec=1']);
    await using engine = await launch({ settings });
    await whole(engine);
    const stream = await engine.openStream({ rate: 48_000, channels: 2, format: 's16' });
    const written = stream.write(Int16Array.from({ length: 288_000 }, (_, i) => (i * 7919) % 9973));
    await until('two files are written', () => namesIn(join(root, 'runs')).length > 0);
    process.kill(pidOf(engine, 'replica'), 'SIGKILL');
    await until('a stretch is kept', () => (engine.status().flight?.kept ?? 0) > 0);
    await written;
    await engine.stop();
    const kept = namesIn(join(root, 'kept'));
    expect(kept.length).toBeGreaterThan(0);
    expect(kept[0]).toMatch(/^\d{8}-\d{6}-process-ended$/);
    const stretch = await replay(join(root, 'kept', kept[0]!));
    expect(stretch).toMatchObject({ firstDifference: null, damages: [] });
    expect(stretch.compared).toBeGreaterThan(0);
    const [session] = namesIn(join(root, 'runs'));
    const all = await replay(join(root, 'runs', session!));
    expect(all).toMatchObject({ firstDifference: null, damages: [], hasEnd: true });
    expect(all.quanta).toBeGreaterThan(stretch.quanta);
  });

  it('keeps the last of a run that was cut off, once the next one begins', async () => {
    const { settings, root } = await settingsFor();
    const engine = await launch({ settings });
    await whole(engine);
    await until(
      'something is written',
      () => (engine.status().flight?.bytes ?? 0) > 0 || hasFile(root),
    );
    await until('a step is written', () => sizeOf(root) > 4000);
    process.kill(engine.keeperPid, 'SIGKILL');
    await engine.ended;
    await using next = await until('the name is free', () =>
      launch({ settings }).catch(() => null),
    );
    await whole(next);
    const kept = await until('it is kept', () => namesIn(join(root, 'kept')).find(isCutOff));
    await next.stop();
    expect(await replay(join(root, 'kept', kept))).toMatchObject({ firstDifference: null });
  });

  it('holds no more than it may', async () => {
    const { settings, root } = await settingsFor(['flight.minutes=0.05']);
    await using engine = await launch({ settings });
    await until('old files are gone', () => {
      const [session = ''] = namesIn(join(root, 'runs'));
      return session !== '' && !existsSync(join(root, 'runs', session, '000000.tj'));
    });
    const [session = ''] = namesIn(join(root, 'runs'));
    expect(namesIn(join(root, 'runs', session)).length).toBeLessThanOrEqual(6);
    await engine.stop();
    expect(await replay(join(root, 'runs', session))).toMatchObject({ firstDifference: null });
  });

  it('goes on when its folder cannot be made, and says what the disk refuses', async () => {
    const settings = testSettings(['flight.minutes=1', 'flight.folder=/proc/nowhere']);
    await using engine = await launch({ settings });
    await whole(engine);
    await until('it says so', () => engine.status().flight?.trouble === 'ENOENT');
    expect(engine.status().state).toBe('running');
    await engine.stop();
    expect(engine.status().flight?.state).toBe('failed');
  });
});

const isCutOff = (name: string) => name.endsWith('-cut-off');

function hasFile(root: string): boolean {
  return sizeOf(root) > 0;
}

function sizeOf(root: string): number {
  const [session = ''] = namesIn(join(root, 'runs'));
  const run = join(root, 'runs', session);
  return namesIn(run).reduce((sum, name) => sum + statSync(join(run, name)).size, 0);
}
