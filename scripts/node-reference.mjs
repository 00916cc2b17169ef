// The reference page of the nodes, made from their definitions. Needs a build (`npm run build`).
// `scripts/reference.mjs` writes and checks it with the other pages; alone:
//
//   node scripts/node-reference.mjs    writes docs/nodes.md
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { registry } from '../dist/dsp/index.js';

const widths = {
  widest: 'as wide as its widest cable',
  mono: 'mono',
  stereo: 'stereo',
  sum: 'mono or stereo',
  asset: 'mono or stereo, as the file is',
  sink: 'none',
};

const unitNames = { none: '', gain: 'factor' };

function unitOf({ unit }) {
  return unitNames[unit] ?? unit;
}

function numberOf(value) {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

function portRows(ports) {
  if (ports.length === 0) return ['It has no ports.', ''];
  const rows = ports.map((port) => {
    const range = `${numberOf(port.min)} to ${numberOf(port.max)}`;
    const smoothing = port.smoothingMs > 0 ? `${port.smoothingMs} ms` : '';
    const standard = port.unit === 'bpm' ? 'that of the patch' : numberOf(port.default);
    return `| \`${port.name}\` | ${unitOf(port)} | ${range} | ${standard} | ${smoothing} | ${port.summary} |`;
  });
  return [
    '| port | unit | range | default | ramp | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ];
}

function acceptedBy(option) {
  if (option.kind === 'choice') return option.choices.map((choice) => `\`${choice}\``).join(', ');
  if (option.kind === 'flag') return '`true`, `false`';
  if (option.kind === 'asset') return 'the name of an asset';
  if (option.kind === 'text') return 'text';
  if (option.kind === 'list') return 'a list';
  const whole = option.integer ? 'whole, ' : '';
  return `${whole}${option.min} to ${option.max} ${unitOf(option)}`.trim();
}

function optionRows(options) {
  const entries = Object.entries(options ?? {});
  if (entries.length === 0) return [];
  const rows = entries.map(([name, option]) => {
    const standard =
      'default' in option ? `\`${JSON.stringify(option.default).replaceAll('"', '')}\`` : '';
    return `| \`${name}\` | ${acceptedBy(option)} | ${standard} | ${option.summary} |`;
  });
  return ['| option | accepts | default | |', '| --- | --- | --- | --- |', ...rows, ''];
}

function section(definition) {
  const facts = [`Output: ${widths[definition.lanes]}`];
  if (definition.outputs) {
    facts[0] = `Outputs: ${definition.outputs.map((name) => `\`.${name}\``).join(', ')}, each ${widths[definition.lanes]}`;
  }
  if (definition.voices) facts.push('takes `voices`');
  if (definition.feedback) facts.push(`may close a loop at \`${definition.feedback}\``);
  return [
    `## ${definition.type}`,
    '',
    definition.summary,
    '',
    `${facts.join('; ')}.`,
    '',
    ...portRows(definition.ports),
    ...optionRows(definition.options),
  ];
}

/** The text of docs/nodes.md. */
export function nodesPage() {
  const sorted = [...registry].sort((a, b) => (a.type < b.type ? -1 : 1));
  const lines = [
    '# Nodes',
    '',
    'Made from `src/dsp/nodes` by `npm run docs`; a test checks that it is current.',
    '',
    'How they are written and connected is in [patches.md](patches.md). A *port* takes a number or',
    'a cable and can be changed while the patch sounds; a number moves to its new value in no less',
    'time than its *ramp*. An *option* is chosen when the patch is compiled.',
    '',
    sorted.map(({ type }) => `[${type}](#${type})`).join(' · '),
    '',
    ...sorted.flatMap(section),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('../docs/nodes.md', import.meta.url), nodesPage());
}
