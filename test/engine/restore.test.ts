import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../dist/limits.js';
import { decodeWhole } from '../../dist/media/index.js';
import { killNow } from '../../dist/os/index.js';
import { launch, pidOf, temporaryFile, testSettings, until, whole } from '../kit/engine.js';

async function stateFile(): Promise<{ path: string; set: string[] }> {
  const path = await temporaryFile('state.json');
  return { path, set: [`control.stateFile=${path}`] };
}

const loadedText = `
name: Loaded
nodes:
  hum: { type: osc, freq: 110 }
  quiet: { type: gain, in: hum, gain: 0.2 }
  out: { type: out, in: quiet }
`;

interface Saved {
  patch: { text: string } | null;
  values: Record<string, number>;
}

function savedIn(path: string): Saved | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Saved;
  } catch {
    return null;
  }
}

describe('the last commanded state', () => {
  it('is kept, whatever becomes of the engine, and restored on request at a safe level', async () => {
    const { path, set } = await stateFile();
    const engine = await launch({ settings: testSettings(set) });
    await whole(engine);
    await engine.set('room.mix', 0.75);
    await engine.set('notes.transpose', 7);
    const saved = () => savedIn(path);
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

  it('brings back the patch that was loaded, whatever patch the engine is told to begin with', async () => {
    const { path, set } = await stateFile();
    const engine = await launch({ settings: testSettings(set) });
    await whole(engine);
    await engine.set('room.mix', 0.75);
    await engine.loadPatch({ text: loadedText });
    await engine.set('hum.freq', 220);
    const saved = () => savedIn(path);
    await until('it is saved', () => saved()?.values['hum.freq'] === 220);
    expect(saved()!.patch!.text).toBe(loadedText);
    killNow(engine.keeperPid);
    await engine.ended;

    const next = await launch({ settings: testSettings(set), restore: true });
    expect(next.restored).toMatchObject({ patch: 'Loaded', skipped: [] });
    await whole(next);
    expect((await next.patch()).source.text).toBe(loadedText);
    expect((await next.get()).values['hum.freq']!.target).toBe(220);
    // It was not loaded by this engine, and still is what was loaded last.
    await next.set('hum.freq', 330);
    await until('it is saved again', () => saved()?.values['hum.freq'] === 330);
    await next.stop();
    expect(saved()!.patch!.text).toBe(loadedText);
    expect(readdirSync(dirname(path))).toEqual(['state.json']);
  });

  it('plays the given patch where the one that was loaded cannot be, and says why', async () => {
    const { path, set } = await stateFile();
    const text = `${loadedText}assets: { hit: gone.wav }\n`;
    const state = {
      v: 2,
      engine: 'any',
      savedAt: '2026-01-01T00:00:00.000Z',
      seq: 9,
      transport: 'playing',
      patch: { file: `${path}.yaml`, text },
      values: { 'room.mix': 0.5, 'hum.freq': 220 },
    };
    writeFileSync(path, JSON.stringify(state));
    await using engine = await launch({ settings: testSettings(set), restore: true });
    expect(engine.restored).toMatchObject({ patch: null, skipped: ['hum.freq'] });
    expect(engine.restored!.patchFailure).toMatch(/gone\.wav/);
    await whole(engine);
    expect((await engine.patch()).source.name).toBe('Test');
    expect((await engine.get()).values['room.mix']!.target).toBe(0.5);
  });

  it('keeps a patch of any size that may be loaded', async () => {
    const { path, set } = await stateFile();
    await using engine = await launch({ settings: testSettings(set) });
    await whole(engine);
    const { patchBytesMax, requestBytesMax } = limits;
    const comment = '#"\\\t'.repeat(patchBytesMax / 4).slice(loadedText.length + 2);
    const text = `${loadedText}# ${comment.replaceAll('\n', '')}`;
    expect(Buffer.byteLength(text)).toBe(patchBytesMax);
    await engine.loadPatch({ text });
    await until('it is saved', () => savedIn(path)?.patch?.text === text);
    const tooLong = engine.loadPatch({ text: `${text} ` });
    await expect(tooLong).rejects.toMatchObject({ code: 'TENUTO_COMMAND_INVALID' });
    const wide = engine.loadPatch({ text: `# ${'\u00e9'.repeat(patchBytesMax / 2)}` });
    await expect(wide).rejects.toMatchObject({ code: 'TENUTO_PATCH_LIMIT' });
    const huge = engine.loadPatch({ text: 'x'.repeat(requestBytesMax) });
    await expect(huge).rejects.toMatchObject({ code: 'TENUTO_REQUEST_LIMIT' });
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
