#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import type { Command, CommanderError } from 'commander';
import { type PreparedKeeper, prepareKeeper } from '../client/keeper-process.js';
import { exitCodes } from '../errors.js';
import { commands } from './commands.js';
import { reportFailure, usageError } from './failure.js';

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** The keeper comes up while all that this process needs is loaded and the patch is compiled. */
function keeperFor(args: readonly string[]): PreparedKeeper | null {
  const name = args.find((arg) => !arg.startsWith('-'));
  const starts = commands.some((entry) => entry.name === name && entry.startsEngine);
  return starts && !args.includes('--help') && !args.includes('-h') ? prepareKeeper() : null;
}

/** Loads the code of those commands only that the command line names: the others cost nothing. */
async function buildProgram(
  args: readonly string[],
  keeper: PreparedKeeper | null,
): Promise<Command> {
  const { Command } = await import('commander');
  const named = args.filter((arg) => !arg.startsWith('-')).slice(0, 2);
  const program = new Command('tenuto')
    .description('An audio runtime for programs that must not fall silent.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    // What commander would print of a wrong command line is printed by reportFailure instead.
    .configureOutput({ outputError: () => undefined })
    .addHelpText(
      'after',
      '\nExit status: 0 ok, 2 usage, 3 configuration, 4 device, 5 engine not\nreachable, 6 degraded, 128+n ended by signal n.',
    );
  for (const entry of commands) {
    const command = program.command(entry.name).description(entry.summary).exitOverride();
    command.copyInheritedSettings(program);
    if (named.includes(entry.name)) (await entry.load()).define(command, keeper, commands);
  }
  return program;
}

function isCommanders(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}

/** Commander's own ways out: help and version are successes, all else is a wrong command line. */
function translate(error: unknown): unknown {
  if (!isCommanders(error)) return error;
  return usageError(error.message.replace(/^error: /, '').replace(/\n+/g, ' '));
}

const endings = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

async function main(args: readonly string[]): Promise<number> {
  const before = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  const manner = {
    json: before.includes('--json'),
    verbose: before.includes('--verbose') || before.includes('-v'),
  };
  using keeper = keeperFor(args);
  try {
    const program = await buildProgram(args, keeper);
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? exitCodes.ok);
  } catch (error) {
    if (isCommanders(error) && endings.has(error.code)) {
      return args.length === 0 ? exitCodes.usage : error.exitCode;
    }
    return reportFailure(translate(error), manner);
  }
}

// A reader that has gone (`tenuto status | head -1`) is no failure of ours.
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

// Ten times as long as usual until a function is worth optimizing: what a start runs through once
// is not, and the compiler's threads would take the cores from the engine's processes. Later engines
// of JavaScript than that of Node 20 count calls instead, and have no such flag.
if (process.versions.v8.startsWith('11.')) setFlagsFromString('--interrupt-budget=675840');

process.exit(await main(process.argv.slice(2)));
