import { createHash } from 'node:crypto';
import * as nodeModule from 'node:module';
import { TenutoError } from '../errors.js';
import { adoptNode, ownNodeKit } from './define-node.js';
import type { NodeDefinition } from './node.js';
import type { NodeLibrary } from './nodes/index.js';

/** The code of a user's node, as it travels beside a program. */
export interface OwnModule {
  /** As messages call it. */
  readonly file: string;
  /** JavaScript, complete: it imports nothing but `tenuto/dsp`. */
  readonly code: string;
  readonly digest: string;
}

const kitName = 'tenuto.dsp';
const kitImport = /import\s*(?:type\s*)?\{([^}]*)\}\s*from\s*(['"])tenuto\/dsp\2\s*;?/g;
const otherImport =
  /(?:^|[;\n])\s*import\b[^\n]*|\bimport\s*\([^)]*\)|\bexport\b[^\n;]*\bfrom\s*['"]/;

/**
 * Reads the code of a module: JavaScript as it is; TypeScript where this Node strips types or a
 * compiler is installed.
 *
 * @throws TenutoError `TENUTO_MODULE_INVALID`
 */
export async function readOwnModule(text: string, file: string): Promise<OwnModule> {
  const plain = /\.[cm]?ts$/.test(file) ? await withoutTypes(text, file) : text;
  // On one line each, so that places in messages stay right.
  const code = plain.replace(kitImport, (_, names: string) => {
    const wanted = names.replace(/\btype\s+\w+\s*,?/g, '').replace(/\s+as\s+/g, ': ');
    return `const {${wanted}} = globalThis[Symbol.for('${kitName}')];`;
  });
  const found = otherImport.exec(code)?.[0]?.trim();
  if (found !== undefined) {
    const what = `it imports more than \`tenuto/dsp\`: \`${found.slice(0, 60)}\``;
    throw new TenutoError('TENUTO_MODULE_INVALID', `${file}: ${what}`);
  }
  const digest = createHash('sha256').update(code).digest('hex').slice(0, 16);
  return { file, code, digest };
}

interface TypeStripper {
  stripTypeScriptTypes?(code: string): string;
}

interface TypeScript {
  transpileModule(
    text: string,
    options: { compilerOptions: Record<string, unknown> },
  ): { outputText: string };
  default?: TypeScript;
}

async function withoutTypes(text: string, file: string): Promise<string> {
  const { stripTypeScriptTypes } = nodeModule as TypeStripper;
  try {
    if (stripTypeScriptTypes) return stripTypeScriptTypes(text);
    // Not a dependency: it is used where the user has it.
    const name = 'typescript';
    const found = (await import(name)) as TypeScript;
    const compiler = found.default ?? found;
    const compilerOptions = { target: 'ES2022', module: 'ESNext', verbatimModuleSyntax: false };
    return compiler.transpileModule(text, { compilerOptions }).outputText;
  } catch (cause) {
    const what =
      (cause as { code?: string }).code === 'ERR_MODULE_NOT_FOUND'
        ? 'TypeScript needs the package `typescript`, or Node 22.18; or give JavaScript'
        : (cause as Error).message;
    throw new TenutoError('TENUTO_MODULE_INVALID', `${file}: ${what}`, { cause });
  }
}

/**
 * Runs a module and makes a node of what it exports. Its code runs: never in a driver, and where it
 * may never end, only where that can be borne.
 *
 * @throws TenutoError `TENUTO_MODULE_INVALID`
 */
export async function runOwnModule({ file, code, digest }: OwnModule): Promise<NodeDefinition> {
  Object.assign(globalThis, { [Symbol.for(kitName)]: ownNodeKit });
  const source = `${code}\n//# sourceURL=${file.replaceAll('\n', ' ')}#${digest}`;
  const address = `data:text/javascript;base64,${Buffer.from(source).toString('base64')}`;
  let exported: { default?: unknown };
  try {
    exported = (await import(address)) as typeof exported;
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new TenutoError('TENUTO_MODULE_INVALID', `${file}: ${what}`, { cause });
  }
  return adoptNode(exported.default, file, digest);
}

/** @throws TenutoError `TENUTO_MODULE_INVALID`, also for two nodes of one name */
export async function runOwnModules(modules: readonly OwnModule[]): Promise<NodeLibrary> {
  const nodes = new Map<string, NodeDefinition>();
  for (const module of modules) {
    const definition = await runOwnModule(module);
    if (nodes.has(definition.type)) {
      const what = `there are two nodes \`${definition.type}\``;
      throw new TenutoError('TENUTO_MODULE_INVALID', `${module.file}: ${what}`);
    }
    nodes.set(definition.type, definition);
  }
  return nodes;
}

/** The nodes that a program brings, from the JSON that travels beside it. */
export async function loadOwnNodes(info: Uint8Array): Promise<NodeLibrary> {
  const { modules = [] } = JSON.parse(Buffer.from(info).toString()) as { modules?: OwnModule[] };
  return runOwnModules(modules);
}

let isWithheld = false;

/**
 * Takes clock, random numbers and timers away from a process that renders a user's node: it would
 * not render what others do. Whoever asks for them fails, and is silenced like any that throws.
 */
export function withholdWorld(): void {
  if (isWithheld) return;
  isWithheld = true;
  const refuse = (what: string) => () => {
    throw new Error(`a node has no ${what}: it must render the same whenever it is run`);
  };
  const now = refuse('clock');
  Object.assign(Math, { random: refuse('random numbers') });
  Object.assign(performance, { now });
  const RealDate = Date;
  const Frozen = (...given: unknown[]) => {
    if (given.length === 0) now();
    return Reflect.construct(RealDate, given);
  };
  Object.assign(globalThis, { Date: Object.assign(Frozen, { now }) });
}
