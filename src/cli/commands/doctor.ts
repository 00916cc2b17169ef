import type { Command } from 'commander';
import { exitCodes } from '../../errors.js';
import type { Check } from '../../observe/doctor.js';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  readSettings,
} from '../options.js';
import { columns, paint, say, sayJson } from '../terminal.js';

const marks = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

function print(checks: readonly Check[]): void {
  const rows = checks.map(({ id, level, found }) => [
    paint(marks[level], level.padEnd(4), process.stdout),
    id,
    found,
  ]);
  const lines = columns(rows).split('\n');
  for (const [index, { remedy }] of checks.entries()) {
    say(lines[index]);
    if (remedy !== '') say(`      ${paint('dim', `remedy: ${remedy}`, process.stdout)}`);
  }
}

export function define(command: Command): void {
  addSettingOptions(addCommonOptions(command), ['lead', 'rate', 'quantum']).action(
    async (options: CommonOptions) => {
      const { engine } = readSettings(options);
      const { examine } = await import('../../observe/doctor.js');
      const checks = examine({
        priority: engine.realtimePriority,
        leadUs: (engine.leadQuanta * engine.quantumFrames * 1e6) / engine.rateHz,
      });
      const fails = checks.filter(({ level }) => level === 'fail').length;
      const warns = checks.filter(({ level }) => level === 'warn').length;
      const state = fails > 0 ? 'fail' : warns > 0 ? 'warn' : 'ok';
      if (options.json) {
        sayJson({ state, checks });
      } else {
        print(checks);
        say();
        say(
          fails > 0
            ? 'This machine cannot do it as it is.'
            : warns > 0
              ? 'This machine can do it; the remedies above would make it safer.'
              : 'This machine can do it.',
        );
      }
      process.exitCode = fails > 0 ? exitCodes.degraded : exitCodes.ok;
    },
  );
}
