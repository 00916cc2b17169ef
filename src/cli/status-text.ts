import type { ShutdownReport, Status } from '../client/index.js';
import { clockText, columns, countText, paint, rateText } from './terminal.js';

type Output = Parameters<typeof paint>[2];

const stateColours = {
  starting: 'yellow',
  running: 'green',
  degraded: 'red',
  stopping: 'yellow',
  ended: 'dim',
} as const;

/** `48 kHz, 2 channels, quantum 128, lead 4 (10.7 ms)` */
export function formatText({ rate, quantum, lead, channels }: Status): string {
  const leadMs = ((lead * quantum * 1000) / rate).toFixed(1);
  const noun = countText(channels, 'channel');
  return `${rateText(rate)}, ${noun}, quantum ${quantum}, lead ${lead} (${leadMs} ms)`;
}

/** The counters of trouble that are not 0, as `3 failovers, 1 takeover`; what went well is silent. */
function troubleText({ counters }: Status): string {
  const shown: [number, string][] = [
    [counters.failovers, 'failover'],
    [counters.takeovers, 'takeover'],
    [counters.restartsReplica, 'replica restart'],
    [counters.divergences, 'divergence'],
    [counters.voided, 'voided record'],
    [counters.recorderLostFrames, 'frame not recorded'],
  ];
  return shown
    .filter(([count]) => count > 0)
    .map(([count, noun]) =>
      noun.startsWith('frame ') ? `${count} ${noun}` : countText(count, noun),
    )
    .join(', ');
}

/** The tripwires that are tripped, as `tripped: recreate_count 11`; of many only how many. */
function trippedText({ tripwires }: Status): string {
  const tripped = tripwires.filter((wire) => wire.tripped);
  if (tripped.length > 2) return `${tripped.length} tripwires tripped`;
  const shown = tripped.map(({ name, value }) => `${name} ${value}`).join(', ');
  return shown === '' ? '' : `tripped: ${shown}`;
}

/** The tripwires that ever tripped, a row each. */
function tripwireRows({ tripwires }: Status, output: Output): (string | number)[][] {
  return tripwires
    .filter(({ trips }) => trips > 0)
    .map(({ name, value, threshold, sinceSec, trips }) => [
      name,
      value,
      threshold,
      sinceSec === null ? 'no' : paint('red', `for ${sinceSec.toFixed(1)} s`, output),
      trips,
    ]);
}

/** How a stream went, in one line. */
export function summaryText(status: Status): string {
  const trouble = troubleText(status);
  const underruns = countText(status.counters.underruns, 'underrun');
  return [`played ${status.playedSec.toFixed(2)} s`, underruns, trouble]
    .filter((part) => part !== '')
    .join(', ');
}

/** The live line: time, state, who renders, and what went wrong so far. */
export function liveText(status: Status, output: Output): string {
  const replicas = status.processes.filter(({ role }) => role === 'replica');
  const up = replicas.filter(({ state }) => state === 'running').length;
  const { underruns } = status.counters;
  const tripped = trippedText(status);
  const parts = [
    paint(stateColours[status.state], status.state, output),
    clockText(status.playedSec),
    `replicas ${up}/${replicas.length}`,
    `generation ${status.generation}`,
    paint(underruns > 0 ? 'red' : 'dim', countText(underruns, 'underrun'), output),
    troubleText(status),
    tripped === '' ? '' : paint('red', tripped, output),
  ];
  return parts.filter((part) => part !== '').join('  ');
}

function slotText(slot: number | null, primary = false): string {
  if (slot === null) return 'spare';
  return `slot ${slot}${primary ? ', primary' : ''}`;
}

/** All of a status, for `tenuto status`. */
export function statusText(status: Status, output: Output): string {
  const bold = (text: string) => paint('bold', text, output);
  const lines = [
    `engine ${bold(status.name)}  ${paint(stateColours[status.state], status.state, output)}  ` +
      `${clockText(status.playedSec)} played`,
    `${formatText(status)}, tick ${status.tick}, generation ${status.generation}`,
    '',
    columns([
      ['PID', 'ROLE', '', 'STATE', 'SCHEDULING', 'STARTS'].map(bold),
      ...status.processes.map((row) => [
        row.pid > 0 ? row.pid : '-',
        row.role,
        row.slot !== undefined
          ? slotText(row.slot, row.primary)
          : row.generation !== undefined
            ? `generation ${row.generation}`
            : '',
        row.state,
        row.scheduling,
        row.starts,
      ]),
    ]),
  ];
  for (const { state, frames, lostFrames } of status.recordings) {
    const lost = lostFrames > 0 ? paint('red', `, ${lostFrames} lost`, output) : '';
    lines.push('', `recording ${state}, ${countText(frames, 'frame')}${lost}`);
  }
  const counted = Object.entries(status.counters).filter(([, count]) => count > 0);
  if (counted.length > 0) lines.push('', columns([['', ''], ...counted]).trimStart());
  const tripped = tripwireRows(status, output);
  if (tripped.length > 0) {
    const head = ['TRIPWIRE', 'NOW', 'TRIPS AT', 'TRIPPED', 'TIMES'].map(bold);
    lines.push('', columns([head, ...tripped]));
  }
  return lines.join('\n');
}

/** A shutdown phase by phase, for `--verbose`. */
export function reportText({ reason, ms, forced, phases, abandoned }: ShutdownReport): string {
  const lines = [
    `ended (${reason}${forced ? ', forced' : ''}) in ${ms} ms`,
    ...columns(
      phases.map((phase) => [
        `  ${phase.phase}`,
        `${Math.max(0, phase.ms).toFixed(1)} ms`,
        phase.inTime ? '' : 'past its deadline: killed',
      ]),
    ).split('\n'),
  ];
  for (const { role, pid } of abandoned) {
    lines.push(`  left behind, it could not be killed: ${role} (process ${pid})`);
  }
  return lines.join('\n');
}
