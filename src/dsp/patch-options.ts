import { limits } from '../limits.js';
import type { ListItem, NodeDefinition, OptionDefinition } from './node.js';
import type { PatchReport, Path } from './patch-text.js';
import { readQuantity } from './quantity.js';
import { suggestion } from './suggestion.js';

/** What reading options needs to know of the patch. */
export interface OptionContext {
  readonly report: PatchReport;
  readonly tempo: number;
  readonly assets: readonly string[];
  readonly path: Path;
}

/** Ends the reading of one node whose text or list option is wrong; the report has the reason. */
class OptionRefused extends Error {}

/** Options as the numbers a program holds, in the order of the definition; mistakes are reported. */
export function readOptions(
  definition: NodeDefinition,
  raw: Readonly<Record<string, unknown>>,
  context: OptionContext,
): { values: number[]; data: Float32Array } {
  const named: Record<string, number> = {};
  const texts: Record<string, string> = {};
  const lists: Record<string, readonly ListItem[]> = {};
  let isSound = true;
  for (const [name, option] of Object.entries(definition.options ?? {})) {
    const path = [...context.path, name];
    const refuse = (message: string, at: Path = path) => {
      isSound = false;
      context.report.add('TENUTO_PATCH_INVALID', at, message);
    };
    named[name] = 0;
    if (option.kind === 'text') texts[name] = readText(raw[name], option.default, refuse);
    else if (option.kind === 'list') lists[name] = readList(raw[name], option.default, refuse);
    else named[name] = readNumber(option, raw[name], { ...context, path, refuse });
  }
  const values = Object.values(named);
  if (!definition.compile || !isSound) return { values, data: new Float32Array(0) };
  const fail = (message: string, option: string, index?: number): never => {
    const path = [...context.path, option, ...(index === undefined ? [] : [index])];
    context.report.add('TENUTO_PATCH_INVALID', path, message);
    throw new OptionRefused(message);
  };
  try {
    return { values, data: definition.compile({ options: named, texts, lists, fail }) };
  } catch (error) {
    if (error instanceof OptionRefused) return { values, data: new Float32Array(0) };
    throw error;
  }
}

type Refuse = (message: string, at?: Path) => void;

function readNumber(
  option: Exclude<OptionDefinition, { kind: 'text' | 'list' }>,
  value: unknown,
  context: OptionContext & { refuse: Refuse },
): number {
  const { refuse } = context;
  switch (option.kind) {
    case 'flag':
      if (value !== undefined && typeof value !== 'boolean') refuse('expected true or false');
      return (value ?? option.default) ? 1 : 0;
    case 'choice': {
      const index = option.choices.indexOf(String(value ?? option.default));
      if (index < 0) {
        refuse(
          `unknown choice${suggestion(String(value).slice(0, 80), 'choices', option.choices)}`,
        );
      }
      return Math.max(0, index);
    }
    case 'asset': {
      const index = context.assets.indexOf(String(value));
      if (index >= 0) return index;
      const hint = suggestion(String(value).slice(0, 80), 'assets', context.assets);
      refuse(value === undefined ? `an asset is missing here${hint}` : `no such asset${hint}`);
      return 0;
    }
    case 'number': {
      const number =
        typeof value === 'string' ? readQuantity(value, option.unit, context.tempo) : value;
      if (number === undefined && value === undefined) return option.default;
      const isRight =
        typeof number === 'number' &&
        number >= option.min &&
        number <= option.max &&
        (!option.integer || Number.isInteger(number));
      if (isRight) return number;
      const unit = option.unit === 'none' ? '' : ` ${option.unit}`;
      const whole = option.integer ? 'whole ' : '';
      refuse(`expected a ${whole}number from ${option.min} to ${option.max}${unit}`);
      return option.default;
    }
  }
}

function readText(value: unknown, standard: string, refuse: Refuse): string {
  if (typeof value === 'string') return value;
  if (value !== undefined) refuse('expected text; write it in quotes');
  return standard;
}

function readList(
  value: unknown,
  standard: readonly ListItem[],
  refuse: Refuse,
): readonly ListItem[] {
  if (value === undefined) return standard;
  const isItem = (item: unknown) => typeof item === 'string' || typeof item === 'number';
  const isRight =
    Array.isArray(value) &&
    value.length <= limits.sequenceStepsMax &&
    value.every((item) => isItem(item) || (Array.isArray(item) && item.every(isItem)));
  if (isRight) return value as ListItem[];
  refuse(`expected a list of at most ${limits.sequenceStepsMax} items`);
  return standard;
}
