import { Command, type Option } from 'commander';
import type { CommandEntry } from './commands.js';

/** One command with all that it understands, for completion and the manual page. */
export interface CommandPage {
  name: string;
  summary: string;
  /** Arguments as the help shows them: `<patch>`, `[journal]`. */
  args: { term: string; description: string }[];
  options: {
    flags: string;
    long: string;
    description: string;
    takesValue: boolean;
    choices: string[];
  }[];
  /** Names of the commands below it. */
  subcommands: string[];
}

/** Loads every command and reads from it what it understands. */
export async function readCommandTable(commands: readonly CommandEntry[]): Promise<CommandPage[]> {
  return Promise.all(
    commands.map(async (entry) => {
      const command = new Command(entry.name);
      (await entry.load()).define(command, null, commands);
      return pageOf(entry.name, entry.summary, command);
    }),
  );
}

function pageOf(name: string, summary: string, command: Command): CommandPage {
  const below = command.commands.flatMap((one) => [...one.options]);
  const options = new Map<string, Option>();
  for (const option of [...command.options, ...below]) options.set(option.flags, option);
  return {
    name,
    summary,
    args: command.registeredArguments.map((argument) => {
      const dots = argument.variadic ? '...' : '';
      const term = `${argument.name()}${dots}`;
      const description = argument.description;
      return { term: argument.required ? `<${term}>` : `[${term}]`, description };
    }),
    options: [...options.values()].map((option) => ({
      flags: option.flags,
      long: option.long ?? option.short ?? '',
      description: option.description,
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
    })),
    subcommands: command.commands.map((one) => one.name()),
  };
}
