/** Numbers as people read them. */

const unitsOfTime: readonly [number, string][] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** `3 s`, `12 min`, `2 h`: the largest unit alone, as for ages. */
export function ageText(sec: number): string {
  const [size, unit] = unitsOfTime.find(([one]) => sec >= one) ?? [1, 's'];
  return `${Math.floor(sec / size)} ${unit}`;
}

/** `0:07`, `12:34`, `1:02:03` */
export function clockText(sec: number): string {
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  const [hours, minutes] = [Math.floor(sec / 3600), (sec / 60) % 60];
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(sec % 60)}`
    : `${Math.floor(minutes)}:${two(sec % 60)}`;
}

/** Three digits that count, and no more. */
export function plain(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toFixed(digits);
}

/** A time in the unit that suits it. */
export function timeText(sec: number): string {
  if (sec >= 1) return `${plain(sec)} s`;
  return sec >= 0.001 ? `${plain(sec * 1000)} ms` : `${Math.round(sec * 1e6)} µs`;
}

/** A linear amplitude in decibels. */
export function decibels(amplitude: number): number {
  return 20 * Math.log10(Math.max(amplitude, 1e-6));
}

/** A parameter's value with its unit. */
export function valueText(value: number, unit: string): string {
  switch (unit) {
    case 'Hz':
      return Math.abs(value) >= 1000 ? `${plain(value / 1000)} kHz` : `${plain(value)} Hz`;
    case 's':
      return timeText(value);
    case 'gain':
      return value > 0 ? `${decibels(value).toFixed(1)} dB` : plain(value);
    case 'none':
      return plain(value);
    default:
      return `${plain(value)} ${unit}`;
  }
}

/** `1 process`, `3 processes` */
export function counted(n: number, noun: string, plural = `${noun}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? noun : plural}`;
}
