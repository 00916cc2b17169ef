import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { prepareKeeper } from '../../dist/client/index.js';
import { identity } from '../../dist/os/index.js';
import { launch, processesOf, temporaryFile, testSettings, until, whole } from '../kit/engine.js';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const library = fileURLToPath(new URL('../../dist/client/index.js', import.meta.url));

/** Processes that were started with this in their environment, whatever they call themselves. */
function markedWith(mark: string): string[] {
  return readdirSync('/proc').filter((entry) => {
    try {
      return readFileSync(`/proc/${entry}/environ`, 'latin1').includes(mark);
    } catch {
      return false;
    }
  });
}

describe('a keeper that was started ahead of its order', () => {
  it('becomes the engine that is then started', async () => {
    const settings = testSettings();
    using keeper = prepareKeeper(settings.engine.name);
    await until('it is there', () => processesOf(settings.engine.name).length === 1);
    const [before] = processesOf(settings.engine.name);
    await using engine = await launch({ settings, keeper });
    await whole(engine);
    expect(before?.startsWith(`${engine.keeperPid} `)).toBe(true);
    expect(engine.status().state).toBe('running');
  });

  it('is replaced when it died before', async () => {
    const settings = testSettings();
    const { name } = settings.engine;
    using keeper = prepareKeeper(name);
    const pid = Number.parseInt(processesOf(name)[0] ?? '', 10);
    process.kill(pid, 'SIGKILL');
    await until('it was waited for', () => identity(pid) === null);
    await using engine = await launch({ settings, keeper });
    await engine.playing;
    expect(engine.keeperPid).not.toBe(pid);
  });

  it('goes when it is not needed', async () => {
    const { name } = testSettings().engine;
    const keeper = prepareKeeper(name);
    expect(processesOf(name).length).toBe(1);
    keeper[Symbol.dispose]();
    keeper[Symbol.dispose]();
    await until('it is gone', () => processesOf(name).length === 0);
  });

  it('goes without a word when its launcher is killed', async () => {
    const { name } = testSettings().engine;
    const script = `(await import('${library}')).prepareKeeper('${name}');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let told = '';
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding('utf8').on('data', (text: string) => {
        told += text;
      });
    }
    const closed = new Promise((resolve) => child.once('close', resolve));
    await until('it is there', () =>
      processesOf(name).some((line) => line.includes(`name=${name}`) && !line.includes(' -e ')),
    );
    child.kill('SIGKILL');
    // Its standard error is the keeper's too: it closes when both are gone.
    await closed;
    expect(processesOf(name)).toEqual([]);
    expect(told).toBe('');
  });

  it.each([
    ['a patch with a mistake', ['run', 'PATCH', '--device', 'virtual']],
    ['an unknown option', ['run', 'PATCH', '--nonsense']],
    ['a wrong setting', ['run', 'PATCH', '--rate', '1']],
    ['a device that is not there', ['run', 'PATCH', '--device', 'none']],
    ['a file that is not there', ['play', 'none.wav']],
  ])('is not left behind by %s', async (_, args) => {
    const patch = await temporaryFile('patch.yaml');
    await writeFile(patch, 'nodes: { out: { type: out, in: nothing } }\n');
    const mark = `TENUTO_INTERNAL_MARK=${process.pid}-${Math.random()}`;
    const [name = '', value] = mark.split('=');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [cli, ...args.map((arg) => (arg === 'PATCH' ? patch : arg))],
      { env: { ...process.env, [name]: value }, encoding: 'utf8' },
    );
    await until('nothing is left', () => markedWith(mark).length === 0, 2000);
    expect(status).toBeGreaterThan(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^tenuto: TENUTO_[A-Z_]+: .*\n(.*\n)*remedy: .*\n$/);
  });
});
