import type { Unit } from './node.js';

/** Suffixes that a number of each unit may carry in a patch, and what they mean in that unit. */
const suffixes: Readonly<
  Record<Unit, Readonly<Record<string, (value: number, tempo: number) => number>>>
> = {
  Hz: { Hz: (v) => v, kHz: (v) => v * 1000 },
  s: {
    s: (v) => v,
    ms: (v) => v / 1000,
    beat: (v, tempo) => (v * 60) / tempo,
    beats: (v, tempo) => (v * 60) / tempo,
  },
  gain: { dB: (v) => 10 ** (v / 20) },
  dB: { dB: (v) => v },
  cents: { cents: (v) => v, semitones: (v) => v * 100 },
  semitones: { semitones: (v) => v },
  bpm: { bpm: (v) => v },
  none: { '%': (v) => v / 100 },
};

const shape = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:\/\d+)?)\s*([A-Za-z%]*)$/;

/** Whether `text` looks like a number with a unit rather than a name. */
export function looksLikeQuantity(text: string): boolean {
  return /^[+-]?\.?\d/.test(text.trim());
}

/** The suffixes that `unit` knows, for messages. */
export function suffixesOf(unit: Unit): string[] {
  return Object.keys(suffixes[unit]);
}

/**
 * The number that `text` such as `1.2 kHz`, `250 ms`, `3/4 beats` or `-6 dB` stands for in `unit`,
 * or undefined when it is none. `tempo` in beats per minute.
 */
export function readQuantity(text: string, unit: Unit, tempo: number): number | undefined {
  const match = shape.exec(text.trim());
  if (!match) return undefined;
  const [digits, over] = match[1]!.split('/');
  const value = Number(digits) / (over === undefined ? 1 : Number(over));
  const suffix = match[2]!;
  if (!Number.isFinite(value)) return undefined;
  if (suffix === '') return value;
  if (!Object.hasOwn(suffixes[unit], suffix)) return undefined;
  const result = suffixes[unit][suffix]!(value, tempo);
  return Number.isFinite(result) ? result : undefined;
}
