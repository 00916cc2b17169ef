/** A place to write text; the process's standard streams are two. */
interface Output {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

const colours = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 } as const;

/** Wraps text in a colour where the output is a terminal and NO_COLOR is not set. */
export function paint(colour: keyof typeof colours, text: string, output: Output): string {
  const wanted = output.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  return wanted ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text;
}

/** Writes text and a newline to standard output. */
export function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Writes the one object that `--json` asks for. */
export function sayJson(value: object): void {
  process.stdout.write(`${JSON.stringify({ v: 1, ...value })}\n`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with the escape character.
const escapes = /\u001b\[\d+m/g;
const width = (text: string) => text.replace(escapes, '').length;

/** Lays rows out in columns two spaces apart; columns of numbers are set flush right. */
export function columns(rows: readonly (readonly (string | number)[])[]): string {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, index) =>
    Math.max(...rows.map((row) => width(String(row[index] ?? '')))),
  );
  const numeric = widths.map((_, index) =>
    rows.slice(1).some((row) => typeof row[index] === 'number'),
  );
  return rows
    .map((row) =>
      row
        .map((cell, index) => {
          const text = String(cell);
          const space = ' '.repeat((widths[index] ?? 0) - width(text));
          return numeric[index] ? space + text : text + space;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `1:05` or `2:03:04`. */
export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** `12.3 MB`, in powers of ten as disks are sold. */
export function bytesText(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'no limit';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `48 kHz`, `44.1 kHz`. */
export function rateText(rateHz: number): string {
  return `${Number((rateHz / 1000).toFixed(3))} kHz`;
}

/** `1 frame`, `2,000 frames`; `count` is whole. */
export function countText(count: number, noun: string): string {
  // By hand: the first use of the tables of the world's languages takes as long as a whole start.
  const grouped = String(count).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${grouped} ${noun}${count === 1 ? '' : 's'}`;
}

/** A bar of the given width, filled from the left by a share of 0 to 1. */
export function barText(share: number, cells: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * cells);
  return `${'━'.repeat(filled)}${'─'.repeat(cells - filled)}`;
}

/** One line at the foot of a terminal that is written over in place; nothing elsewhere. */
export class LiveLine {
  readonly #output: Output;
  #shown = false;

  constructor(output: Output = process.stderr) {
    this.#output = output;
  }

  /** False where the output is no terminal: nothing needs to be put together then. */
  get active(): boolean {
    return this.#output.isTTY === true;
  }

  show(text: string): void {
    if (!this.active) return;
    // Some pseudo-terminals say that they have no columns.
    const room = (this.#output.columns || 80) - 1;
    const cut = width(text) > room ? text.replace(escapes, '').slice(0, room) : text;
    this.#output.write(`\r\u001b[2K${cut}`);
    this.#shown = true;
  }

  /** Takes the line away, so that what is printed next begins at the margin. */
  clear(): void {
    if (this.#shown) this.#output.write('\r\u001b[2K');
    this.#shown = false;
  }
}
