import type { Command } from 'commander';
import { exitCodes } from '../../errors.js';
import type { Check } from '../../observe/doctor.js';
import { Interrupt } from '../interrupt.js';
import {
  addCommonOptions,
  addSettingOptions,
  type CommonOptions,
  readSettings,
  wholeNumber,
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

interface DoctorOptions extends CommonOptions {
  watch?: true;
  faults?: number;
}

/** Follows the kernel's log until it is told to end; each fault is told, and they are counted. */
async function watch(options: DoctorOptions): Promise<void> {
  const { measure } = readSettings(options);
  using interrupt = new Interrupt();
  const { KernelLog } = await import('../../observe/kernel-log.js');
  let end!: () => void;
  const enough = new Promise<void>((resolve) => {
    end = resolve;
  });
  using log = new KernelLog(measure.kernelLog, measure.kernelPatterns, (fault) => {
    if (options.json) sayJson({ event: 'kernel-fault', count: log.faults, ...fault });
    else say(`${paint('red', 'kernel fault', process.stdout)} ${log.faults}: ${fault.message}`);
    if (log.faults === options.faults) end();
  });
  if (!options.json)
    say(`following ${measure.kernelLog} for ${measure.kernelPatterns.length} patterns`);
  // The log's own timer keeps no process alive.
  const alive = setInterval(() => {}, 1000);
  await Promise.race([interrupt.asked, enough]);
  clearInterval(alive);
  const { lines, faults, lost } = log;
  if (options.json) sayJson({ event: 'ended', lines, kernel_fault_count: faults, lost });
  else say(`${faults} faults in ${lines} lines, kernel_fault_count ${faults}`);
  process.exitCode = faults > 0 ? exitCodes.degraded : (interrupt.exitStatus ?? exitCodes.ok);
}

export function define(command: Command): void {
  const watching = command
    .option('--watch', "follow the kernel's log for faults (measure.kernelPatterns), until Ctrl-C")
    .option('--faults <n>', 'with --watch: end after so many faults', wholeNumber);
  addSettingOptions(addCommonOptions(watching), ['lead', 'rate', 'quantum']).action(
    async (options: DoctorOptions) => {
      if (options.watch) return watch(options);
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
