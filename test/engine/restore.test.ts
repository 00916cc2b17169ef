import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeWhole } from '../../dist/media/index.js';
import { killNow } from '../../dist/os/index.js';
import { launch, pidOf, temporaryFile, testSettings, until, whole } from '../kit/engine.js';

async function stateFile(): Promise<{ path: string; set: string[] }> {
  const path = await temporaryFile('state.json');
  return { path, set: [`control.stateFile=${path}`] };
}

describe('the last commanded state', () => {
  it('is kept, whatever becomes of the engine, and restored on request at a safe level', async () => {
    const { path, set } = await stateFile();
    const engine = await launch({ settings: testSettings(set) });
    await whole(engine);
    await engine.set('room.mix', 0.75);
    await engine.set('notes.transpose', 7);
    const saved = () => {
      try {
        return JSON.parse(readFileSync(path, 'utf8')) as { values: Record<string, number> };
      } catch {
        return null;
      }
    };
    await until('it is saved', () => saved()?.values['notes.transpose'] === 7);
    killNow(engine.keeperPid);
    await engine.ended;

    const recordPath = await temporaryFile('restored.wav');
    const settings = testSettings(set);
    const next = await launch({ settings, restore: true, recordPath });
    expect(next.restored!.skipped).toEqual([]);
    await whole(next);
    const { values, transport, seq } = await next.get();
    expect(values['room.mix']!.target).toBe(0.75);
    expect(values['notes.transpose']!.target).toBe(7);
    expect(transport).toBe('playing');
    expect(seq).toBe(4);
    await until('some seconds', () => next.status().playedSec > 1);
    await next.stop();
    const { samples } = await decodeWhole(recordPath, { rate: 48_000, channels: 2 });
    const loudest = (from: number, to: number) =>
      samples.subarray(from * 2, to * 2).reduce((most, one) => Math.max(most, Math.abs(one)), 0);
    // Three commands come before the fade, all of them in the first tick.
    expect(loudest(0, 128)).toBeLessThan(0.01);
    expect(loudest(24_000, 48_000)).toBeGreaterThan(0.01);
  });

  it('without a file is the state of the patch, and a damaged file is refused', async () => {
    const { path, set } = await stateFile();
    await using engine = await launch({ settings: testSettings(set), restore: true });
    expect(engine.restored).toBeNull();
    await engine.playing;
    writeFileSync(path, '{"v":1,"values"');
    const damaged = launch({ settings: testSettings(set), restore: true });
    await expect(damaged).rejects.toMatchObject({ code: 'TENUTO_STATE_INVALID' });
    expect(pidOf(engine, 'driver')).toBeGreaterThan(1);
  });

  it('is restored as far as the patch still has it', async () => {
    const { path, set } = await stateFile();
    const state = {
      v: 1,
      engine: 'any',
      savedAt: '2026-01-01T00:00:00.000Z',
      seq: 9,
      transport: 'stopped',
      values: { 'room.mix': 0.5, 'gone.cutoff': 3, 'room.size': 99 },
    };
    writeFileSync(path, JSON.stringify(state));
    await using engine = await launch({ settings: testSettings(set), restore: true });
    await whole(engine);
    expect(engine.restored!.skipped).toEqual(['gone.cutoff', 'room.size']);
    const view = await engine.get('room');
    expect(view.transport).toBe('stopped');
    expect(view.values['room.mix']!.target).toBe(0.5);
  });
});
