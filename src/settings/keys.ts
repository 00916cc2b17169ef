import { z } from 'zod';
import { type SettingMeta, settingsSchema } from './schema.js';

/** One setting as flags, environment, help and the reference page show it. */
export interface SettingKey {
  /** Place in `tenuto.yaml`, such as `engine.rateHz`. */
  readonly path: string;
  /** Name in the environment, such as `TENUTO_ENGINE_RATE_HZ`. */
  readonly env: string;
  /** Flag without dashes, where there is one; every setting can be given as `--set PATH=VALUE`. */
  readonly flag: string | undefined;
  /** What may be given, in words: `32 to 1024`, `auto or off`. */
  readonly accepts: string;
  readonly kind: 'number' | 'text' | 'choice' | 'yaml';
  readonly choices: readonly string[];
  readonly defaultValue: unknown;
  readonly description: string;
  /** False when a change needs a restart of the engine. */
  readonly live: boolean;
  /** The name it has in the settings of the system that came before, if any; files may use it. */
  readonly alias: string | undefined;
}

function envName(path: string): string {
  const words = path.replaceAll('.', '_').replace(/([a-z])([A-Z])/g, '$1_$2');
  return `TENUTO_${words.toUpperCase()}`;
}

function unwrap(schema: z.ZodType): { inner: z.ZodType; defaultValue: unknown } {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return {
      inner: schema.unwrap() as z.ZodType,
      defaultValue: schema._zod.def.defaultValue,
    };
  }
  return { inner: schema, defaultValue: undefined };
}

function numberRange(schema: z.ZodNumber): string {
  const step = schema._zod.def.checks
    ?.map((check) => check._zod.def as { check: string; value?: number })
    .find(({ check }) => check === 'multiple_of')?.value;
  const range = `${schema.minValue ?? '-∞'} to ${schema.maxValue ?? '∞'}`;
  return step === undefined ? range : `${range}, in steps of ${step}`;
}

function leaf(path: string, inner: z.ZodType, defaultValue: unknown): SettingKey {
  const meta = (inner.meta() ?? {}) as Partial<SettingMeta>;
  const choices = inner instanceof z.ZodEnum ? inner.options.map(String) : [];
  const shared = {
    path,
    env: envName(path),
    flag: meta.flag,
    choices,
    defaultValue,
    description: meta.description ?? '',
    live: meta.live ?? false,
    alias: meta.alias,
  };
  if (inner instanceof z.ZodNumber) {
    return { ...shared, kind: 'number', accepts: numberRange(inner) };
  }
  if (inner instanceof z.ZodEnum) {
    return { ...shared, kind: 'choice', accepts: choices.join(', ') };
  }
  if (inner instanceof z.ZodString) return { ...shared, kind: 'text', accepts: 'text' };
  const accepts = inner instanceof z.ZodNullable ? 'map or null' : 'list';
  return { ...shared, kind: 'yaml', accepts };
}

function walk(schema: z.ZodObject, prefix: string): SettingKey[] {
  return Object.entries(schema.shape).flatMap(([name, value]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const { inner, defaultValue } = unwrap(value as z.ZodType);
    return inner instanceof z.ZodObject ? walk(inner, path) : [leaf(path, inner, defaultValue)];
  });
}

/** Every setting in the order of the schema. */
export const settingKeys: readonly SettingKey[] = walk(settingsSchema, '');
