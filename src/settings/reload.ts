import { settingKeys } from './keys.js';
import type { Settings } from './schema.js';

/** What becomes of settings that were read again. */
export interface Reloaded {
  /** Those that hold from now on. */
  readonly settings: Settings;
  /** Keys that an engine which plays takes over. */
  readonly taken: readonly string[];
  /** Keys that are others now, and wait for the next start. */
  readonly later: readonly string[];
}

type Group = { [name: string]: unknown };

/** Compares the settings of an engine with those that were read again. */
export function reloadSettings(before: Settings, now: Settings): Reloaded {
  const settings = structuredClone(before);
  const taken: string[] = [];
  const later: string[] = [];
  for (const { path, live } of settingKeys) {
    const value = valueAt(now, path);
    // Whoever measures reads them by himself.
    if (path.startsWith('measure.')) continue;
    if (JSON.stringify(value) === JSON.stringify(valueAt(before, path))) continue;
    (live ? taken : later).push(path);
    if (live) setAt(settings, path, value);
  }
  return { settings, taken, later };
}

function groupOf(settings: Settings, path: string): [group: Group, name: string] {
  const steps = path.split('.');
  const name = steps.pop()!;
  const start = settings as unknown as Group;
  return [steps.reduce((group, step) => group[step] as Group, start), name];
}

function valueAt(settings: Settings, path: string): unknown {
  const [group, name] = groupOf(settings, path);
  return group[name];
}

function setAt(settings: Settings, path: string, value: unknown): void {
  const [group, name] = groupOf(settings, path);
  group[name] = value;
}
