import type { Command } from 'commander';
import { exitCodes } from '../../errors.js';
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
    const { statusText } = await import('../status-text.js');
    await using engine = await connectEngine(name);
    const status = await engine.status();
    if (options.json) sayJson(status);
    else say(statusText(status, process.stdout));
    process.exitCode = status.state === 'degraded' ? exitCodes.degraded : exitCodes.ok;
  });
}
