import { type ChildProcess, spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { onTestFinished } from 'vitest';
import { until } from './engine.js';

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * A program on a terminal of its own: `script` of bsdutils, which every Debian has, opens one. What the
 * terminal is like when the program has ended is told behind a mark.
 */
export class Terminal {
  private text = '';
  /** From here on `expect` looks. */
  private seen = 0;
  private readonly child: ChildProcess;

  constructor(command: readonly string[], { cwd }: { cwd?: string } = {}) {
    const line = `stty rows 40 cols 140; ${command.map(quoted).join(' ')}; echo "ENDED $?"; stty -a`;
    this.child = spawn('script', ['-qfc', line, '/dev/null'], { cwd, stdio: 'pipe' });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
    });
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  /** All that was written to it, as it was written. */
  get raw(): string {
    return this.text;
  }

  press(key: string): void {
    this.seen = this.text.length;
    this.child.stdin!.write(key);
  }

  /** Waits for what is written after the last key. */
  async expect(what: RegExp): Promise<RegExpExecArray> {
    const found = () => what.exec(stripVTControlCharacters(this.text.slice(this.seen)));
    try {
      return await until(`${what}`, found);
    } catch (cause) {
      const shown = stripVTControlCharacters(this.text).slice(-2000);
      throw new Error(`${what} does not stand in: ${shown}`, { cause });
    }
  }

  /** Waits until the program has ended; its status, and whether the terminal is as it was. */
  async ended(): Promise<{ status: number; restored: boolean; cursor: boolean }> {
    const [, status] = await this.expect(/ENDED (\d+)/);
    const [modes] = await this.expect(/speed[\s\S]*cs8[\s\S]*-?extproc/);
    const hidden = this.text.lastIndexOf('\u001b[?25l');
    return {
      status: Number(status),
      restored: /(^|\s)icanon/.test(modes) && /(^|\s)echo\s/.test(modes),
      cursor: this.text.lastIndexOf('\u001b[?25h') >= hidden,
    };
  }
}
