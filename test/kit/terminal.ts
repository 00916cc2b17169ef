import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { until } from './engine.js';

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** What a program switches a whole screen on and off with. */
export const screenCodes = {
  enter: '\u001b[?1049h',
  leave: '\u001b[?1049l',
  show: '\u001b[?25h',
  hide: '\u001b[?25l',
};

/** A command of ours on a terminal of its own, in a shell that tells how it left the terminal. */
export class Terminal implements AsyncDisposable {
  text = '';
  private pressedAt = 0;
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;

  constructor(
    args: readonly string[],
    { columns = 80, rows = 24, cwd }: { columns?: number; rows?: number; cwd?: string } = {},
  ) {
    const words = [process.execPath, program, ...args].map((word) => `'${word}'`).join(' ');
    const shell =
      // Ctrl-C is for the command: the shell goes on.
      `trap : INT; stty columns ${columns} rows ${rows}; ${words}; ` +
      'echo "left with $?"; stty -a; echo over';
    this.child = spawn('script', ['-qfec', shell, '/dev/null'], {
      cwd,
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, TERM: 'xterm', SHELL: '/bin/sh' },
    });
    this.child.stdout!.setEncoding('utf8').on('data', (more: string) => {
      this.text += more;
    });
    this.ended = once(this.child, 'exit');
  }

  press(keys: string): void {
    this.pressedAt = this.text.length;
    this.child.stdin!.write(keys);
  }

  /** Waits for a text that comes after the last key: it may be there already. */
  async tells(wanted: RegExp | string): Promise<void> {
    await until(`${wanted} is told`, () => isIn(wanted, this.text.slice(this.pressedAt)));
  }

  /** Waits for a text that comes from now on. */
  async shows(wanted: RegExp | string): Promise<void> {
    const from = this.text.length;
    await until(`${wanted} is shown`, () => isIn(wanted, this.text.slice(from)));
  }

  async signal(name: NodeJS.Signals): Promise<void> {
    process.kill(await this.pid(), name);
  }

  /** As somebody who drags the corner of its window. */
  async resize(columns: number, rows: number): Promise<void> {
    const path = readlinkSync(`/proc/${await this.pid()}/fd/0`);
    execFileSync('stty', ['-F', path, 'columns', `${columns}`, 'rows', `${rows}`]);
  }

  /** Once the command has ended: its status, and whether the terminal is as it was. */
  async left(): Promise<{ status: number; isRestored: boolean }> {
    await until('it is over', () => this.text.includes('over\r\n'));
    await this.ended;
    const [, status = '-1'] = /left with (\d+)\r\n/.exec(this.text) ?? [];
    const [drawn = '', after = ''] = this.text.split('left with ');
    const { enter, leave, show } = screenCodes;
    const isClosed = !drawn.includes(enter) || drawn.lastIndexOf(leave) > drawn.lastIndexOf(enter);
    const isShown = drawn.lastIndexOf(show) >= drawn.lastIndexOf(screenCodes.hide);
    const isPlain = ['icanon', 'echo', 'isig'].every((mode) => after.split(/\s+/).includes(mode));
    return { status: Number(status), isRestored: isClosed && isShown && isPlain };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** Of the command itself, below `script` and its shell. */
  private pid(): Promise<number> {
    return until('it runs', () => this.descend(this.child.pid!));
  }

  private descend(pid: number): number | null {
    for (const child of childrenOf(pid)) {
      if (commandOf(child).includes(program)) {
        const isShell = commandOf(child).includes('stty');
        if (!isShell) return child;
      }
      const found = this.descend(child);
      if (found !== null) return found;
    }
    return null;
  }
}

function childrenOf(pid: number): number[] {
  const tasks = `/proc/${pid}/task`;
  try {
    return readdirSync(tasks).flatMap((task) =>
      readFileSync(`${tasks}/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** A pattern is looked for with colours and movements of the cursor, and without them. */
function isIn(wanted: RegExp | string, text: string): boolean {
  if (typeof wanted === 'string') return text.includes(wanted);
  return wanted.test(text) || wanted.test(stripVTControlCharacters(text));
}
