/**
 * Measures every figure that Tenuto promises and prints one table.
 *
 *   npm run bench [-- NAME...] [--full] [--kills N] [--cycles N] [--json]
 *
 * NAME: some of the benchmarks only; `--list` names them. `--full`: as often and as long as the
 * promise says (an hour and more); else each is cut so that all take some minutes. `--kills N`:
 * kills in each storm of replicas. `--cycles N`: starts and stops.
 */
import { parseArgs } from 'node:util';
import { measureMachine, ms } from './figures.mjs';

const benchmarks = [
  'start',
  'replica-kills',
  'driver-faults',
  'others-killed',
  'keeper-kill',
  'cycles',
  'garbage',
  'pace',
  'play-and-record',
  'ranging',
  'latency',
  'measurements',
  'osc',
  'bundles',
  'control-kills',
  'changes',
  'load',
  'devices',
  'footprint',
  'flight',
  'control-idle',
  'readers',
  'render',
  'conversion',
];

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: 'boolean', default: false },
    kills: { type: 'string' },
    cycles: { type: 'string' },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

function chosen() {
  const unknown = positionals.filter((name) => !benchmarks.includes(name));
  if (unknown.length === 0) return positionals.length > 0 ? positionals : benchmarks;
  console.error(`there is no benchmark ${unknown.join(', ')}; there are ${benchmarks.join(', ')}`);
  process.exit(2);
}

/** Widths of the columns: what, must reach, measured, beside it. */
const widths = [46, 26, 46];

function line(cells) {
  return cells.map((cell, i) => (cell ?? '').padEnd(widths[i] ?? 0)).join('  ');
}

function print({ what, target, measured, beside, met }) {
  const mark = met === undefined ? ' ' : met ? '+' : '-';
  console.log(`${mark} ${line([what, target, measured, beside])}`.trimEnd());
}

async function main() {
  if (flags.list) {
    console.log(benchmarks.join('\n'));
    return;
  }
  const names = chosen();
  const machine = measureMachine();
  const number = (text) => (text === undefined ? undefined : Number(text));
  const { full } = flags;
  const options = { full, kills: number(flags.kills), cycles: number(flags.cycles), machine };
  const rows = [];
  if (!flags.json) {
    const { spawnMs, lateMs } = machine;
    console.log(
      `this machine: an empty node program takes ${ms(spawnMs)}; a timer is late by ` +
        `${ms(lateMs.median)} (median), ${ms(lateMs.p99)} (p99), ${ms(lateMs.max)} (max)`,
    );
    console.log(`  ${line(['what', 'must reach', 'measured', 'beside it'])}`);
  }
  for (const name of names) {
    const { run } = await import(`./${name}.mjs`);
    for await (const row of run(options)) {
      rows.push({ name, ...row });
      if (!flags.json) print(row);
    }
  }
  if (flags.json) console.log(JSON.stringify({ v: 1, machine, rows }));
  else console.log('+ reached, - not reached in this run');
}

await main();
