import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { until } from './engine.js';

export const cliFile = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: what a program printed.
export type Line = any;

/** What stands in the room of a sonar unless a test says otherwise. */
const usualRoom = { targets: [{ distanceM: 1.5 }] };

/** The command of a sonar in a room, which a busy machine does not disturb. */
export function sonarCommand(room: object = usualRoom): string[] {
  const set = [
    'measure.maxM=4',
    'measure.durationMs=20',
    'engine.leadQuanta=32',
    'watchdog.driverQuanta=200',
    `device.virtual.room=${JSON.stringify(room)}`,
  ];
  const flags = ['--device', 'virtual', '--update-hz', '10', '--no-kernel-log'];
  return ['sonar', ...flags, ...set.flatMap((one) => ['--set', one])];
}

/** A sonar with its page, as a user starts it: with these flags. */
export async function startSonarPage(
  flags: readonly string[] = sonarCommand().slice(1),
): Promise<{ child: ChildProcess; lines: Line[]; address: string }> {
  const child = spawn(process.execPath, [cliFile, 'sonar', ...flags, '--web', '--json']);
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: Line[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
  const address: string = await until('the page is there', () => {
    return lines.find(({ event }) => event === 'page')?.address;
  });
  return { child, lines, address };
}

/** Ends it as Ctrl-C does; its exit status. */
export async function interrupt(child: ChildProcess): Promise<number> {
  const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? -1)));
  child.kill('SIGINT');
  return ended;
}
