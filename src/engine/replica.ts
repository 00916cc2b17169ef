import { TenutoError } from '../errors.js';
import { clock, Directive, DriverMark, processEntries, processEntry } from '../memory/layout.js';
import { tellReady } from '../memory/process-table.js';
import { failProgram, firstProgram, ProgramState, programState } from '../memory/programs.js';
import { setProcessName } from '../os/index.js';
import { type Attachment, attach, mapAsset, streamViews } from './attach.js';
import { childExit } from './keeper-core.js';
import { withFaults } from './planted-faults.js';
import { ProgramLoader } from './program-loader.js';
import { tryProgram } from './program-trial.js';
import { enterRealtime } from './realtime.js';
import { callPatienceUs, missCall } from './replica-calls.js';
import { type PatchMachine, ReplicaCore, ReplicaStep } from './replica-core.js';

const spareWaitNs = 1e9;
const rehearsalQuanta = 150;

function rowOf({ segment, order }: Attachment): number {
  return segment.layout.processes + order.row * processEntry.words;
}

function assignedSlot(attachment: Attachment): number {
  const { words } = attachment.segment;
  return Atomics.load(words, rowOf(attachment) + processEntry.assignedSlot) - 1;
}

/** Microseconds of the processor that this process has had. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** A process that may become a replica: it holds the programs, and loads what comes. */
class Candidate {
  readonly loader: ProgramLoader;

  constructor(private readonly attachment: Attachment) {
    const { segment, streams, order } = attachment;
    this.loader = new ProgramLoader(segment, {
      streams: streamViews(streams),
      mapAsset: (asset) => mapAsset(order.keeperPid, asset),
      loadNodes: async (info) => {
        const { loadOwnNodes, withholdWorld } = await import('../dsp/own-nodes.js');
        const nodes = await loadOwnNodes(info);
        withholdWorld();
        return nodes;
      },
    });
  }

  /** Loads all programs that there are; says so, so that one of which it dies is known. */
  async load(): Promise<void> {
    const { words } = this.attachment.segment;
    const row = rowOf(this.attachment);
    for (let next = this.loader.next(); next; next = this.loader.next()) {
      Atomics.store(words, row + processEntry.loading, next.number);
      await this.loadOne(next);
      Atomics.store(words, row + processEntry.loaded, next.number);
    }
    this.loader.forget();
  }

  private async loadOne({ number, at }: { number: number; at: number }): Promise<void> {
    const { segment } = this.attachment;
    const { performance } = this.loader;
    try {
      const renderer = await this.loader.load(number, at);
      if (programState(segment, at) !== ProgramState.preparing || this.isTried(number)) return;
      if (performance.part(firstProgram) === renderer) return;
      const isWanted = () => assignedSlot(this.attachment) >= 0;
      const verdict = tryProgram(segment, performance, number, { cpuUs, isWanted });
      if (verdict.kind === 'silenced') failProgram(segment, at, 'silenced');
      if (verdict.kind !== 'slow') return;
      const quantumUs = (segment.layout.quantum * 1e6) / segment.layout.rateHz;
      const text = `${Math.round(verdict.quantumUs)} of ${Math.round(quantumUs)} microseconds`;
      failProgram(segment, at, 'slow', text);
    } catch (error) {
      // What plays already must be here.
      if (programState(segment, at) !== ProgramState.preparing) throw error;
      const text = error instanceof TenutoError ? error.message : String(error);
      failProgram(segment, at, 'refused', text);
    }
  }

  /** Whether another process has loaded this program, so that it is known to be harmless. */
  private isTried(number: number): boolean {
    const { words, layout } = this.attachment.segment;
    for (let row = 0; row < processEntries; row++) {
      const at = layout.processes + row * processEntry.words;
      if (Atomics.load(words, at + processEntry.loaded) >= number) return true;
    }
    return false;
  }

  /**
   * Renders into the void what plays, so that all of it has been compiled before it counts; then
   * everything is as before. Stops as soon as there is a slot to render in.
   */
  rehearse(): void {
    const { performance, loaded } = this.loader;
    performance.begin(loaded, 0);
    for (let i = 0; i < rehearsalQuanta && assignedSlot(this.attachment) < 0; i++) {
      performance.render();
    }
    performance.part(loaded)?.reset();
  }

  /** Waits for a slot to render in. -1 when the engine ends first. */
  async awaitSlot(): Promise<number> {
    const { attachment } = this;
    const { segment, order } = attachment;
    const { words, layout } = segment;
    tellReady(segment, order.row);
    const word = layout.clock + clock.assignments;
    for (;;) {
      const seen = Atomics.load(words, word);
      const slot = assignedSlot(attachment);
      if (slot >= 0) return slot;
      if (Atomics.load(words, layout.clock + clock.directive) >= Directive.leave) return -1;
      if (this.loader.next()) await this.load();
      else attachment.wait(word, seen, spareWaitNs);
    }
  }
}

/** Renders in a slot until it is told to leave or cannot go on. */
function render(attachment: Attachment, machine: PatchMachine, slot: number): number {
  const { segment, order } = attachment;
  setProcessName(`tenuto ${order.engine} replica ${slot}`);
  const incarnation = segment.words[rowOf(attachment) + processEntry.assignedIncarnation]!;
  const core = new ReplicaCore(segment, machine, slot, incarnation);
  const missedNs = 1000 * callPatienceUs(segment, order.driverPatienceUs);
  let caughtUp = false;
  for (;;) {
    const step = core.step();
    if (step === ReplicaStep.go) continue;
    if (step === ReplicaStep.done) break;
    if (!caughtUp) {
      caughtUp = true;
      enterRealtime(attachment, order.realtimePriority - 1);
    }
    const isCalled = attachment.wait(core.waitWord, core.waitValue, missedNs);
    if (!isCalled) missCall(segment, attachment);
  }
  return core.end === 'left' ? childExit.finished : childExit.again;
}

async function main(): Promise<void> {
  const attachment = attach('replica', { locked: true });
  const { words, layout } = attachment.segment;
  const candidate = new Candidate(attachment);
  await candidate.load();
  const mark = Atomics.load(words, layout.clock + clock.driverMark);
  if (mark !== DriverMark.starting) candidate.rehearse();
  const slot = await candidate.awaitSlot();
  if (slot < 0) process.exit(childExit.finished);
  const { performance } = candidate.loader;
  const machine = attachment.order.faults ? withFaults(performance) : performance;
  process.exit(render(attachment, machine, slot));
}

await main();
