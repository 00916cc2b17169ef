const letters: Readonly<Record<string, number>> = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
const signs: Readonly<Record<string, number>> = { '': 0, '#': 1, b: -1 };
const noteShape = /^([A-Ga-g])([#b]?)(-?\d)$/;

/**
 * The MIDI number (0 to 127, A4 = 69, C4 = 60) of a note such as `C4`, `F#3` or `Bb-1`, or of a
 * number, which may have a fraction. Undefined for anything else.
 */
export function readNote(note: string | number): number | undefined {
  const number = typeof note === 'number' ? note : nameToNumber(note.trim());
  return number !== undefined && number >= 0 && number <= 127 ? number : undefined;
}

function nameToNumber(name: string): number | undefined {
  const match = noteShape.exec(name);
  if (!match) return undefined;
  const semitone = letters[match[1]!.toUpperCase()]! + signs[match[2]!]!;
  return 12 * (Number(match[3]) + 1) + semitone;
}

/**
 * The frequency in Hz of MIDI number `note`, at equal temperament with A4 = 440 Hz. Additions and
 * multiplications only, because `Math.pow` may round differently from one engine to the next and
 * replicas must agree to the bit. Relative error below 1e-12.
 */
export function frequencyOf(note: number): number {
  const octaves = (note - 69) / 12;
  const whole = Math.floor(octaves);
  // e^x = sum of x^n / n!; x is below ln 2, so 16 terms reach the precision of a double.
  const x = (octaves - whole) * Math.LN2;
  let sum = 1;
  for (let n = 16; n > 0; n--) sum = 1 + (sum * x) / n;
  let scale = 440;
  for (let i = 0; i < whole; i++) scale *= 2;
  for (let i = 0; i > whole; i--) scale /= 2;
  return scale * sum;
}
