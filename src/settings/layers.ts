import { isMap, isScalar, LineCounter, type Node, parse, parseDocument } from 'yaml';
import { TenutoError } from '../errors.js';
import { didYouMean } from '../nearest.js';
import { type SettingKey, settingKeys } from './keys.js';

/** Values by setting path, each with the place it was given at, for messages. */
export type Layer = Map<string, { value: unknown; place: string }>;

const byPath = new Map(settingKeys.map((key) => [key.path, key]));
const byEnv = new Map(settingKeys.map((key) => [key.env, key]));
const byFlag = new Map(settingKeys.flatMap((key) => (key.flag ? [[key.flag, key] as const] : [])));
/** `device_query_cooldown_sec` and `device.device_query_cooldown_sec` by the setting they name. */
const byAlias = new Map(
  settingKeys.flatMap((key) => {
    const { alias, path } = key;
    if (alias === undefined) return [];
    const group = path.slice(0, path.lastIndexOf('.'));
    return [[alias, path] as const, [`${group}.${alias}`, path] as const];
  }),
);

/** Names that tests and Tenuto's own child processes use; they are not settings. */
const internalPrefix = 'TENUTO_INTERNAL_';

/** A wrong flag is a mistake in the command line; all else is one of the configuration. */
export function refuse(message: string, cause?: unknown): never {
  const code = message.startsWith('--') ? 'TENUTO_USAGE' : 'TENUTO_SETTINGS_INVALID';
  throw new TenutoError(code, message, { cause });
}

/** Text from a flag or the environment as the setting's own type. */
function fromText(key: SettingKey, text: string, place: string): unknown {
  if (key.kind === 'number') {
    const value = Number(text);
    if (text.trim() === '' || Number.isNaN(value)) refuse(`${place}: "${text}" is not a number`);
    return value;
  }
  if (key.kind !== 'yaml') return text;
  try {
    return parse(text) as unknown;
  } catch (cause) {
    return refuse(`${place}: ${(cause as Error).message.split('\n')[0]}`, cause);
  }
}

/**
 * Settings from `TENUTO_*` variables. An empty variable counts as not set. Of the names of the
 * system that came before, CHRONUS_VERBOSE, CHRONUS_OSC_HOST and CHRONUS_OSC_PORT have an equal
 * here.
 */
export function environmentLayer(env: NodeJS.ProcessEnv): Layer {
  const layer: Layer = new Map();
  if (env.CHRONUS_VERBOSE && env.CHRONUS_VERBOSE !== '0') {
    layer.set('log.level', { value: 'info', place: 'CHRONUS_VERBOSE' });
  }
  const { CHRONUS_OSC_HOST: host, CHRONUS_OSC_PORT: port } = env;
  if (host || port) {
    const value = `${host || '127.0.0.1'}:${port || '5005'}`;
    layer.set('control.osc', { value, place: host ? 'CHRONUS_OSC_HOST' : 'CHRONUS_OSC_PORT' });
  }
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('TENUTO_') || name.startsWith(internalPrefix) || !text) continue;
    const key = byEnv.get(name);
    if (key === undefined) {
      refuse(`${name} in the environment is no setting${didYouMean(name, [...byEnv.keys()])}`);
    }
    layer.set(key.path, { value: fromText(key, text, name), place: name });
  }
  return layer;
}

/**
 * Settings from flags: names without dashes, values as typed; `set` holds `PATH=VALUE` texts.
 * Names that are no setting's flag belong to a command and are passed over.
 */
export function flagLayer(flags: Readonly<Record<string, unknown>>): Layer {
  const layer: Layer = new Map();
  for (const [name, text] of Object.entries(flags)) {
    const key = byFlag.get(name);
    if (key === undefined || text === undefined) continue;
    const place = `--${name}`;
    layer.set(key.path, { value: fromText(key, String(text), place), place });
  }
  for (const entry of (flags.set ?? []) as readonly string[]) {
    const split = entry.indexOf('=');
    if (split < 0) refuse(`--set ${entry}: expected KEY=VALUE`);
    const given = entry.slice(0, split);
    const path = byAlias.get(given) ?? given;
    const key = byPath.get(path);
    const place = `--set ${path}`;
    if (key === undefined) {
      refuse(`${place}: there is no such setting${didYouMean(path, [...byPath.keys()])}`);
    }
    layer.set(path, { value: fromText(key, entry.slice(split + 1), place), place });
  }
  return layer;
}

/** Settings from the text of a settings file; places are `FILE:LINE:COLUMN`. */
export function fileLayer(text: string, file: string): Layer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeAt = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const [problem] = document.errors;
  if (problem !== undefined) {
    refuse(`${placeAt(problem.pos[0])}: ${problem.message}`, problem);
  }
  const layer: Layer = new Map();
  const startOf = (node: Node) => placeAt(node.range?.[0] ?? 0);

  const visit = (node: Node | null, prefix: string): void => {
    if (node === null || (isScalar(node) && node.value === null)) return;
    if (!isMap(node)) refuse(`${startOf(node)}: expected a table of settings`);
    for (const pair of node.items) {
      const keyNode = pair.key as Node;
      const name = isScalar(keyNode) ? String(keyNode.value) : '';
      const given = prefix === '' ? name : `${prefix}.${name}`;
      const path = byAlias.get(given) ?? given;
      const value = pair.value as Node | null;
      const earlier = layer.get(path);
      if (earlier !== undefined) {
        refuse(`${startOf(keyNode)}: "${given}" was given already at ${earlier.place}`);
      }
      if (byPath.has(path)) {
        layer.set(path, {
          value: value?.toJS(document) ?? null,
          place: value === null ? startOf(keyNode) : startOf(value),
        });
      } else if (groups.has(path)) {
        visit(value, path);
      } else {
        refuse(`${startOf(keyNode)}: there is no setting "${path}"${suggest(path, prefix)}`);
      }
    }
  };
  visit(document.contents, '');
  return layer;
}

/** `engine`, `device.virtual`: what holds settings and is none itself. */
const groups = new Set([
  ...settingKeys.flatMap(({ path }) => {
    const parts = path.split('.').slice(0, -1);
    return parts.map((_, index) => parts.slice(0, index + 1).join('.'));
  }),
]);

/** Looks among the neighbours first, then for the same last word anywhere. */
function suggest(path: string, prefix: string): string {
  const all = [...byPath.keys(), ...groups];
  const neighbours = all.filter((name) => prefix === '' || name.startsWith(`${prefix}.`));
  const near = didYouMean(path, neighbours);
  if (near !== '') return near;
  const word = path.slice(path.lastIndexOf('.') + 1);
  const elsewhere = all.find((name) => name.endsWith(`.${word}`));
  return elsewhere === undefined ? '' : `; did you mean ${elsewhere}?`;
}
