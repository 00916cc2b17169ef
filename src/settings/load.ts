import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { settingKeys } from './keys.js';
import { environmentLayer, fileLayer, flagLayer, type Layer, refuse } from './layers.js';
import { type Settings, settingsSchema } from './schema.js';

/** The file that is read from the working directory when no other is named. */
export const settingsFileName = 'tenuto.yaml';

/** The place of what nobody set. */
const byDefault = 'default';

/** Values by setting path, before the general defaults. */
export type SettingDefaults = Readonly<Record<string, unknown>>;

/** Where settings come from; nothing else is consulted. */
export interface SettingsSources {
  /** Flags by name without dashes (`rate`, `log-level`, `set`); other names are passed over. */
  flags?: Readonly<Record<string, unknown>>;
  env?: NodeJS.ProcessEnv;
  /** Directory in which `tenuto.yaml` is looked for; without it no file is looked for. */
  cwd?: string;
  /** The file that `--config` named; it has to exist. */
  configFile?: string;
  /** By path: what a program prefers for settings that nobody set. */
  defaults?: SettingDefaults;
}

function readLayer({ cwd, configFile }: SettingsSources): Layer {
  const given = configFile ?? (cwd === undefined ? undefined : settingsFileName);
  if (given === undefined) return new Map();
  const path = resolve(cwd ?? '.', given);
  if (configFile === undefined && !existsSync(path)) return new Map();
  try {
    if (statSync(path).size > limits.settingsBytesMax) {
      throw new TenutoError(
        'TENUTO_SETTINGS_INVALID',
        `${given}:1:1: larger than ${limits.settingsBytesMax} bytes`,
      );
    }
    return fileLayer(readFileSync(path, 'utf8'), given);
  } catch (cause) {
    if (cause instanceof TenutoError) throw cause;
    throw new TenutoError(
      'TENUTO_FILE_UNREADABLE',
      `the settings file ${given} cannot be read (${(cause as NodeJS.ErrnoException).code})`,
      { cause },
    );
  }
}

/** The nested object that the schema takes. */
function nest(layer: Layer): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, { value }] of layer) {
    const parts = path.split('.');
    const last = parts.pop() ?? '';
    let table = root;
    for (const part of parts) {
      table[part] ??= {};
      table = table[part] as Record<string, unknown>;
    }
    table[last] = value;
  }
  return root;
}

/** One refusal as `PLACE: KEY MESSAGE`; the place is the default's when nobody set the key. */
function explain(issue: z.core.$ZodIssue, layer: Layer): string {
  const parts = issue.path.map(String);
  const path = parts.join('.');
  const key = settingKeys.find((entry) => path === entry.path || path.startsWith(`${entry.path}.`));
  // A rule over several settings may point at one that was left at its default.
  const group = parts.slice(0, -1).join('.');
  const place =
    layer.get(key?.path ?? path)?.place ??
    [...layer].find(
      ([other, { place }]) => place !== byDefault && other.startsWith(`${group}.`),
    )?.[1].place ??
    byDefault;
  const message = issue.message.replace(/^Invalid (input|option): /, '');
  const accepts = key === undefined || key.kind === 'yaml' ? '' : ` (accepts ${key.accepts})`;
  return `${place}: ${path}: ${message[0]?.toLowerCase()}${message.slice(1)}${accepts}`;
}

/**
 * Reads all settings: flags before environment before file before defaults.
 *
 * @throws TenutoError `TENUTO_SETTINGS_INVALID` with the place of each fault (FILE:LINE:COLUMN,
 * the variable); `TENUTO_USAGE` for a wrong flag; `TENUTO_FILE_UNREADABLE` when a named file cannot be read.
 */
export function loadSettings(sources: SettingsSources = {}): Settings {
  const defaults = Object.entries(sources.defaults ?? {});
  const layer: Layer = new Map([
    ...defaults.map(([path, value]) => [path, { value, place: byDefault }] as const),
    ...readLayer(sources),
    ...environmentLayer(sources.env ?? {}),
    ...flagLayer(sources.flags ?? {}),
  ]);
  // One validation is over sooner than the code that would do many quickly is made.
  const result = settingsSchema.safeParse(nest(layer), { jitless: true });
  if (result.success) return result.data;
  return refuse(result.error.issues.map((issue) => explain(issue, layer)).join('\n'), result.error);
}
