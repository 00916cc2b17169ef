import { z } from 'zod';
import { limits } from '../limits.js';
import type { NodeDefinition } from './node.js';
import { type NodeLibrary, nodesByType, noNodes } from './nodes/index.js';
import { readOptions } from './patch-options.js';
import { readSource, type Source } from './patch-source.js';
import { PatchReport, type Path, readPatchText } from './patch-text.js';
import { suggestion } from './suggestion.js';

/** A patch that has been read: every node, port and option in it exists. */
export interface Patch {
  /** The file's name as given, for messages and for paths of assets. */
  readonly file: string;
  readonly name: string;
  /** As it was written. */
  readonly text: string;
  /** Beats per minute. */
  readonly tempo: number;
  readonly seed: number;
  /** In the order of their indexes. */
  readonly assets: readonly { readonly name: string; readonly file: string }[];
  readonly nodes: readonly PatchNode[];
  /** `file:line:column` of the value or key at a path. */
  readonly locate: (path: Path, at: 'key' | 'value') => string;
}

export interface PatchNode {
  readonly name: string;
  readonly definition: NodeDefinition;
  /** As written; the compiler finds the width of the others. */
  readonly voices: number | undefined;
  readonly ports: ReadonlyMap<string, Source>;
  /** In the order of the definition's options. */
  readonly options: readonly number[];
  readonly data: Float32Array;
}

/** What a node or an asset may be called: no dot, for that separates node and port. */
const nameShape = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const nameRule = 'a name is a letter, then letters, digits, `_` or `-`, 64 at most';

const modulesSchema = z.array(z.string().min(1).max(4096)).max(limits.patchModulesMax);

const patchSchema = z.strictObject({
  name: z.string().max(200).default('untitled'),
  tempo: z.number().min(20).max(400).default(120),
  seed: z.int().min(0).max(0x7fffffff).default(0),
  /** Files with nodes of the user's, seen from the folder of the patch. */
  modules: modulesSchema.default([]),
  assets: z.record(z.string(), z.string().min(1).max(4096)).default({}),
  nodes: z.record(z.string(), z.looseObject({ type: z.string() })),
});

/**
 * Reads a patch from YAML or JSON. `docs/patches.md` describes the format.
 * @throws TenutoError TENUTO_PATCH_INVALID, TENUTO_PATCH_UNKNOWN, TENUTO_PATCH_LIMIT; each line of
 *   the message begins with `file:line:column`
 */
export function parsePatch(text: string, file: string, own: NodeLibrary = noNodes): Patch {
  const { value, locate } = readPatchText(text, file);
  const report = new PatchReport(locate);
  const result = patchSchema.safeParse(value);
  if (!result.success) {
    for (const issue of result.error.issues) reportIssue(report, issue);
    report.refuseIfAny();
  }
  const raw = result.data!;
  const assets = Object.entries(raw.assets).map(([name, path]) => ({ name, file: path }));
  const entries = Object.entries(raw.nodes);
  checkNames(report, 'assets', Object.keys(raw.assets));
  checkNames(report, 'nodes', Object.keys(raw.nodes));
  if (assets.length > limits.assetsMax) {
    report.add('TENUTO_PATCH_LIMIT', ['assets'], `more than ${limits.assetsMax} assets`, 'key');
  }
  if (entries.length > limits.patchNodesMax) {
    report.add('TENUTO_PATCH_LIMIT', ['nodes'], `more than ${limits.patchNodesMax} nodes`, 'key');
  }
  report.refuseIfAny();
  const context = { report, own, tempo: raw.tempo, assets: assets.map(({ name }) => name) };
  const nodes = entries.flatMap(([name, node]) => readNode(name, node, context) ?? []);
  report.refuseIfAny();
  const { name, tempo, seed } = raw;
  return { file, name, text, tempo, seed, assets, nodes, locate };
}

/** The files with nodes of the user's that a patch names; what is wrong is told by `parsePatch`. */
export function modulesOf(text: string, file: string): string[] {
  const value = readPatchText(text, file).value as { modules?: unknown } | null;
  const found = modulesSchema.safeParse(value?.modules ?? []);
  return found.success ? found.data : [];
}

function reportIssue(report: PatchReport, issue: z.core.$ZodIssue): void {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      const hint = suggestion(key, 'keys', Object.keys(patchSchema.shape));
      report.add('TENUTO_PATCH_UNKNOWN', [...path, key], `unknown key \`${key}\`${hint}`, 'key');
    }
    return;
  }
  const where = path.length === 0 ? 'the patch' : `\`${path.join('.')}\``;
  report.add('TENUTO_PATCH_INVALID', path, `${where}: ${issue.message}`);
}

function checkNames(report: PatchReport, section: string, names: readonly string[]): void {
  for (const name of names) {
    if (nameShape.test(name)) continue;
    const text = `\`${name.slice(0, 80)}\` cannot be a name: ${nameRule}`;
    report.add('TENUTO_PATCH_INVALID', [section, name], text, 'key');
  }
}

/** What reading one node needs from the patch around it. */
export interface ReadContext {
  readonly report: PatchReport;
  /** Nodes of the user's that the patch brings. */
  readonly own: NodeLibrary;
  readonly tempo: number;
  readonly assets: readonly string[];
}

function readNode(
  name: string,
  raw: Readonly<Record<string, unknown>> & { type: string },
  context: ReadContext,
): PatchNode | undefined {
  const { report } = context;
  const path = ['nodes', name];
  const definition = nodesByType.get(raw.type) ?? context.own.get(raw.type);
  if (!definition) {
    const hint = suggestion(raw.type.slice(0, 80), 'node types', [
      ...nodesByType.keys(),
      ...context.own.keys(),
    ]);
    const text = `unknown node type \`${raw.type.slice(0, 80)}\`${hint}`;
    report.add('TENUTO_PATCH_UNKNOWN', [...path, 'type'], text);
    return undefined;
  }
  const ports = new Map<string, Source>();
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(raw)) {
    if (key === 'type' || (key === 'voices' && definition.voices)) continue;
    const port = definition.ports.find((candidate) => candidate.name === key);
    if (port) {
      const source = readSource(value, port, { ...context, path: [...path, key] });
      if (source) ports.set(key, source);
    } else if (Object.hasOwn(definition.options ?? {}, key)) {
      options[key] = value;
    } else {
      const text = `\`${definition.type}\` has no \`${key}\`${suggestion(key, 'it has', keysOf(definition))}`;
      report.add('TENUTO_PATCH_UNKNOWN', [...path, key], text, 'key');
    }
  }
  const voices = definition.voices ? readVoices(raw.voices, path, report) : undefined;
  const { values, data } = readOptions(definition, options, { ...context, path });
  return { name, definition, voices, ports, options: values, data };
}

function keysOf(definition: NodeDefinition): string[] {
  const ports = definition.ports.map((port) => port.name);
  const options = Object.keys(definition.options ?? {});
  return [...ports, ...options, ...(definition.voices ? ['voices'] : [])];
}

function readVoices(value: unknown, path: Path, report: PatchReport): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= limits.patchVoicesMax) {
    return Number(value);
  }
  const text = `\`voices\` is a whole number from 1 to ${limits.patchVoicesMax}`;
  report.add('TENUTO_PATCH_LIMIT', [...path, 'voices'], text);
  return undefined;
}
