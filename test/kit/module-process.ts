import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** Real processes for tests of what one process alone cannot show. */

const osSources = fileURLToPath(new URL('../../src/os/', import.meta.url));
const osCompiled = new URL('../../dist/os/', import.meta.url);

/** The compiled module is what processes run; an old one would test what is not there any more. */
function assertBuilt(): void {
  for (const name of readdirSync(osSources)) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
    const compiled = fileURLToPath(new URL(name.replace(/ts$/, 'js'), osCompiled));
    const built = statSync(compiled, { throwIfNoEntry: false });
    if (!built || built.mtimeMs < statSync(`${osSources}${name}`).mtimeMs) {
      throw new Error(`dist/os is older than src/os/${name}: run \`npm run build\` first`);
    }
  }
}

export interface ModuleProcessOptions {
  /** Become 3, 4... in the process. */
  descriptors?: number[];
  /** What runs node, for example `prlimit --rtprio=0`. */
  wrapper?: string[];
  nodeFlags?: string[];
  /** `process.argv.slice(1)` of the process. */
  args?: string[];
}

/**
 * A process that runs a piece of JavaScript, in which `os` is the module src/os/index.ts. It is
 * killed when the test that has started it is over.
 */
export class ModuleProcess {
  readonly child: ChildProcess;
  /** Settles when it has ended: its exit status, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  readonly #lines: AsyncIterator<string>;

  constructor(body: string, options: ModuleProcessOptions = {}) {
    assertBuilt();
    const source = `import * as os from ${JSON.stringify(`${osCompiled}index.js`)};\n${body}`;
    const command = [
      ...(options.wrapper ?? []),
      process.execPath,
      ...(options.nodeFlags ?? []),
      '--input-type=module',
      '-e',
      source,
      ...(options.args ?? []),
    ];
    this.child = spawn(command[0] as string, command.slice(1), {
      stdio: ['pipe', 'pipe', 'inherit', ...(options.descriptors ?? [])],
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('exit', (status, signal) => resolve(signal ?? status ?? -1));
    });
    onTestFinished(() => {
      this.child.kill('SIGKILL');
    });
    const output = this.child.stdout;
    if (!output) throw new Error('a process has an output');
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]();
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the process was not started');
    return this.child.pid;
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done) throw new Error(`the process ended (${await this.ended}) before its line`);
    return next.value;
  }

  /** The next line that it prints, as JSON. */
  async json(): Promise<unknown> {
    return JSON.parse(await this.line());
  }

  /** Gives it a line to read. */
  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal);
  }
}

/** Looks again and again, without a fixed wait, until it is so; the test's time limit bounds it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
