import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunningEngine } from '../../dist/client/index.js';
import {
  launch,
  patchText,
  pidOf,
  processesOf,
  temporaryFile,
  testSettings,
  until,
  whole,
} from '../kit/engine.js';
import { replay } from '../kit/flight.js';
import { gentle, harmfulText, moduleText, withModule } from '../kit/own-nodes.js';

const dry = patchText.replace('decay: 1.5', 'decay: 0.5').replace('mix: 0.3', 'mix: 0.1');

/** Where an engine writes: all into one file, or its recent past into a folder. */
async function placeOf(kind: string) {
  const recordPath = await temporaryFile('out.wav');
  const folder = dirname(recordPath);
  const inFolder = ['flight.minutes=1', `flight.folder=${folder}`, 'flight.segmentSec=1'];
  // On a busy machine what is late must not send it back.
  const set = ['patch.probationMs=0', ...(kind === 'folder' ? inFolder : [])];
  const settings = testSettings(set);
  const runs = join(folder, settings.engine.name, 'runs');
  const journalPath = `${recordPath}.tj`;
  const options = { settings, recordPath, ...(kind === 'file' && { journalPath }) };
  const journal = () => (kind === 'file' ? journalPath : join(runs, readdirSync(runs)[0]!));
  return { options, journal, recordPath };
}

async function expectEqual(engine: RunningEngine, journal: string, recordPath: string) {
  const { flight, counters } = engine.status();
  const again = `${recordPath}.again.wav`;
  const told = await replay(journal, '-o', again, '--run-code');
  expect(told).toMatchObject({ firstDifference: null, damages: [], hasEnd: true });
  // A machine that does not run it for two seconds may cost it its place, and it says so.
  expect(told.missingTicks).toBe(flight?.lostTicks);
  expect(told.quanta + told.missingTicks).toBe(counters.quanta);
  if (told.missingTicks > 0) return;
  expect(readFileSync(again).equals(readFileSync(recordPath))).toBe(true);
}

async function killFlight(engine: RunningEngine): Promise<void> {
  const line = await until('it records', () =>
    processesOf(engine.name).find((one) => one.includes(' flight')),
  );
  process.kill(Number(line.split(' ')[0]), 'SIGKILL');
}

describe('a journal', () => {
  it.each(['file', 'folder'])(
    'replays changes of the patch and of the code in it, as a %s',
    async (kind) => {
      const { options, journal, recordPath } = await placeOf(kind);
      await using engine = await launch(options);
      await whole(engine);
      const { module, ...mine } = await withModule(moduleText(gentle));
      await engine.loadPatch({ text: dry });
      await engine.set('room.mix', 0.5, { rampMs: 400 });
      await engine.loadPatch(mine);
      await killFlight(engine);
      await engine.set('room.mix', 0.2, { at: { inSec: 0.3 } });
      writeFileSync(module, moduleText(gentle.replace('0.2', '0.7')));
      await engine.loadPatch({ ...mine, fadeMs: 300 });
      process.kill(pidOf(engine, 'replica'), 'SIGKILL');
      // More than there are slots, so that the first ones are gone.
      for (let i = 0; i < 9; i++) {
        await engine.loadPatch(i % 2 === 0 ? { text: dry } : { ...mine, fadeMs: 5 });
      }
      await whole(engine);
      await until('the flight recorder runs', () => engine.status().flight?.state === 'running');
      await engine.stop();
      await expectEqual(engine, journal(), recordPath);
    },
    90_000,
  );

  it.each(['throw new Error("late");', 'for (;;);'])(
    'replays how a patch was withdrawn because of `%s`',
    async (harm) => {
      const recordPath = await temporaryFile('out.wav');
      const journalPath = `${recordPath}.tj`;
      const settings = testSettings(['patch.probationMs=20000']);
      await using engine = await launch({ settings, recordPath, journalPath });
      await whole(engine);
      const { module: _, ...patch } = await withModule(harmfulText(harm));
      await engine.loadPatch(patch);
      await until('it has gone back', () => engine.status().counters.programChanges === 2);
      await whole(engine);
      await engine.loadPatch({ text: dry });
      await engine.stop();
      await expectEqual(engine, journalPath, recordPath);
    },
    90_000,
  );
});
