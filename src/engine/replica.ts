import { Renderer } from '../dsp/renderer.js';
import { clock, Directive, DriverMark, processEntry } from '../memory/layout.js';
import { tellReady } from '../memory/process-table.js';
import { setProcessName } from '../os/index.js';
import { type Attachment, attach, mapAssets, partsOf, streamViews } from './attach.js';
import { childExit } from './keeper-core.js';
import { withFaults } from './planted-faults.js';
import { enterRealtime } from './realtime.js';
import { type PatchMachine, ReplicaCore, ReplicaStep } from './replica-core.js';

const waitNs = 50e6;
const spareWaitNs = 1e9;
const rehearsalQuanta = 150;

function loadMachine(attachment: Attachment): PatchMachine {
  const { segment, streams, order } = attachment;
  const { layout } = segment;
  const from = layout.program * 4;
  const program = segment.bytes.slice(from, from + layout.programBytes);
  const sources = { streams: streamViews(streams), assets: mapAssets(partsOf(order)) };
  const renderer = new Renderer(program, sources);
  return order.faults ? withFaults(renderer) : renderer;
}

/**
 * Renders into the void what the patch would play, so that all of it has been compiled before it
 * counts; then everything is as before. Stops as soon as there is a slot to render in.
 */
function rehearse(attachment: Attachment, machine: PatchMachine): void {
  const arena = machine.arena.slice();
  for (let i = 0; i < rehearsalQuanta && assignedSlot(attachment) < 0; i++) machine.render();
  machine.arena.set(arena);
}

function assignedSlot({ segment, order }: Attachment): number {
  const row = segment.layout.processes + order.row * processEntry.words;
  return Atomics.load(segment.words, row + processEntry.assignedSlot) - 1;
}

/** Waits for a slot to render in. -1 when the engine ends first. */
function awaitSlot(attachment: Attachment): number {
  const { segment, order } = attachment;
  const { words, layout } = segment;
  tellReady(segment, order.row);
  const word = layout.clock + clock.assignments;
  for (;;) {
    const seen = Atomics.load(words, word);
    const slot = assignedSlot(attachment);
    if (slot >= 0) return slot;
    if (Atomics.load(words, layout.clock + clock.directive) >= Directive.leave) return -1;
    attachment.wait(word, seen, spareWaitNs);
  }
}

/** Runs a replica until it is told to leave or cannot go on. */
function main(): void {
  const attachment = attach('replica', { locked: true });
  const { segment, order } = attachment;
  const { words, layout } = segment;
  const machine = loadMachine(attachment);
  const mark = Atomics.load(words, layout.clock + clock.driverMark);
  if (mark !== DriverMark.starting) rehearse(attachment, machine);
  const slot = awaitSlot(attachment);
  if (slot < 0) process.exit(childExit.finished);
  setProcessName(`tenuto ${order.engine} replica ${slot}`);
  const row = layout.processes + order.row * processEntry.words;
  const incarnation = words[row + processEntry.assignedIncarnation]!;
  const core = new ReplicaCore(segment, machine, slot, incarnation);
  let caughtUp = false;
  for (;;) {
    const step = core.step();
    if (step === ReplicaStep.go) continue;
    if (step === ReplicaStep.done) break;
    if (!caughtUp) {
      caughtUp = true;
      enterRealtime(attachment, order.realtimePriority - 1);
    }
    attachment.wait(core.waitWord, core.waitValue, waitNs);
  }
  process.exit(core.end === 'left' ? childExit.finished : childExit.again);
}

main();
