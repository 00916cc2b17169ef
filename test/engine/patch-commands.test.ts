import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { launch, patchText, testSettings, whole } from '../kit/engine.js';

const folder = mkdtempSync(join(tmpdir(), 'tenuto-patch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function tenuto(args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status, stdout, stderr };
}

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe('tenuto patch', () => {
  it('shows, loads and edits what plays', async () => {
    const settings = testSettings();
    await using engine = await launch({ settings });
    await whole(engine);
    const named = ['--name', engine.name];
    expect(tenuto(['patch', 'show', ...named]).stdout).toBe(patchText);
    const other = write('other.yaml', patchText.replace('size: 0.7', 'size: 0.5'));
    expect(tenuto(['patch', 'load', other, ...named])).toMatchObject({ status: 0 });
    const editor = `${process.execPath} ${write('edit.mjs', editing)}`;
    expect(tenuto(['patch', 'edit', ...named], { EDITOR: editor, VISUAL: editor }).status).toBe(0);
    expect((await engine.patch()).source.text).toContain('size: 0.9');
    const wrong = write('wrong.yaml', patchText.replace('type: svf', 'type: svg'));
    const refused = tenuto(['patch', 'load', wrong, ...named]);
    expect(refused.status).toBe(3);
    expect(refused.stderr).toContain('svf');
  });
});

const editing = `
import { readFileSync, writeFileSync } from 'node:fs';
const file = process.argv[2];
writeFileSync(file, readFileSync(file, 'utf8').replace('size: 0.5', 'size: 0.9'));
`;

describe('tenuto node test', () => {
  const node = (process: string) =>
    "import { defineNode, signalPort } from 'tenuto/dsp';\n" +
    "export default defineNode({ type: 'mine', summary: 'A node.', " +
    `ports: [signalPort('in', 'The sound.')], process({ inputs, output }) { ${process} } });`;

  it('says which promises a node keeps', () => {
    const copies = 'output.forEach((out, lane) => out.set(inputs.in[lane]));';
    const good = write('good.js', node(copies));
    const text = execFileSync(process.execPath, ['dist/cli/main.js', 'node', 'test', good], {
      encoding: 'utf8',
    });
    expect(text).toContain('promises kept');
    const bad = write('bad.js', node('output[0][0] = Math.random();'));
    const { status, stderr, stdout } = tenuto(['node', 'test', bad]);
    expect(status).toBe(6);
    expect(stdout + stderr).toContain('random');
  });
});
