import type { EngineNote, Status } from '../client/index.js';
import { decibelText, levelShare } from './scope.js';
import { formatText, summaryText } from './status-text.js';
import { barText, bytesText, clockText, paint } from './terminal.js';

/** A meter that is shown: one lane of a point. */
export interface TopMeter {
  name: string;
  /** Linear; 1 is full scale. */
  peak: number;
}

/** What one frame of `tenuto top` is made of. */
export interface TopData {
  status: Status;
  meters: readonly TopMeter[];
  /** Oldest first. */
  notes: readonly EngineNote[];
  /** Share of a core that each process took since the last look, by pid. */
  loads: ReadonlyMap<number, number>;
}

export interface TopSize {
  columns: number;
  rows: number;
}

type Output = Parameters<typeof paint>[2];

const levelColours = { debug: 'dim', info: null, warn: 'yellow', error: 'red' } as const;
const stateColours: Record<string, 'green' | 'yellow' | 'red' | 'dim'> = {
  running: 'green',
  standby: 'green',
  starting: 'yellow',
  joining: 'yellow',
  waiting: 'yellow',
  degraded: 'red',
  'gave-up': 'red',
  abandoned: 'red',
};

/** Counters of trouble in the order of their weight; those that are 0 are dimmed. */
const shownCounters = [
  ['underruns', 'underruns'],
  ['xruns', 'xruns'],
  ['failovers', 'failovers'],
  ['takeovers', 'takeovers'],
  ['restarts', 'restarts'],
  ['divergences', 'divergences'],
  ['voided', 'voided'],
  ['commands', 'commands'],
] as const;

/** One frame: as many lines as fit, none wider than the screen. */
export function topLines(data: TopData, { columns, rows }: TopSize, output: Output): string[] {
  const width = Math.max(20, columns - 1);
  const cut = (text: string) => text.slice(0, width);
  const { status } = data;
  const head = [
    cut(`engine ${status.name}  ${status.state}  ${clockText(status.playedSec)}`),
    cut(formatText(status)),
    ...deviceLines(status, cut, output),
    countersLine(status, width, output),
    ...meterLines(data.meters, width, rows < 30 ? 4 : 12),
  ];
  const processes = processLines(data, cut, output);
  const left = Math.max(0, rows - head.length - processes.length - 3);
  const notes = data.notes.slice(left === 0 ? data.notes.length : -left);
  const foot = cut(`${summaryText(status)}; q quits`);
  const lines = [
    paint('bold', head[0]!, output),
    ...head.slice(1),
    ...processes,
    '',
    ...notes.map((note) => noteLine(note, cut, output)),
  ];
  return [...lines.slice(0, rows - 1), paint('dim', foot, output)];
}

function deviceLines(status: Status, cut: (text: string) => string, output: Output): string[] {
  const { device, flight, tripwires } = status;
  const tripped = tripwires.filter((wire) => wire.tripped).map(({ name }) => name);
  const lines = [cut(`device ${device.name || '-'}  ${device.state}`)];
  if (tripped.length > 0) lines.push(paint('red', cut(`tripped: ${tripped.join(', ')}`), output));
  if (flight !== null) {
    const { state, bytes, gaps, kept, trouble } = flight;
    const text = `flight ${state}  ${bytesText(bytes)}  ${gaps} gaps  ${kept} kept`;
    const shown = cut(trouble === null ? text : `${text}  the disk: ${trouble}`);
    lines.push(trouble === null ? shown : paint('red', shown, output));
  }
  return lines;
}

function countersLine({ counters }: Status, width: number, output: Output): string {
  let used = 0;
  const parts: string[] = [];
  for (const [key, name] of shownCounters) {
    const count = counters[key];
    const text = `${name} ${count}`;
    used += text.length + 2;
    if (used > width) break;
    const isTrouble = count > 0 && (key === 'underruns' || key === 'xruns');
    parts.push(
      isTrouble ? paint('red', text, output) : count > 0 ? text : paint('dim', text, output),
    );
  }
  return parts.join('  ');
}

function meterLines(meters: readonly TopMeter[], width: number, most: number): string[] {
  const shown = meters.slice(0, most);
  const name = Math.max(0, ...shown.map((one) => one.name.length));
  const bar = width - name - 12;
  if (bar < 4) return [];
  return shown.map(
    (one) =>
      `${one.name.padEnd(name)} ${decibelText(one.peak)} ${barText(levelShare(one.peak), bar)}`,
  );
}

function processLines(
  { status, loads }: TopData,
  cut: (text: string) => string,
  output: Output,
): string[] {
  const head = cut(
    `${'PID'.padStart(8)}  ${'PROCESS'.padEnd(16)} ${'STATE'.padEnd(9)} CPU     STARTS`,
  );
  return [
    paint('bold', head, output),
    ...status.processes.map((row) => {
      const place =
        row.slot !== undefined
          ? row.slot === null
            ? 'spare'
            : `${row.slot}${row.primary ? ' primary' : ''}`
          : row.generation !== undefined
            ? `g${row.generation}`
            : '';
      const load = loads.get(row.pid);
      const cpu = load === undefined ? '-' : `${(load * 100).toFixed(1)} %`;
      const who = `${row.role} ${place}`.padEnd(16);
      const text = `${String(row.pid > 0 ? row.pid : '-').padStart(8)}  ${who} ${row.state.padEnd(9)} ${cpu.padEnd(7)} ${row.starts}`;
      const colour = stateColours[row.state];
      return colour === undefined || colour === 'green'
        ? cut(text)
        : paint(colour, cut(text), output);
    }),
  ];
}

function noteLine(note: EngineNote, cut: (text: string) => string, output: Output): string {
  const text = cut(`${clockText(note.agoSec).padStart(8)} ago  ${note.text}`);
  const colour = levelColours[note.level];
  return colour === null ? text : paint(colour, text, output);
}
