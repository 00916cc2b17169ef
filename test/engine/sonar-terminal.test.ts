import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { sonarCommand } from '../kit/sonar.js';
import { Terminal } from '../kit/terminal.js';

const size = { columns: 140, rows: 40 };

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenuto-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

it('the sonar in a terminal shows what it hears, and does what its keys say', async () => {
  const folder = temporaryFolder();
  await using terminal = new Terminal([...sonarCommand(), '--export', 'kept'], {
    ...size,
    cwd: folder,
  });
  await terminal.tells(/sonar running {2}10 a second {2}0\.1 to 4 m/);
  await terminal.tells(/1\.500\d* m {2}\(raw 1\.500\d* m\)/);
  await terminal.tells(/echo profile, 0 to 4 m/);
  await terminal.tells(/waterfall/);
  terminal.press(' ');
  await terminal.tells(/sonar stopped: stopped by key/);
  await terminal.tells(/sonar stopped {2}10 a second/);
  terminal.press('l');
  await terminal.tells(/round trip \d+\.\d+ frames/);
  terminal.press('-');
  terminal.press(' ');
  await terminal.tells(/sonar running {2}8 a second/);
  terminal.press('+');
  await terminal.tells(/running {2}10 a second/);
  terminal.press('>');
  await terminal.tells(/0\.1 to 5 m/);
  terminal.press('<');
  await terminal.tells(/0\.1 to 4 m/);
  await terminal.tells(/count [1-9]\d/);
  terminal.press('x');
  await terminal.tells(/count [1-9],/);
  terminal.press('c');
  await terminal.tells(/ calibrated/);
  terminal.press('e');
  await terminal.tells(/readings in kept\.csv/);
  expect(readFileSync(join(folder, 'kept.csv'), 'utf8')).toMatch(/^count,timeMs,distanceM/);
  expect(readFileSync(join(folder, 'kept.wav')).subarray(0, 4).toString()).toBe('RIFF');
  terminal.press('q');
  expect(await terminal.left()).toEqual({ status: 0, isRestored: true });
  expect(terminal.text).toMatch(/persistent audio stream closed: .*device openings/);
});

it('the scope in a terminal ends by its key, and by Ctrl-C', async () => {
  const args = ['scope', '--device', 'virtual', '--set', 'engine.leadQuanta=32'];
  await using terminal = new Terminal(args, size);
  await terminal.tells(/at the edge/);
  await terminal.tells(/20 Hz to half the rate/);
  terminal.press('q');
  expect(await terminal.left()).toEqual({ status: 0, isRestored: true });
  await using other = new Terminal(args, size);
  await other.tells(/at the edge/);
  other.press('\u0003');
  expect(await other.left()).toMatchObject({ isRestored: true });
});

it('a latency in a terminal tells each run, and Ctrl-C ends it', async () => {
  const set = ['engine.leadQuanta=32', 'device.virtual.room={}'];
  const flags = ['--device', 'virtual', ...set.flatMap((one) => ['--set', one])];
  await using terminal = new Terminal(['latency', ...flags, '--runs', '3'], size);
  await terminal.tells(/1 of 3: \d+\.\d+ frames/);
  await terminal.tells(/round trip +\d+\.\d+ frames/);
  expect(await terminal.left()).toEqual({ status: 0, isRestored: true });
  await using other = new Terminal(['latency', ...flags, '--runs', '100000'], size);
  await other.tells(/2 of 100000/);
  other.press('\u0003');
  expect(await other.left()).toEqual({ status: 130, isRestored: true });
});
