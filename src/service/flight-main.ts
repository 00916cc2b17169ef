import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Attachment, attach } from '../engine/attach.js';
import { childExit } from '../engine/keeper-core.js';
import type { FlightOrder } from '../engine/orders.js';
import { findLastStep } from '../flight/last-step.js';
import { journalFormat } from '../flight/records.js';
import { clock, Directive, ServiceState, service } from '../memory/layout.js';
import { tellReady, writeScheduling } from '../memory/process-table.js';
import { identity, monotonicUs } from '../os/index.js';
import { FlightFolder } from './flight-folder.js';
import { ProgramShelf } from './flight-programs.js';
import {
  type FlightClocks,
  type FlightPlan,
  FlightRecorder,
  type FlightSource,
} from './flight-recorder.js';
import type { WrittenPlace } from './flight-writer.js';

/** How often it looks at the journal, which holds a hundred times as much. */
const lookMs = 50;

const clocks: FlightClocks = { nowMs: () => Date.now(), nowUs: () => monotonicUs() };

function versionOf(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function kernelsDigest(): string {
  const bytes = readFileSync(new URL('../dsp/kernels.wasm', import.meta.url));
  return createHash('sha256').update(bytes).digest('hex');
}

/** Tells this run from all others on this machine. */
function runName({ keeperPid }: { keeperPid: number }): string {
  return `${keeperPid}-${identity(keeperPid)?.startTicks ?? 0}`;
}

function sourceOf({ segment, streams, order }: Attachment, beat: () => void): FlightSource {
  const { quantum, rateHz, channels, lead, firstTick } = segment.layout;
  return {
    segment,
    streams,
    head: {
      format: journalFormat,
      engine: order.engine,
      session: runName(order),
      startedMs: clocks.nowMs(),
      geometry: { quantum, rateHz, channels, lead, firstTick },
      version: versionOf(),
      kernels: kernelsDigest(),
    },
    programs: new ProgramShelf(segment, order.keeperPid, beat),
    place: order.place,
  };
}

async function planOf(attachment: Attachment, order: FlightOrder): Promise<FlightPlan> {
  const { folder, segmentSec, minutes, diskBytes, kept } = order;
  const bounds = { files: Math.ceil((minutes * 60) / segmentSec) + 1, bytes: diskBytes, kept };
  const run = runName(attachment.order);
  return {
    file: order.file,
    folder:
      folder === null ? null : await FlightFolder.open(folder, run, { nowMs: Date.now(), bounds }),
    segmentMs: segmentSec * 1000,
    diskBytes,
    keepBeforeMs: order.keepBeforeSec * 1000,
    keepAfterMs: order.keepAfterSec * 1000,
    syncMs: order.syncMs,
  };
}

/** Where a predecessor of the same run came to; null when there was none, or it wrote nothing. */
function predecessorOf({ segment, place }: FlightSource, plan: FlightPlan): WrittenPlace | null {
  const { words, layout } = segment;
  const at = layout.services + place * service.words;
  if (Atomics.load(words, at + service.begun) === 0) return null;
  const file = Math.max(0, words[at + service.file]! - 1);
  const isSaid = words[at + service.file] !== 0;
  const offset = words[at + service.stepHigh]! * 2 ** 32 + (words[at + service.stepLow]! >>> 0);
  const path = plan.folder === null ? plan.file! : plan.folder.segmentPath(file);
  const last = findLastStep(path, isSaid ? offset : null);
  return last && { path, file, program: words[at + service.program]!, ...last };
}

async function main(): Promise<void> {
  const attachment = attach('flight', { locked: false });
  const { segment, order } = attachment;
  const { words, layout } = segment;
  const at = layout.services + order.place * service.words;
  const beat = () => Atomics.add(words, at + service.beat, 1);
  const source = sourceOf(attachment, beat);
  const plan = await planOf(attachment, order.service as FlightOrder);
  const predecessor = predecessorOf(source, plan);
  const recorder = new FlightRecorder(source, plan, clocks, predecessor);
  if (predecessor === null) void plan.folder?.rescue(plan.keepBeforeMs).catch(() => {});
  Atomics.store(words, at + service.state, ServiceState.running);
  writeScheduling(segment, order.row, 'other');
  tellReady(segment, order.row);
  const timer = setInterval(() => {
    beat();
    if (Atomics.load(words, layout.clock + clock.directive) < Directive.finish) {
      recorder.look();
      return;
    }
    clearInterval(timer);
    void recorder.finish().then(() => {
      const state = recorder.failure === null ? ServiceState.finished : ServiceState.failed;
      Atomics.store(words, at + service.state, state);
      process.exit(childExit.finished);
    });
  }, lookMs);
}

await main();
