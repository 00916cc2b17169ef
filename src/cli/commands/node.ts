import { resolve } from 'node:path';
import type { Command } from 'commander';
import { exitCodes } from '../../errors.js';
import { addCommonOptions, type CommonOptions } from '../options.js';
import { say, sayJson } from '../terminal.js';

async function test(file: string, options: CommonOptions): Promise<void> {
  const { readModuleFile } = await import('../patch-file.js');
  const { checkOwnNode, runOwnModule, withholdWorld } = await import('../../dsp/own-contract.js');
  const module = await readModuleFile(resolve(file));
  const definition = await runOwnModule(module);
  withholdWorld();
  const results = checkOwnNode(definition);
  const failed = results.filter(({ failure }) => failure !== null);
  if (options.json) sayJson({ type: definition.type, digest: module.digest, results });
  else {
    for (const { name, failure } of results) {
      say(failure === null ? `ok      ${name}` : `FAILED  ${name}: ${failure}`);
    }
    const sum = `${results.length - failed.length} of ${results.length} promises kept`;
    say(`${definition.type}: ${sum}`);
  }
  if (failed.length > 0) process.exitCode = exitCodes.degraded;
}

export function define(command: Command): void {
  addCommonOptions(
    command
      .command('test')
      .description('run the contract suite that every built-in node passes')
      .argument('<file>', 'module (.js, .mjs or .ts) whose default export is the node'),
  ).action(test);
}
