import { Argument, type Command } from 'commander';
import type { PreparedKeeper } from '../../client/index.js';
import { readCommandTable } from '../command-table.js';
import type { CommandEntry } from '../commands.js';
import { completionScript, type Shell, shells } from '../completion.js';

export function define(
  command: Command,
  _keeper: PreparedKeeper | null,
  all: readonly CommandEntry[],
): void {
  command
    .addArgument(new Argument('<shell>', 'the shell that is to complete').choices(shells))
    .action(async (shell: Shell) => {
      process.stdout.write(completionScript(shell, await readCommandTable(all)));
    });
}
