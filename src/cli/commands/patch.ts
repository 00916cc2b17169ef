import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { EngineConnection } from '../../client/index.js';
import { TenutoError } from '../../errors.js';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  durationMs,
  readSettings,
} from '../options.js';
import { say, sayJson } from '../terminal.js';

interface LoadOptions extends CommonOptions {
  fade?: number;
}

async function connect(options: CommonOptions): Promise<EngineConnection> {
  const { name } = readSettings(options).engine;
  const { connectEngine } = await import('../../client/index.js');
  return connectEngine(name);
}

const fadeOf = ({ fade }: LoadOptions) => (fade === undefined ? {} : { fadeMs: fade });

async function show(options: CommonOptions): Promise<void> {
  await using engine = await connect(options);
  const patch = await engine.patch();
  if (options.json) sayJson(patch);
  else process.stdout.write(patch.source.text);
}

async function load(file: string, options: LoadOptions): Promise<void> {
  await using engine = await connect(options);
  const applied = await engine.loadPatch({ file: resolve(file), ...fadeOf(options) });
  if (options.json) sayJson(applied);
  else say(`${file} plays from tick ${applied.tick} on`);
}

/** The text of the patch that plays, in the user's editor; what is saved is applied. */
async function edit(options: LoadOptions): Promise<void> {
  await using engine = await connect(options);
  const { source } = await engine.patch();
  const folder = mkdtempSync(join(tmpdir(), 'tenuto-'));
  const file = join(
    folder,
    /\.(ya?ml|json)$/.test(source.file) ? basename(source.file) : 'patch.yaml',
  );
  try {
    writeFileSync(file, source.text);
    let before = source.text;
    for (;;) {
      openEditor(file);
      const text = readFileSync(file, 'utf8');
      if (text === before) break;
      before = text;
      try {
        // Its paths begin where those of the patch that plays did.
        const applied = await engine.loadPatch({ file: source.file, text, ...fadeOf(options) });
        if (options.json) sayJson(applied);
        else say(`it plays from tick ${applied.tick} on`);
        return;
      } catch (error) {
        if (!(error instanceof TenutoError) || !process.stdin.isTTY) throw error;
        say(`${error.message}\nnothing has changed; leave the editor without a change to give up`);
      }
    }
    say('nothing has changed');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function openEditor(file: string): void {
  const editor = process.env.VISUAL ?? process.env.EDITOR ?? 'vi';
  // An editor may be given with arguments, as in `code --wait`.
  const { status, error } = spawnSync('/bin/sh', ['-c', `${editor} "$1"`, 'tenuto', file], {
    stdio: 'inherit',
  });
  if (error || status !== 0) {
    const text = `the editor \`${editor}\` ended with ${error?.message ?? `status ${status}`}`;
    throw new TenutoError('TENUTO_USAGE', `${text}; set EDITOR`);
  }
}

export function define(command: Command): void {
  const add = (name: string, summary: string) =>
    addSettingOptions(addCommonOptions(command.command(name).description(summary)), ['name']);
  const fade = [
    '--fade <time>',
    'how long the patch before fades out, as in 20ms',
    durationMs,
  ] as const;
  add('show', 'print the text of the patch that plays').action(show);
  add('load', 'change to the patch in a file, while it plays')
    .argument('<file>', 'patch file (YAML or JSON)')
    .option(...fade)
    .action(load);
  add('edit', 'edit the patch that plays, in $EDITOR; applied when it is saved')
    .option(...fade)
    .action(edit);
}
