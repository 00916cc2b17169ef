import { exitCodes } from '../errors.js';
import type { Settings } from '../settings/index.js';
import { runStreamStorm, type StreamStormReport } from '../soak/index.js';
import type { Interrupt } from './interrupt.js';
import { barText, clockText, columns, countText, LiveLine, paint, say } from './terminal.js';

/** As many as the engine is to bear, in some processes: more would only measure their starts. */
const producers = 100;
const processes = 10;

/** What `tenuto soak --scenario storm` needs of the command line. */
export interface StormScenario {
  settings: Settings;
  seconds: number;
  seed: number;
  json: boolean;
  interrupt: Interrupt;
}

function reportText(report: StreamStormReport): string {
  const verdict = report.ok
    ? paint('green', 'every frame of every stream was played once and in order', process.stdout)
    : paint('red', 'the streams were not played as they should have been', process.stdout);
  const { opened, closed, aborted, waitMs, memoryMb } = report;
  const failures = Object.entries(report.failures).map(([code, count]) => `${count} ${code}`);
  const rows = [
    ['storm', `${producers} producers, ${report.seconds.toFixed(1)} s, seed ${report.seed}`],
    ['streams', `${opened} opened, ${closed} closed, ${aborted} aborted`],
    ['waited', `${waitMs.median ?? 0} ms median, ${waitMs.max ?? 0} ms max`],
    ['frames', `${report.frames} played, ${report.flushedFrames} taken back by flushes`],
    ['lost frames', String(report.lostFrames)],
    ['bit-exact', report.bitExact ? 'yes' : `no, first at frame ${report.firstDifference}`],
    ['order', report.order],
    ['recreations', String(report.recreations)],
    ['stuck', `${report.stuck === 1 ? '1 process' : `${report.stuck} processes`}`],
    ['left taken', countText(report.leftTaken, 'stream')],
    [
      'memory',
      `${memoryMb.middle.toFixed(0)} MB half way, ${memoryMb.last.toFixed(0)} MB at the end`,
    ],
    ...(failures.length > 0 ? [['refused', failures.join(', ')]] : []),
  ];
  return `${verdict}\n\n${columns(rows)}`;
}

/** A storm of streams: many programs open, write, flush and close at once. */
export async function runStormScenario(scenario: StormScenario): Promise<void> {
  const { settings, seconds, seed, json, interrupt } = scenario;
  const abort = new AbortController();
  void interrupt.asked.then(() => abort.abort());
  const line = new LiveLine();
  if (!json) say(`${producers} producers of streams for ${clockText(seconds)}, seed ${seed}`);
  const report = await runStreamStorm({
    settings,
    producers,
    processes,
    seconds,
    seed,
    signal: abort.signal,
    onProgress: ({ elapsedSec, streams, failures }) => {
      const bar = `${barText(elapsedSec / seconds, 20)} ${clockText(elapsedSec)}`;
      line.show(`${bar}  ${countText(streams, 'stream')}  ${countText(failures, 'refusal')}`);
    },
  }).finally(() => line.clear());
  say(json ? JSON.stringify(report) : reportText(report));
  process.exitCode = report.ok ? (interrupt.exitStatus ?? exitCodes.ok) : exitCodes.degraded;
}
