import type { Command } from 'commander';
import type { CommandTime } from '../../client/index.js';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  durationMs,
  readSettings,
  wholeNumber,
} from '../options.js';
import { say, sayJson } from '../terminal.js';

interface SetCommandOptions extends CommonOptions {
  ramp?: number;
  in?: number;
  ifSeq?: number;
}

async function set(path: string, value: string, options: SetCommandOptions): Promise<void> {
  const { name } = readSettings(options).engine;
  const { connectEngine } = await import('../../client/index.js');
  await using engine = await connectEngine(name);
  const at: CommandTime | undefined =
    options.in === undefined ? undefined : { inSec: options.in / 1000 };
  const applied = await engine.set(path, value, {
    ...(options.ramp !== undefined && { rampMs: options.ramp }),
    ...(options.ifSeq !== undefined && { ifSeq: options.ifSeq }),
    ...(at !== undefined && { at }),
  });
  if (options.json) sayJson(applied);
  else say(`${path} ${applied.state.values[path]}  (seq ${applied.seq}, tick ${applied.tick})`);
}

export function define(command: Command): void {
  addSettingOptions(
    addCommonOptions(
      command
        .argument('<path>', 'node and parameter, as in filter1.cutoff')
        .argument('<value>', 'in the unit of the parameter, or with one: 1.2kHz, -6dB')
        .option('--ramp <time>', 'take so long to get there, as in 50ms or 1.5s', durationMs)
        .option('--in <time>', 'begin that much later, as in 500ms or 2s', durationMs)
        .option('--if-seq <n>', 'only if no other command came after this one', wholeNumber),
    ),
    ['name'],
  ).action(set);
}
