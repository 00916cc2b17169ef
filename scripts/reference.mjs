// The reference pages that are made from the code: settings, errors, limits, commands, nodes,
// tripwires, metrics. Needs a build (`npm run build`).
//
//   node scripts/reference.mjs --write    writes the pages
//   node scripts/reference.mjs --check    ends with 1 and names those that are not current
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCommandTable } from '../dist/cli/command-table.js';
import { commands } from '../dist/cli/commands.js';
import { errorTable, exitCodes } from '../dist/errors.js';
import { limits } from '../dist/limits.js';
import { counterTable } from '../dist/memory/counters.js';
import { timerTable } from '../dist/memory/timers.js';
import { metricsTable } from '../dist/observe/metrics-table.js';
import { settingsReference, tripwires } from '../dist/settings/index.js';
import { controlPage } from './control-reference.mjs';
import { manualPage } from './manual-page.mjs';
import { nodesPage } from './node-reference.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const madeFrom = (source) =>
  `Made from \`${source}\` by \`npm run docs\`; a test checks that it is current.`;

const exitMeanings = {
  ok: 'it did what it was asked to',
  usage: 'the command line cannot be understood',
  configuration: 'settings, a patch, a file or a permission has to be changed first',
  device: 'the audio device is not there, or was lost',
  unreachable: 'no engine of that name answers',
  degraded: 'it ran, and something was lost or given up',
};

function errorsPage() {
  const lines = [
    '# Errors and exit statuses',
    '',
    madeFrom('src/errors.ts'),
    '',
    'A command that fails prints `tenuto: CODE: what happened` and `remedy: what to do` to standard',
    'error, with `--json` also `{"v":1,"error":{"code","message","remedy"}}` to standard output, and',
    'ends with the status of the code. In programs the same is a `TenutoError` with `code`, `message`,',
    '`remedy`, `exitCode` and the `cause`.',
    '',
    '## Exit statuses',
    '',
    '| status | name | meaning |',
    '| --- | --- | --- |',
  ];
  for (const [name, meaning] of Object.entries(exitMeanings)) {
    lines.push(`| ${exitCodes[name]} | ${name} | ${meaning} |`);
  }
  lines.push(
    '| 70 | internal | a fault of Tenuto itself (`TENUTO_INTERNAL`); please report it |',
    `| ${exitCodes.signal} + n | signal | signal n ended it, in order: 130 for Ctrl-C, 143 for SIGTERM |`,
    '',
    '## Codes',
    '',
  );
  for (const [code, { exit, remedy }] of Object.entries(errorTable)) {
    lines.push(`### ${code}`, '', `Exit status ${exit}. ${remedy}`, '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** Names, values and the sentences above them, as they stand in the source. */
function limitsPage() {
  const lines = [
    '# Limits',
    '',
    madeFrom('src/limits.ts'),
    '',
    'What is larger than these is refused with an error that names the limit.',
    '',
    '| limit | value | why |',
    '| --- | ---: | --- |',
  ];
  const source = readFileSync(join(root, 'src/limits.ts'), 'utf8');
  for (const [name, value] of Object.entries(limits)) {
    const above = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s*${name}:`).exec(source)?.[1] ?? '';
    const why = above.replace(/\s*\n\s*\*\s*/g, ' ').trim();
    lines.push(`| \`${name}\` | ${value.toLocaleString('en').replaceAll(',', ' ')} | ${why} |`);
  }
  return `${lines.join('\n')}\n`;
}

function commandsPage() {
  const lines = ['# Commands', '', madeFrom('src/cli/commands/'), ''];
  for (const { name } of commands) {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [join(root, 'dist/cli/main.js'), 'help', name],
      { encoding: 'utf8', env: { ...process.env, COLUMNS: '96', NO_COLOR: '1' } },
    );
    if (status !== 0) throw new Error(`tenuto help ${name} ended with ${status}: ${stderr}`);
    lines.push(`## tenuto ${name}`, '', '```', stdout.trim(), '```', '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function tripwiresPage() {
  const lines = [
    '# Tripwires, counters and timers',
    '',
    madeFrom('src/settings/tripwires.ts'),
    '',
    'An engine counts and times what befalls it. A *tripwire* watches one counter or one timer. It is',
    'tripped while its threshold is reached: for a counter, so many within the last',
    '`tripwires.windowSec` seconds; for a timer, so many milliseconds as the average or the longest of',
    'its last 100 measurements, as far as they fell into the window. A threshold of 0 turns it off.',
    '',
    'When one trips, the control process logs a warning and raises an event of kind `tripwire`; at',
    'most once in `tripwires.cooldownSec` seconds for each, and only for what came after what was told',
    'before. It looks four times a second, and goes on with what its predecessor knew when it was',
    'started again. `tenuto status` names those that ever tripped, the live line of `tenuto play` those',
    'that are tripped, and `tenuto status --json` has all under `tripwires`: `name`, `value`,',
    '`threshold`, `tripped`, `sinceSec` and `trips`. All thresholds are settings:',
    '',
    '```yaml',
    'tripwires:',
    '  windowSec: 60',
    '  underruns: 1         # trips at the first in a minute',
    '  recreateMaxMs: 0     # off',
    '```',
    '',
    '| name | setting `tripwires.` | watches | trips at | what it means |',
    '| --- | --- | --- | ---: | --- |',
  ];
  for (const { key, name, counter, timer, of, threshold } of tripwires) {
    const [watched, limit, meaning] =
      timer === undefined
        ? [`counter \`${counter}\``, threshold, counterTable[counter]]
        : [`timer \`${timer}\`, ${of}`, `${threshold} ms`, timerTable[timer]];
    lines.push(`| \`${name}\` | \`${key}\` | ${watched} | ${limit} | ${meaning} |`);
  }
  lines.push('', '## Counters', '', 'Since the start of the engine; each wraps at 2^32.', '');
  lines.push('| counter | counts |', '| --- | --- |');
  for (const [name, meaning] of Object.entries(counterTable)) {
    lines.push(`| \`${name}\` | ${meaning} |`);
  }
  lines.push(
    '',
    '## Timers',
    '',
    'Each has `count`, `lastMs`, `averageMs` of the last 100, and `maxMs`',
  );
  lines.push('since the start of the engine.', '', '| timer | measures |', '| --- | --- |');
  for (const [name, meaning] of Object.entries(timerTable)) {
    lines.push(`| \`${name}\` | ${meaning} |`);
  }
  return `${lines.join('\n')}\n`;
}

function metricsPage() {
  const lines = [
    '# Metrics',
    '',
    madeFrom('src/observe/metrics-table.ts'),
    '',
    'Everything that an engine counts and times, at `/metrics` of the [HTTP interface](http.md) in the',
    'format that Prometheus scrapes. `packaging/` holds a Grafana dashboard and alert rules that use',
    'them. Nothing is gathered while nobody asks: a scrape reads what the engine has counted already.',
    'Counters begin at 0 with the engine; those of its memory wrap at 2^32.',
    '',
    '| metric | type | labels | what it is |',
    '| --- | --- | --- | --- |',
  ];
  for (const { name, type, labels, help } of metricsTable) {
    const shown = labels.map((label) => `\`${label}\``).join(', ');
    lines.push(`| \`${name}\` | ${type} | ${shown} | ${help} |`);
  }
  return `${lines.join('\n')}\n`;
}

async function manual() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return manualPage(await readCommandTable(commands), version);
}

const pages = {
  'docs/man/tenuto.1': manual,
  'docs/settings.md': settingsReference,
  'docs/errors.md': errorsPage,
  'docs/limits.md': limitsPage,
  'docs/commands.md': commandsPage,
  'docs/nodes.md': nodesPage,
  'docs/tripwires.md': tripwiresPage,
  'docs/metrics.md': metricsPage,
  'docs/control.md': () => controlPage(join(root, 'docs/control.md')),
};

for (const [file, make] of Object.entries(pages)) {
  const path = join(root, file);
  const text = await make();
  if (process.argv.includes('--write')) {
    writeFileSync(path, text);
  } else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    process.stdout.write(`${file} is not current: run \`npm run docs\`\n`);
    process.exitCode = 1;
  }
}
