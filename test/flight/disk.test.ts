import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { launch, temporaryFile, testSettings, until, whole } from '../kit/engine.js';

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const run = promisify(execFile);

describe('a full disk', () => {
  it('is waited for: the journal goes on where it was whole', async () => {
    const folder = join(dirname(await temporaryFile('disk')), 'small');
    mkdirSync(folder);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', folder]);
    try {
      const settings = testSettings();
      const journalPath = join(folder, 'run.tj');
      await using engine = await launch({ settings, journalPath });
      await whole(engine);
      await until('something is written', () => (engine.status().flight?.bytes ?? 0) > 0);
      fill(join(folder, 'filler'));
      await until('the disk is full', () => engine.status().flight?.trouble === 'ENOSPC');
      rmSync(join(folder, 'filler'));
      await until('it goes on', () => engine.status().flight?.trouble === null);
      await engine.stop();
      const { flight, counters } = engine.status();
      expect(flight?.state).toBe('finished');
      const { stdout } = await run(process.execPath, [program, 'replay', journalPath, '--json']);
      const told = JSON.parse(stdout);
      expect(told).toMatchObject({ firstDifference: null, damages: [], hasEnd: true });
      expect(told.missingTicks).toBe(flight?.lostTicks);
      expect(told.quanta + told.missingTicks).toBe(counters.quanta);
    } finally {
      execFileSync('umount', ['-l', folder]);
    }
  });
});

/** Writes until there is no room. */
function fill(path: string): void {
  for (let size = 1 << 18; size >= 512; size >>= 1) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // No room for so much: for less, perhaps.
    }
  }
}
