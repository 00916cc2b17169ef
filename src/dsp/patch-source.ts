import { limits } from '../limits.js';
import type { PortDefinition } from './node.js';
import type { PatchReport, Path } from './patch-text.js';
import { looksLikeQuantity, readQuantity, suffixesOf } from './quantity.js';

/** What a patch plugs into a port. */
export type Source =
  | { readonly kind: 'number'; readonly value: number }
  /** One number for each lane; `spread` goes evenly from the first lane to the last. */
  | { readonly kind: 'lanes'; readonly values: readonly number[]; readonly path: Path }
  | { readonly kind: 'spread'; readonly low: number; readonly high: number; readonly path: Path }
  | Cable
  | { readonly kind: 'sum'; readonly items: readonly Source[] };

export interface Cable {
  readonly kind: 'cable';
  /** `node` or `node.output`, not yet resolved. */
  readonly from: string;
  /** cable * amount + offset. */
  readonly amount: Source | undefined;
  readonly offset: Source | undefined;
  readonly path: Path;
}

/** What reading a source needs to know of the patch. */
export interface SourceContext {
  readonly report: PatchReport;
  readonly tempo: number;
  readonly path: Path;
}

/** Nesting of sources; nobody writes more, and the reader recurses. */
const DEPTH_MAX = 4;
const scaledKeys = ['from', 'amount', 'offset'];

/**
 * Reads what stands at a port: a number, a quantity such as `250 ms`, a cable, `{ from, amount,
 * offset }`, `{ lanes }`, `{ spread }`, or a list of these, which is their sum. Mistakes go to the
 * report.
 */
export function readSource(
  value: unknown,
  port: PortDefinition,
  context: SourceContext,
  depth = 0,
): Source | undefined {
  const refuse = (message: string, path: Path = context.path) => {
    context.report.add('TENUTO_PATCH_INVALID', path, message);
    return undefined;
  };
  if (depth > DEPTH_MAX) return refuse('nested too deep');
  const isOuter = depth === 0;
  if (typeof value === 'number') return checkNumber(value, port, isOuter, refuse);
  if (typeof value === 'boolean' && port.min === 0 && port.max === 1) {
    return { kind: 'number', value: value ? 1 : 0 };
  }
  if (typeof value === 'string') {
    if (!looksLikeQuantity(value)) return cable(value, context.path);
    const number = readQuantity(value, port.unit, context.tempo);
    if (number !== undefined) return checkNumber(number, port, isOuter, refuse);
    const known = suffixesOf(port.unit).map((suffix) => `\`${suffix}\``);
    return refuse(`\`${value.slice(0, 80)}\` is no number; units here: ${known.join(', ')}`);
  }
  if (Array.isArray(value)) return readSum(value, port, context, depth, refuse);
  if (typeof value === 'object' && value !== null) {
    return readObject(value as Record<string, unknown>, port, context, depth, refuse);
  }
  return refuse(`\`${port.name}\` takes a number, the name of a node, or { from, amount, offset }`);
}

type Refuse = (message: string, path?: Path) => undefined;

function cable(from: string, path: Path): Cable {
  return { kind: 'cable', from: from.trim(), amount: undefined, offset: undefined, path };
}

/** Parts of a sum may exceed the range; what enters the port is held within it. */
function checkNumber(
  value: number,
  port: PortDefinition,
  ranged: boolean,
  refuse: Refuse,
): Source | undefined {
  if (!Number.isFinite(value) || Math.abs(value) > 1e9) return refuse('not a usable number');
  if (ranged && (value < port.min || value > port.max)) {
    const unit = port.unit === 'none' ? '' : ` ${port.unit}`;
    return refuse(`\`${port.name}\` is ${value}; it goes from ${port.min} to ${port.max}${unit}`);
  }
  return { kind: 'number', value };
}

function readSum(
  value: readonly unknown[],
  port: PortDefinition,
  context: SourceContext,
  depth: number,
  refuse: Refuse,
): Source | undefined {
  if (value.length === 0) return refuse('an empty list; leave the port out instead');
  if (value.length > limits.patchNodesMax) return refuse('too many items');
  const items = value.map((item, i) =>
    readSource(item, port, { ...context, path: [...context.path, i] }, depth + 1),
  );
  return { kind: 'sum', items: items.filter((item) => item !== undefined) };
}

function readObject(
  value: Readonly<Record<string, unknown>>,
  port: PortDefinition,
  context: SourceContext,
  depth: number,
  refuse: Refuse,
): Source | undefined {
  const keys = Object.keys(value);
  const at = (key: string) => ({ ...context, path: [...context.path, key] });
  if (keys.length === 1 && keys[0] === 'lanes') return readLanes(value.lanes, port, at('lanes'));
  if (keys.length === 1 && keys[0] === 'spread') {
    const lanes = readLanes(value.spread, port, at('spread'));
    if (lanes?.values.length === 2) {
      const [low, high] = lanes.values;
      return { kind: 'spread', low: low!, high: high!, path: context.path };
    }
    return lanes && refuse('`spread` takes two numbers: of the first lane and of the last');
  }
  const odd = keys.find((key) => !scaledKeys.includes(key));
  if (odd !== undefined || typeof value.from !== 'string') {
    return refuse('expected { from, amount, offset }, { lanes: [...] } or { spread: [a, b] }');
  }
  const part = (key: string) =>
    value[key] === undefined ? undefined : readSource(value[key], port, at(key), depth + 1);
  return {
    ...cable(value.from, at('from').path),
    amount: part('amount'),
    offset: part('offset'),
  };
}

function readLanes(
  value: unknown,
  port: PortDefinition,
  context: SourceContext,
): Extract<Source, { kind: 'lanes' }> | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > limits.patchVoicesMax) {
    context.report.add('TENUTO_PATCH_INVALID', context.path, 'expected a list of numbers');
    return undefined;
  }
  const values = value.map((item, i) => {
    const source = readSource(item, port, { ...context, path: [...context.path, i] });
    if (source === undefined || source.kind === 'number') return source?.value ?? 0;
    context.report.add('TENUTO_PATCH_INVALID', [...context.path, i], 'expected a number');
    return 0;
  });
  return { kind: 'lanes', values, path: context.path };
}
