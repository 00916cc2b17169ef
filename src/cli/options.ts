import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  loadSettings,
  type SettingDefaults,
  type Settings,
  settingKeys,
} from '../settings/index.js';

/** What every command's options hold, beside its own. */
export interface CommonOptions {
  json?: true;
  verbose?: true;
  config?: string;
  set?: string[];
  [name: string]: unknown;
}

/** For options such as `--seconds`: a finite number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('expected a number above 0.');
  }
  return value;
}

/** For options such as `--ramp`: `50ms`, `1.5s` or a number of milliseconds. */
export function durationMs(text: string): number {
  const match = /^(\d+\.?\d*|\.\d+)\s*(ms|s)?$/.exec(text.trim());
  if (match === null) throw new InvalidArgumentError('expected a time such as 50ms or 1.5s.');
  return Number(match[1]) * (match[2] === 's' ? 1000 : 1);
}

/** For options such as `--seed`: a whole number from 0 to 2^32 - 1. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 0xffff_ffff) {
    throw new InvalidArgumentError('expected a whole number from 0 to 4294967295.');
  }
  return value;
}

/** For `--kill replica,driver`: each of the list has to be one of the names. */
export function listOf<Name extends string>(names: readonly Name[]) {
  return (text: string): Name[] =>
    text.split(',').map((part) => {
      const found = names.find((name) => name === part.trim());
      if (found === undefined) {
        throw new InvalidArgumentError(`"${part}" is none of ${names.join(', ')}.`);
      }
      return found;
    });
}

/** `--json` and `--verbose`, which every command has. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('--json', 'print one JSON object instead of text')
    .option('-v, --verbose', 'log more, and show details of what went wrong');
}

/** Flags whose value is a name. */
const names = new Set(['name', 'device', 'capture']);

/** `--config`, `--set` and the settings' own flags, those named only when a list is given. */
export function addSettingOptions(
  command: Command,
  only?: readonly string[],
  defaults: SettingDefaults = {},
): Command {
  command.option('--config <file>', 'settings file (default: tenuto.yaml, where there is one)');
  for (const key of settingKeys) {
    if (key.flag === undefined || (only !== undefined && !only.includes(key.flag))) continue;
    const option = new Option(
      `--${key.flag} <${names.has(key.flag) ? 'name' : 'value'}>`,
      `${key.description} (${key.kind === 'text' ? '' : `${key.accepts}; `}default: ${String(defaults[key.path] ?? key.defaultValue)})`,
    );
    command.addOption(option);
  }
  return command.option(
    '--set <key=value>',
    'any other setting of docs/settings.md; may be given again',
    (entry: string, earlier: string[] = []) => [...earlier, entry],
  );
}

/** The settings that flags, environment, file and defaults (a command's own first) give together. */
export function readSettings(options: CommonOptions, defaults: SettingDefaults = {}): Settings {
  const flags: Record<string, unknown> = { set: options.set };
  for (const { flag } of settingKeys) {
    if (flag === undefined) continue;
    flags[flag] = options[flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
  }
  if (options.verbose) flags['log-level'] ??= 'info';
  return loadSettings({
    flags,
    env: process.env,
    cwd: process.cwd(),
    defaults,
    ...(options.config === undefined ? {} : { configFile: options.config }),
  });
}
