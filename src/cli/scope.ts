/** Drawing of sound for a terminal, in braille dots: two across and four down in each cell. */

const brailleBase = 0x2800;
/** Bits of the dots in a cell, by column and then row. */
const dots = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** Decibels below full scale that a level bar begins with. */
const floorDb = -60;

export function decibels(level: number): number {
  return level > 0 ? 20 * Math.log10(level) : Number.NEGATIVE_INFINITY;
}

/** ` -12.3 dB`, always as wide. */
export function decibelText(level: number): string {
  const db = decibels(level);
  return `${Number.isFinite(db) ? db.toFixed(1) : '-inf'} dB`.padStart(9);
}

/** How much of a bar a level fills: 0 at -60 dB, 1 at full scale. */
export function levelShare(level: number): number {
  return Math.min(1, Math.max(0, 1 - decibels(level) / floorDb));
}

/**
 * Draws a wave from left to right.
 *
 * @param peak - what fills the height, above 0
 * @returns `rows` lines of `columns` cells
 */
export function drawWave(
  wave: Float32Array,
  { columns, rows, peak }: { columns: number; rows: number; peak: number },
): string[] {
  const cells = Array.from({ length: rows }, () => new Uint8Array(columns));
  const height = rows * 4;
  const across = columns * 2;
  let before: number | null = null;
  for (let x = 0; x < across; x++) {
    const sample = wave[Math.floor((x * wave.length) / across)] ?? 0;
    const share = Math.min(1, Math.max(-1, sample / peak));
    const y = Math.round(((1 - share) / 2) * (height - 1));
    // A line to the dot before, so that steep waves stay whole.
    const low = Math.min(y, before ?? y);
    const high = Math.max(y, before ?? y);
    for (let dot = low; dot <= high; dot++) {
      const row = cells[dot >> 2]!;
      row[x >> 1] = row[x >> 1]! | dots[x & 1]![dot & 3]!;
    }
    before = y;
  }
  return cells.map((row) =>
    Array.from(row, (cell) => String.fromCodePoint(brailleBase + cell)).join(''),
  );
}

/** The first place from which the wave rises through its middle: so a steady tone stands still. */
export function findTrigger(wave: Float32Array, latest: number): number {
  for (let i = 1; i < latest; i++) {
    if (wave[i - 1]! < 0 && wave[i]! >= 0) return i;
  }
  return 0;
}
