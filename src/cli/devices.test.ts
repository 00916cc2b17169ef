import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serverOfFile } from '../../test/kit/sound-server.js';

const main = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'dist/cli/main.js');

const server = serverOfFile({ name: 'speakers', rate: 44_100 });

const tenuto = (...args: string[]) =>
  promisify(execFile)(process.execPath, [main, ...args], { env: server().environment });

/** `tenuto devices --watch` with its lines as they come. */
function watching(...args: string[]) {
  const child = spawn(process.execPath, [main, 'devices', '--watch', ...args], {
    env: server().environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  /** Reads on to the first line that fits. */
  const line = async (fits: (text: string) => boolean) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error('it ended before');
      if (fits(value)) return value;
    }
  };
  return { child, ended, line };
}

describe('tenuto devices', () => {
  it('lists what there is, as text and as JSON', async () => {
    const { stdout } = await tenuto('devices');
    expect(stdout).toMatch(/^\* +pipewire:speakers +2 +0 +44\.1 kHz +/m);
    const { v, devices } = JSON.parse((await tenuto('devices', '--json')).stdout);
    expect(v).toBe(1);
    expect(devices[0]).toMatchObject({ name: 'pipewire:speakers', rateHz: 44_100 });
  });

  it('is what a player goes by that is to convert by itself', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenuto-play-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'tone.wav');
    const patch = join(dirname(dirname(dirname(main))), 'examples/demo.yaml');
    await tenuto('render', patch, '--seconds', '0.5', '--rate', '48000', '-o', file);
    const rateOf = async (mode: string) => {
      const set = ['--set', `device.resampleMode=${mode}`];
      const { stdout } = await tenuto('play', file, '--json', '--name', `play-${mode}`, ...set);
      return JSON.parse(stdout).rate;
    };
    expect(await rateOf('producer')).toBe(44_100);
    expect(await rateOf('callback')).toBe(48_000);
  });

  it('prints a line for each change and ends at Ctrl-C', async () => {
    const { child, ended, line } = watching();
    await line((text) => text.startsWith('* is what'));
    await server().addSink({ name: 'headset' });
    await line((text) => text.includes('added pipewire:headset ('));
    await server().setDefaultSink('headset');
    await line((text) => text.endsWith('default output is pipewire:headset'));
    await server().removeSink('headset');
    await line((text) => text.includes('removed pipewire:headset ('));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
  });

  it('prints the list and each change as an object', async () => {
    const { child, ended, line } = watching('--json');
    const first = JSON.parse(await line(() => true));
    expect(first.devices.map(({ name }: { name: string }) => name)).toContain('pipewire:speakers');
    await server().addSink({ name: 'hdmi', channels: 6 });
    const text = await line((one) => one.includes('"added"'));
    expect(JSON.parse(text)).toMatchObject({
      v: 1,
      event: { kind: 'added', device: { name: 'pipewire:hdmi', outputs: 6 } },
    });
    child.kill('SIGTERM');
    expect(await ended).toBe(143);
  });

  it('ends when nobody reads on', async () => {
    const { child, ended, line } = watching();
    await line((text) => text.startsWith('* is what'));
    child.stdout.destroy();
    await server().addSink({ name: 'late' });
    expect(await ended).toBe(0);
  });
});

describe('a device that is not there', () => {
  it('is refused with the one that was meant', async () => {
    const failed = tenuto('play', main, '--device', 'pipewire:speaker').catch((error) => error);
    const { code, stderr } = await failed;
    expect(code).toBe(4);
    expect(stderr).toContain(
      'TENUTO_DEVICE_UNKNOWN: there is no device "pipewire:speaker"; did you mean pipewire:speakers?',
    );
  });
});
