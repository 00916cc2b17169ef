import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const main = join(root, 'dist/cli/main.js');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenuto-cli-'));
  writeFileSync(
    join(folder, 'tone.yaml'),
    'nodes: { tone: { type: osc, freq: 220 }, out: { type: out, in: tone } }\n',
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built command in the test's folder, without any setting of the caller's. */
function tenuto(...args: string[]): Promise<Ended> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('TENUTO_')),
  );
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { cwd: folder, env }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ status, stdout, stderr });
    });
  });
}

/** Resolves with the exit status once the process has ended. */
function ending(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

describe('the command line', () => {
  it('prints its version and its help', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(await tenuto('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    const help = await tenuto('help');
    for (const name of ['play', 'run', 'render', 'status', 'stop', 'devices', 'soak', 'doctor']) {
      expect(help.stdout).toContain(`  ${name} `);
    }
  });

  it.each([
    [['rnder'], "unknown command 'rnder'"],
    [['render', 'tone.yaml'], "required option '--seconds <n>'"],
    [['render', 'tone.yaml', '--seconds', '0', '-o', 'x.wav'], 'expected a number above 0'],
    [['run', 'tone.yaml', '--rate', 'fast'], '--rate: "fast" is not a number'],
    [['run', 'tone.yaml', '--lead', '99'], '--lead: engine.leadQuanta:'],
    [['soak', '--kill', 'keeper'], '"keeper" is none of replica, driver'],
    [['run'], "missing required argument 'patch'"],
    [['status', '--nope'], "unknown option '--nope'"],
  ])('refuses %j with status 2 and what to do', async (args, message) => {
    const { status, stdout, stderr } = await tenuto(...args);
    expect(stderr).toContain(`tenuto: TENUTO_USAGE: `);
    expect(stderr).toContain(message);
    expect(stderr).toContain('remedy: ');
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it.each([
    [['run', 'none.yaml'], 'TENUTO_FILE_UNREADABLE', 3],
    [['play', 'tone.yaml'], 'TENUTO_MEDIA_UNKNOWN', 3],
    [['run', 'tone.yaml', '--device', 'nowhere'], 'TENUTO_DEVICE_UNKNOWN', 4],
    [['status', '--name', 'nobody'], 'TENUTO_ENGINE_UNREACHABLE', 5],
    [['stop', '--name', 'nobody'], 'TENUTO_ENGINE_UNREACHABLE', 5],
    [['run', 'tone.yaml', '--config', 'none.yaml'], 'TENUTO_FILE_UNREADABLE', 3],
  ])('ends %j with %s and status %i, as text and as an object', async (args, code, status) => {
    const ended = await tenuto(...args, '--json');
    expect(ended.status).toBe(status);
    expect(ended.stderr).toContain(`tenuto: ${code}: `);
    expect(JSON.parse(ended.stdout)).toMatchObject({ v: 1, error: { code } });
  });

  it('names file, line and column of a wrong setting', async () => {
    writeFileSync(join(folder, 'wrong.yaml'), 'engine:\n  leadQuant: 2\n');
    const { status, stderr } = await tenuto('run', 'tone.yaml', '--config', 'wrong.yaml');
    expect(stderr).toContain(
      'wrong.yaml:2:3: there is no setting "engine.leadQuant"; did you mean',
    );
    expect(status).toBe(3);
  });
});

describe('commands that look', () => {
  it('lists devices', async () => {
    const { stdout } = await tenuto('devices', '--json');
    const { v, devices } = JSON.parse(stdout);
    expect(v).toBe(1);
    expect(devices.map(({ name }: { name: string }) => name)).toContain('virtual');
  });

  it('examines the machine, with a remedy for each lack', async () => {
    const { stdout } = await tenuto('doctor', '--json');
    const { v, checks } = JSON.parse(stdout);
    expect(v).toBe(1);
    for (const { id, level, found, remedy } of checks) {
      expect([id, ['ok', 'warn', 'fail'].includes(level), found !== '']).toEqual([id, true, true]);
      expect([id, remedy === '']).toEqual([id, level === 'ok']);
    }
  });
});

describe('commands that sound', () => {
  it('renders exactly the frames that were asked for', async () => {
    const { status, stdout } = await tenuto(
      ...['render', 'tone.yaml', '--seconds', '0.1', '-o', 'a.wav', '--rate', '44100', '--json'],
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ v: 1, frames: 4410, rate: 44_100, channels: 2 });
  });

  it('records live what it renders offline, byte for byte', async () => {
    const shared = ['tone.yaml', '--seconds', '1.001', '--json'];
    const live = await tenuto('run', ...shared, '--record', 'live.wav', '--name', 'cli-live');
    expect(live.stderr).toBe('');
    expect(live.status).toBe(0);
    expect(JSON.parse(live.stdout)).toMatchObject({ v: 1, state: 'ended' });
    await tenuto('render', ...shared, '-o', 'offline.wav');
    const offline = readFileSync(join(folder, 'offline.wav'));
    expect(offline.equals(readFileSync(join(folder, 'live.wav')))).toBe(true);
  });

  it('ends in order at a signal, with the status that says so', async () => {
    const args = ['run', 'tone.yaml', '--name', 'cli-signal'];
    const child = spawn(process.execPath, [main, ...args], { cwd: folder, stdio: 'pipe' });
    const ended = ending(child);
    let stdout = '';
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
        if (stdout.includes('engine cli-signal')) resolve();
      });
    });
    const { stdout: seen } = await tenuto('status', '--name', 'cli-signal', '--json');
    expect(JSON.parse(seen)).toMatchObject({ v: 1, name: 'cli-signal', rate: 48_000, lead: 4 });
    // A terminal and npm may each pass the same Ctrl-C on: that is one wish, not two.
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(stdout).toContain('played ');
    expect((await tenuto('status', '--name', 'cli-signal')).status).toBe(5);
  });
});
