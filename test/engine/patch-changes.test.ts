import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RunningEngine } from '../../dist/client/index.js';
import {
  type CompiledPatch,
  compilePatch,
  createPerformance,
  parsePatch,
  Renderer,
  switchOp,
} from '../../dist/dsp/index.js';
import { wavHeaderBytes } from '../../dist/media/wav-format.js';
import type { Settings } from '../../dist/settings/index.js';
import {
  launch,
  patchText,
  pidOf,
  recordedBytes,
  temporaryFile,
  testPatch,
  testSettings,
  until,
  whole,
} from '../kit/engine.js';
import { gentle, harmfulText, moduleText, withModule } from '../kit/own-nodes.js';

const dry = patchText.replace('decay: 1.5', 'decay: 0.5').replace('mix: 0.3', 'mix: 0.1');

function compiled(text: string, { engine }: Settings): CompiledPatch {
  const format = { rate: engine.rateHz, quantum: engine.quantumFrames, channels: engine.channels };
  return compilePatch(parsePatch(text, 'patch'), format);
}

/** A change: from which tick on which patch plays. */
interface Change {
  tick: number;
  text: string;
}

/** What an engine with these changes plays, rendered here. */
function renderOffline(settings: Settings, changes: readonly Change[], quanta: number): Buffer {
  const { rateHz: rate, quantumFrames: quantum, channels } = settings.engine;
  const band = createPerformance({ rate, quantum, channels });
  const sources = { streams: [], assets: [] };
  band.add(1, new Renderer(testPatch(settings).program, sources));
  changes.forEach(({ text }, i) => {
    band.add(i + 2, new Renderer(compiled(text, settings).program, sources));
  });
  band.begin(1, 0);
  const fade = (settings.patch.fadeMs / 1000) * rate;
  const parts: Buffer[] = [];
  for (let tick = 0; tick < quanta; tick++) {
    const index = changes.findIndex((change) => change.tick === tick);
    if (index >= 0) band.apply(Int32Array.of(switchOp, index + 2, 0, 0, fade, 0, 0, 0), 0);
    band.render();
    parts.push(Buffer.from(Float32Array.from(band.output).buffer));
  }
  return Buffer.concat(parts);
}

/** Waits until nobody is on probation who could still go back. */
async function settled(engine: RunningEngine, changes: number): Promise<void> {
  await until('it plays', () => engine.status().counters.programChanges === changes);
  await whole(engine);
}

describe('a patch that is changed while it plays', () => {
  it('plays what offline rendering gives, bit for bit, whoever is killed meanwhile', async () => {
    // On a busy machine what is late must not send it back.
    const settings = testSettings(['patch.probationMs=0']);
    const recordPath = await temporaryFile('record.wav');
    await using engine = await launch({ settings, recordPath });
    await whole(engine);
    const changes: Change[] = [];
    for (const [text, role] of [
      [dry, 'replica'],
      [patchText, 'driver'],
      [dry, 'control'],
      [patchText, 'replica'],
    ] as const) {
      const answer = engine.loadPatch({ text });
      process.kill(pidOf(engine, role), 'SIGKILL');
      const { tick } = await answer;
      changes.push({ tick, text });
      process.kill(pidOf(engine, 'replica'), 'SIGKILL');
      await settled(engine, changes.length);
    }
    const { quanta } = engine.status().counters;
    await until('all of it is on record', () => engine.status().counters.quanta > quanta + 100);
    await engine.stop();
    const offline = renderOffline(settings, changes, quanta);
    const recorded = recordedBytes(recordPath).subarray(wavHeaderBytes(2));
    expect(recorded.subarray(0, offline.length).equals(offline)).toBe(true);
  }, 60_000);

  it('shows its text, and takes commands by its names at once', async () => {
    const settings = testSettings();
    await using engine = await launch({ settings });
    await whole(engine);
    expect((await engine.patch()).source.text).toBe(patchText);
    await engine.set('envelope.release', 0.4);
    const renamed = dry.replaceAll('filter', 'colour');
    await engine.loadPatch({ text: renamed });
    expect((await engine.patch()).source.text).toBe(renamed);
    await engine.set('colour.cutoff', 300);
    await expect(engine.set('filter.cutoff', 300)).rejects.toMatchObject({
      code: 'TENUTO_COMMAND_UNKNOWN',
    });
    const { values } = await engine.get();
    expect(values['colour.cutoff']?.target).toBe(300);
    expect(values['envelope.release']?.target).toBeCloseTo(0.4);
    process.kill(pidOf(engine, 'control'), 'SIGKILL');
    const again = await engine.get();
    expect(again.values['colour.cutoff']?.target).toBe(300);
    expect(again.values['envelope.release']?.target).toBeCloseTo(0.4);
  });

  it('is refused with the place of the mistake, and the sound goes on', async () => {
    const settings = testSettings();
    await using engine = await launch({ settings });
    await whole(engine);
    const broken = patchText.replace('type: svf', 'type: svg');
    await expect(engine.loadPatch({ text: broken })).rejects.toMatchObject({
      code: 'TENUTO_PATCH_UNKNOWN',
      message: expect.stringContaining('svf'),
    });
    const huge = `${patchText}  late: { type: delay, in: tone, max: 60 s, voices: 8 }\n`;
    await expect(engine.loadPatch({ text: huge })).rejects.toThrow();
    expect(engine.status().counters.programChanges).toBe(0);
  });
});

describe("a node of the user's", () => {
  it('plays, and its code is changed while it plays', async () => {
    const settings = testSettings();
    await using engine = await launch({ settings });
    await whole(engine);
    const { module, ...patch } = await withModule(moduleText(gentle));
    await engine.loadPatch(patch);
    writeFileSync(module, moduleText(gentle.replace('0.2', '0.7')));
    await engine.loadPatch(patch);
    await settled(engine, 2);
    process.kill(pidOf(engine, 'replica'), 'SIGKILL');
    await whole(engine);
    expect(engine.status().counters.divergences).toBe(0);
  });

  for (const [what, text] of [
    ['throws when it is loaded', moduleText(gentle, 'throw new Error("no");')],
    ['throws when it is played', moduleText('state[0].x.y();')],
    ['never ends', moduleText('for (;;);')],
    ['asks for the time', moduleText('output[0][0] = Date.now();')],
    ['plays by chance', moduleText('output[0][0] = Math.random();')],
    ['remembers beside its state', moduleText('output[0][0] = (n += 0.001) % 1;', 'let n = 0;')],
    ['imports other things', moduleText(gentle, "import { readFileSync } from 'node:fs';")],
  ] as const) {
    it(`that ${what} is refused, and the sound goes on`, async () => {
      const settings = testSettings();
      await using engine = await launch({ settings });
      await whole(engine);
      const { module: _, ...patch } = await withModule(text);
      await expect(engine.loadPatch(patch)).rejects.toMatchObject({
        code: 'TENUTO_MODULE_INVALID',
      });
      expect(engine.status().counters.programChanges).toBe(0);
    }, 40_000);
  }

  for (const [what, harm] of [
    ['throws', 'throw new Error("late");'],
    ['never ends', 'for (;;);'],
  ] as const) {
    it(`that ${what} after a while is withdrawn by itself`, async () => {
      const settings = testSettings(['patch.probationMs=20000']);
      await using engine = await launch({ settings });
      await whole(engine);
      const { module: _, ...patch } = await withModule(harmfulText(harm));
      await engine.loadPatch(patch);
      await until('it has gone back', () => engine.status().counters.programChanges === 2);
      await whole(engine);
      expect((await engine.patch()).source.text).toBe(patchText);
      await engine.loadPatch({ text: dry });
      await settled(engine, 3);
    }, 60_000);
  }
});
