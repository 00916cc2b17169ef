/** Drawings in a terminal, by Braille cells: two columns and four rows of dots in each. */

const dots = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** A field of dots that is drawn as text. */
export class DotField {
  readonly columns: number;
  readonly rows: number;
  private readonly cells: Uint8Array;

  constructor(
    private readonly width: number,
    height: number,
  ) {
    this.columns = 2 * width;
    this.rows = 4 * height;
    this.cells = new Uint8Array(width * height);
  }

  /** Sets a dot; row 0 is the top. Outside of the field nothing happens. */
  set(column: number, row: number): void {
    if (column < 0 || column >= this.columns || row < 0 || row >= this.rows) return;
    const bit = dots[row & 3]![column & 1]!;
    this.cells[(row >> 2) * this.width + (column >> 1)]! |= bit;
  }

  /** Sets the dots between two rows of a column, both included. */
  line(column: number, from: number, to: number): void {
    for (let row = Math.min(from, to); row <= Math.max(from, to); row++) this.set(column, row);
  }

  lines(): string[] {
    const rows = this.rows / 4;
    return Array.from({ length: rows }, (_, row) =>
      String.fromCodePoint(
        ...Array.from(
          this.cells.subarray(row * this.width, (row + 1) * this.width),
          (cell) => 0x2800 + cell,
        ),
      ),
    );
  }
}

/** How values are laid onto rows: the lowest and the highest. */
export interface Scale {
  low: number;
  high: number;
}

/** Draws values from left to right as a line; what is not a number is left out. */
export function linePlot(
  values: ArrayLike<number>,
  { width, height }: { width: number; height: number },
  { low, high }: Scale,
): string[] {
  const field = new DotField(width, height);
  const rowOf = (value: number) =>
    Math.round(((high - Math.min(high, Math.max(low, value))) / (high - low)) * (field.rows - 1));
  let before: number | null = null;
  for (let column = 0; column < field.columns; column++) {
    const from = Math.floor((column * values.length) / field.columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * values.length) / field.columns));
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = from; i < Math.min(to, values.length); i++) {
      least = Math.min(least, values[i]!);
      most = Math.max(most, values[i]!);
    }
    if (!(least <= most)) {
      before = null;
      continue;
    }
    const low1 = rowOf(least);
    const high1 = rowOf(most);
    field.line(column, low1, high1);
    if (before !== null) {
      if (before < high1) field.line(column, before, high1);
      else if (before > low1) field.line(column, low1, before);
    }
    before = rowOf(values[Math.min(to, values.length) - 1]!);
  }
  return field.lines();
}

/** Draws values as bars from below. */
export function barPlot(
  values: ArrayLike<number>,
  { width, height }: { width: number; height: number },
  { low, high }: Scale,
): string[] {
  const field = new DotField(width, height);
  for (let column = 0; column < field.columns; column++) {
    const from = Math.floor((column * values.length) / field.columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * values.length) / field.columns));
    let most = Number.NEGATIVE_INFINITY;
    for (let i = from; i < Math.min(to, values.length); i++) most = Math.max(most, values[i]!);
    if (!(most > low)) continue;
    const share = Math.min(1, (most - low) / (high - low));
    field.line(column, Math.round((1 - share) * (field.rows - 1)), field.rows - 1);
  }
  return field.lines();
}

const shades = ' ░▒▓█';

/** One line of a waterfall: the darker, the higher. */
export function shadeLine(values: ArrayLike<number>, width: number, { low, high }: Scale): string {
  let line = '';
  for (let column = 0; column < width; column++) {
    const from = Math.floor((column * values.length) / width);
    const to = Math.max(from + 1, Math.floor(((column + 1) * values.length) / width));
    let most = low;
    for (let i = from; i < Math.min(to, values.length); i++) most = Math.max(most, values[i]!);
    const share = Math.min(1, Math.max(0, (most - low) / (high - low)));
    line += shades[Math.round(share * (shades.length - 1))];
  }
  return line;
}
