// The parts of docs/control.md that follow from the code: commands, their keys, and refusals.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { commandHead, commandKinds } from '../dist/control/bus/command.js';
import { errorTable } from '../dist/errors.js';

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** What a value may be, in words. */
function takes(schema) {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(takes))].join(' or ');
  if (schema.type === 'array' && schema.prefixItems) {
    return `[${schema.prefixItems.map(takes).join(', ')}]`;
  }
  if (schema.type === 'array') return `list of ${schema.minItems} to ${schema.maxItems}`;
  if (schema.type === 'object') {
    const required = new Set(schema.required ?? []);
    const keys = Object.entries(schema.properties).map(
      ([key, value]) => `${key}${required.has(key) ? '' : '?'}: ${takes(value)}`,
    );
    return `{ ${keys.join(', ')} }`;
  }
  if (schema.type === 'string') return `text of up to ${schema.maxLength} characters`;
  if (schema.type === 'boolean') return 'true or false';
  if (schema.maximum === undefined || schema.maximum >= Number.MAX_SAFE_INTEGER) return 'a number';
  if (schema.maximum === 0xffff_ffff) return 'whole, 32 bits';
  return `${schema.minimum} to ${schema.maximum}`;
}

function keyRows(properties, required, prefix) {
  return Object.entries(properties).flatMap(([key, schema]) => {
    if (key === 'do' || schema.not) return [];
    const needed = required.includes(key) ? '' : ' (optional)';
    return [
      `| ${prefix}\`${key}\`${needed} | ${cell(takes(schema))} | ${cell(schema.description)} |`,
    ];
  });
}

function commandTable() {
  const head = new Set(Object.keys(commandHead.shape));
  const lines = [];
  for (const kind of commandKinds) {
    const { properties, required, description } = z.toJSONSchema(kind, { io: 'input' });
    lines.push(`### \`${properties.do.const}\``, '', `It ${description}.`, '');
    const own = Object.fromEntries(Object.entries(properties).filter(([key]) => !head.has(key)));
    lines.push('| key | takes | what |', '| --- | --- | --- |');
    lines.push(...keyRows(own, required, ''), '');
  }
  lines.push(
    '### Keys of all',
    '',
    'A patch is loaded without `at`: it plays when it is prepared.',
    '',
  );
  lines.push('| key | takes | what |', '| --- | --- | --- |');
  const { properties } = z.toJSONSchema(commandHead, { io: 'input' });
  lines.push(...keyRows(properties, [], ''));
  return lines.join('\n');
}

function refusalTable() {
  const lines = ['| code | what to do |', '| --- | --- |'];
  for (const [code, { remedy }] of Object.entries(errorTable)) {
    if (!/^TENUTO_(COMMAND|PATCH|MODULE)_/.test(code)) continue;
    lines.push(`| [\`${code}\`](errors.md#${code.toLowerCase()}) | ${cell(remedy)} |`);
  }
  return lines.join('\n');
}

/** The page with its made parts filled in: what stands between their marks. */
export function controlPage(path) {
  const made = { commands: commandTable(), refusals: refusalTable() };
  return Object.entries(made).reduce(
    (text, [name, part]) => {
      const marks = new RegExp(`(<!-- made: ${name} -->\\n)[^]*?(<!-- end: ${name} -->)`);
      if (!marks.test(text)) throw new Error(`${path} has no place for ${name}`);
      return text.replace(marks, (_, begin, end) => `${begin}\n${part}\n\n${end}`);
    },
    readFileSync(path, 'utf8'),
  );
}
