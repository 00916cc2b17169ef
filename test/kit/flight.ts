import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const run = promisify(execFile);

/** What `tenuto replay --json` tells of a journal, whatever its exit code; `args` are further options. */
export async function replay(journal: string, ...args: string[]) {
  const all = [program, 'replay', journal, '--json', ...args];
  const { stdout } = await run(process.execPath, all).catch((error) => error as { stdout: string });
  return JSON.parse(stdout);
}
