import { execFile, execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { launch, pidOf, temporaryFile, testSettings, until, whole } from '../kit/engine.js';

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const run = promisify(execFile);

/** What a command prints. */
async function tenuto(...args: string[]): Promise<string> {
  return (await run(process.execPath, [program, ...args])).stdout;
}

describe('looking into an engine', () => {
  it('taps a point, tells what happened, and shows one frame', async () => {
    const settings = testSettings();
    const journalPath = await temporaryFile('run.tj');
    await using engine = await launch({ settings, journalPath });
    await whole(engine);
    const name = ['--name', engine.name];
    const wav = `${journalPath}.wav`;
    const told = JSON.parse(
      await tenuto('tap', '--node', 'tone', '--seconds', '0.5', '-o', wav, '--json', ...name),
    );
    expect(told).toMatchObject({ node: 'tone', lanes: 1, frames: 24_000 });
    expect(told.peakDb[0]).toBeGreaterThan(-12);
    expect(statSync(wav).size).toBeGreaterThan(96_000);
    await expect(tenuto('tap', '--node', 'tome', ...name)).rejects.toThrow(/did you mean tone/);
    process.kill(pidOf(engine, 'replica'), 'SIGKILL');
    const wanted = /replica \d was killed/;
    await until('the death is told', async () => wanted.test(await tenuto('events', ...name)));
    const frame = await tenuto('top', '--once', ...name);
    expect(frame).toContain(`engine ${engine.name}`);
    expect(frame).toContain('master 1');
    expect(frame.split('\n').every((line) => line.length <= 80)).toBe(true);
    await engine.stop();
    const story = await tenuto('events', journalPath);
    expect(story).toMatch(wanted);
    expect(story).toContain('program 1: "Test"');
    expect(story).toContain('the run ended in order');
  });
});

describe('completion', () => {
  it('gives scripts that their shells understand', async () => {
    const script = await tenuto('completion', 'bash');
    execFileSync('bash', ['-n'], { input: script });
    const ask = `${script}\nCOMP_WORDS=(tenuto repl); COMP_CWORD=1; _tenuto; echo "\${COMPREPLY[@]}"`;
    expect(execFileSync('bash', { input: ask, encoding: 'utf8' }).trim()).toBe('replay');
    expect(await tenuto('completion', 'zsh')).toContain('#compdef tenuto');
    expect(await tenuto('completion', 'fish')).toContain('-a replay');
    await expect(tenuto('completion', 'nushell')).rejects.toThrow(/bash, zsh, fish/);
  });
});
