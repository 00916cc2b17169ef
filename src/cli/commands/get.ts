import type { Command } from 'commander';
import type { ParameterView } from '../../client/index.js';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  readSettings,
} from '../options.js';
import { say, sayJson } from '../terminal.js';

/** As many digits as a float32 holds. */
const digits = 7;

function line(path: string, view: ParameterView, width: number): string {
  const short = (value: number) => String(Number(value.toPrecision(digits)));
  const unit = view.unit === 'none' ? '' : ` ${view.unit}`;
  const goes = view.target === view.value ? '' : ` -> ${short(view.target)}`;
  const range = `[${short(view.min)} .. ${short(view.max)}]`;
  return `${path.padEnd(width)}  ${short(view.value)}${goes}${unit}  ${range}`;
}

async function get(path: string | undefined, options: CommonOptions): Promise<void> {
  const { name } = readSettings(options).engine;
  const { connectEngine } = await import('../../client/index.js');
  await using engine = await connectEngine(name);
  const state = await engine.get(path);
  if (options.json) {
    sayJson(state);
    return;
  }
  const rows = Object.entries(state.values);
  const width = Math.max(0, ...rows.map(([one]) => one.length));
  for (const [one, view] of rows) say(line(one, view, width));
  if (path === undefined) say(`${state.transport}, seq ${state.seq}, tick ${state.tick}`);
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(
      command.argument('[path]', 'a parameter as in filter1.cutoff, or a node; default: all'),
    ),
    ['name'],
  ).action(get);
}
