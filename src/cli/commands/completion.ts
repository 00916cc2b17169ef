import { Argument, type Command } from 'commander';
import { readCommandTable } from '../command-table.js';
import { completionScript, type Shell, shells } from '../completion.js';

export function define(command: Command): void {
  command
    .addArgument(new Argument('<shell>', 'the shell that is to complete').choices(shells))
    .action(async (shell: Shell) => {
      process.stdout.write(completionScript(shell, await readCommandTable()));
    });
}
