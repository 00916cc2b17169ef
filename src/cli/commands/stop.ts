import type { Command } from 'commander';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  readSettings,
} from '../options.js';
import { say, sayJson } from '../terminal.js';

export function define(command: Command): void {
  addSettingOptions(addCommonOptions(command), ['name']).action(async (options: CommonOptions) => {
    const { name } = readSettings(options).engine;
    const { connectEngine } = await import('../../client/index.js');
    const startMs = performance.now();
    await using engine = await connectEngine(name);
    await engine.stop();
    const ms = Math.round(performance.now() - startMs);
    if (options.json) sayJson({ name, state: 'ended', ms });
    else say(`engine ${name} ended in ${ms} ms`);
  });
}
