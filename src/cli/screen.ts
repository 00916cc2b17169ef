/** The other screen, without a cursor, and what is too wide is cut and not put on the next line. */
const enter = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const leave = '\u001b[?7h\u001b[?25h\u001b[?1049l';

/**
 * A whole terminal to draw in. What was on it before comes back at the end, however this program
 * ends (but for SIGKILL). Keys arrive one by one while it is open.
 */
export class Screen {
  private isOpen = true;
  private readonly restore = () => this.close();
  /** After Ctrl-Z or SIGSTOP the shell had the terminal, and left it as it likes it. */
  private readonly resume = () => {
    process.stdout.write(enter);
    // Once more from the start, for Node believes that nothing has changed.
    process.stdin.setRawMode?.(false);
    process.stdin.setRawMode?.(true);
  };
  private readonly onKey: (text: string) => void;

  constructor(onKey: (key: string) => void) {
    this.onKey = (text) => {
      for (const key of text) onKey(key);
    };
    process.on('exit', this.restore);
    process.on('SIGCONT', this.resume);
    process.stdout.write(enter);
    const { stdin } = process;
    if (!stdin.isTTY) return;
    stdin.setRawMode(true);
    stdin.setEncoding('utf8');
    stdin.on('data', this.onKey);
    stdin.resume();
  }

  get columns(): number {
    return process.stdout.columns || 80;
  }

  get rows(): number {
    return process.stdout.rows || 24;
  }

  /** Draws all lines that fit, over what was there. Lines must not be wider than the screen. */
  draw(lines: readonly string[]): void {
    if (!this.isOpen) return;
    const shown = lines.slice(0, this.rows);
    const text = shown.map((line) => `${line}\u001b[K`).join('\r\n');
    process.stdout.write(`\u001b[H${text}\u001b[J`);
  }

  /** Idempotent. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    process.off('exit', this.restore);
    process.off('SIGCONT', this.resume);
    const { stdin } = process;
    if (stdin.isTTY) {
      stdin.off('data', this.onKey);
      stdin.setRawMode(false);
      stdin.pause();
    }
    process.stdout.write(leave);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
