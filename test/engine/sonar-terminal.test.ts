import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { cliFile, sonarCommand } from '../kit/sonar.js';
import { Terminal } from '../kit/terminal.js';

const asBefore = { restored: true, cursor: true };

function open(args: readonly string[], cwd = tmpdir()): Terminal {
  return new Terminal([process.execPath, cliFile, ...args], { cwd });
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenuto-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

it('the sonar in a terminal shows what it hears, and does what its keys say', async () => {
  const folder = temporaryFolder();
  const terminal = open([...sonarCommand(), '--export', 'kept'], folder);
  await terminal.expect(/sonar running {2}10 a second {2}0\.1 to 4 m/);
  await terminal.expect(/1\.500\d* m {2}\(raw 1\.500\d* m\)/);
  await terminal.expect(/echo profile, 0 to 4 m/);
  await terminal.expect(/waterfall/);
  terminal.press(' ');
  await terminal.expect(/sonar stopped: stopped by key/);
  await terminal.expect(/sonar stopped {2}10 a second/);
  terminal.press('l');
  await terminal.expect(/round trip \d+\.\d+ frames/);
  terminal.press('-');
  terminal.press(' ');
  await terminal.expect(/sonar running {2}8 a second/);
  terminal.press('+');
  await terminal.expect(/running {2}10 a second/);
  terminal.press('>');
  await terminal.expect(/0\.1 to 5 m/);
  terminal.press('<');
  await terminal.expect(/0\.1 to 4 m/);
  await terminal.expect(/count [1-9]\d/);
  terminal.press('x');
  await terminal.expect(/count [1-9],/);
  terminal.press('c');
  await terminal.expect(/ calibrated/);
  terminal.press('e');
  await terminal.expect(/readings in kept\.csv/);
  expect(readFileSync(join(folder, 'kept.csv'), 'utf8')).toMatch(/^count,timeMs,distanceM/);
  expect(readFileSync(join(folder, 'kept.wav')).subarray(0, 4).toString()).toBe('RIFF');
  terminal.press('q');
  expect(await terminal.ended()).toEqual({ status: 0, ...asBefore });
  expect(terminal.raw).toMatch(/persistent audio stream closed: .*device openings/);
});

it('the scope in a terminal ends by its key, and by Ctrl-C', async () => {
  const args = ['scope', '--device', 'virtual', '--set', 'engine.leadQuanta=32'];
  const terminal = open(args);
  await terminal.expect(/at the edge/);
  await terminal.expect(/20 Hz to half the rate/);
  terminal.press('q');
  expect(await terminal.ended()).toEqual({ status: 0, ...asBefore });
  const other = open(args);
  await other.expect(/at the edge/);
  other.press('\u0003');
  expect(await other.ended()).toMatchObject(asBefore);
});

it('a latency in a terminal tells each run, and Ctrl-C ends it', async () => {
  const set = ['engine.leadQuanta=32', 'device.virtual.room={}'];
  const flags = ['--device', 'virtual', ...set.flatMap((one) => ['--set', one])];
  const terminal = open(['latency', ...flags, '--runs', '3']);
  await terminal.expect(/1 of 3: \d+\.\d+ frames/);
  await terminal.expect(/round trip +\d+\.\d+ frames/);
  expect(await terminal.ended()).toEqual({ status: 0, ...asBefore });
  const other = open(['latency', ...flags, '--runs', '100000']);
  await other.expect(/2 of 100000/);
  other.press('\u0003');
  expect(await other.ended()).toEqual({ status: 130, ...asBefore });
});
