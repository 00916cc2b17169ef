import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openPcm } from '../../dist/media/index.js';
import { launchSilent, noise } from '../kit/capture.js';
import { processesOf, temporaryFile, testSettings, until, whole } from '../kit/engine.js';

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const cable = ['device.capture=virtual', 'device.virtual.loopbackFrames=600'];

/** Runs `tenuto record` and gives what it printed and its exit status. */
function record(args: string[]) {
  const child = spawn(process.execPath, [program, 'record', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  child.stdout.on('data', (text) => {
    printed += text;
  });
  let complaint = '';
  child.stderr.on('data', (text) => {
    complaint += text;
  });
  const ended = once(child, 'close').then(([status]) => ({ status, printed, complaint }));
  return { child, ended };
}

async function readFile(path: string, rate: number, channels: number): Promise<Float32Array> {
  await using source = await openPcm(path, { rate, channels });
  const blocks: Float32Array[] = [];
  for (let block = await source.read(); block; block = await source.read()) blocks.push(block);
  return Float32Array.from(blocks.flatMap((block) => [...block]));
}

describe('tenuto record', () => {
  it('records from the engine of the name, sample for sample', async () => {
    const settings = testSettings(cable);
    await using engine = await launchSilent(settings);
    await whole(engine);
    const file = await temporaryFile('heard.wav');
    const args = [file, '--name', engine.name, '--seconds', '4', '--channels', '1', '--json'];
    const { ended } = record(args);
    const signal = noise(4800);
    await until('it is being recorded', () => statSync(file, { throwIfNoEntry: false })?.size);
    await engine.playAndRecord(signal);
    const { status, printed } = await ended;
    const told = JSON.parse(printed);
    expect(told).toMatchObject({ file, frames: 192_000, rate: 48_000, channels: 1, format: 'f32' });
    expect(status).toBe(told.droppedFrames + told.awayFrames > 0 ? 6 : 0);
    const heard = await readFile(file, 48_000, 1);
    expect(heard.length).toBe(192_000);
    const begin = heard.findIndex((sample) => sample !== 0);
    const played = heard.subarray(begin, begin + 4800);
    if (told.droppedFrames === 0 && engine.status().counters.concealed === 0) {
      expect(played).toEqual(signal.subarray(signal.findIndex((sample) => sample !== 0)));
    }
  });

  it('starts an engine that listens when there is none, and leaves a whole file when ended', async () => {
    const file = await temporaryFile('heard.wav');
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const wanted = ['--rate', '16000', '--channels', '1', '--format', 's16', '--json'];
      const { child, ended } = record([file, '--device', 'virtual', ...wanted]);
      await until('something is recorded', () => {
        const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
        return size > 20_000;
      });
      child.kill(signal);
      const { status, printed } = await ended;
      if (signal === 'SIGINT') {
        const told = JSON.parse(printed);
        expect(told).toMatchObject({ rate: 16_000, channels: 1, format: 's16', peakDb: null });
        expect([6, 130]).toContain(status);
        expect((await readFile(file, 16_000, 1)).length).toBe(told.frames);
      } else {
        const bytes = readFileSync(file);
        expect(bytes.readUInt32LE(4)).toBeLessThanOrEqual(bytes.length - 8);
        expect((await readFile(file, 16_000, 1)).length).toBeGreaterThan(8000);
      }
      await until('its engine has ended', () => processesOf(`record-${child.pid}`).length === 0);
    }
  });

  it('says what is wrong', async () => {
    const file = await temporaryFile('heard.wav');
    const unknown = await record([file, '--device', 'nonsense']).ended;
    expect(unknown.status).toBe(4);
    expect(unknown.complaint).toContain('TENUTO_DEVICE_UNKNOWN');
    const full = await record(['/dev/full', '--device', 'virtual', '--seconds', '1']).ended;
    expect(full.status).toBe(6);
    expect(full.complaint).toContain('TENUTO_RECORD_FAILED');
    const absurd = await record([file, '--device', 'virtual', '--rate', '7']).ended;
    expect(absurd.status).toBe(3);
    expect(absurd.complaint).toContain('TENUTO_CAPTURE_FORMAT');
  });
});
