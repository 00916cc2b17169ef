import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type CompiledPatch, infoOf } from '../dsp/compiler.js';
import type { PatchPolicy } from '../engine/orders.js';
import { type LoadedPatch, loadPatchText, readPatchFile } from '../engine/patch-loading.js';
import { TenutoError } from '../errors.js';
import { limits } from '../limits.js';
import { counterIndex, readCounter } from '../memory/counters.js';
import {
  failProgram,
  findProgram,
  nextProgramNumber,
  offerProgram,
  type ProgramAsset,
  type ProgramFailure,
  ProgramState,
  playingProgram,
  programFailure,
  programRoom,
  programState,
  silencedNodes,
} from '../memory/programs.js';
import type { Segment } from '../memory/segment.js';
import { createSharedMemory, mapShared } from '../os/index.js';
import type { Bus } from './bus/bus.js';
import type { PatchSource, ProgramChange, ProgramSource } from './bus/patch-changes.js';
import { checkModules } from './module-check.js';
import type { ProgramBooks } from './program-books.js';

const lookMs = 5;
/** The keeper gives a program up that is not ready by then. */
const readyMs = 45_000;
/** Another process may still be making room. */
const roomMs = 15_000;

/** What a failure says to people. */
const failureTexts: Record<ProgramFailure, string> = {
  none: 'it failed',
  refused: 'it could not be loaded or tried',
  died: 'it ended or hung the process that tried it',
  slow: 'it takes too much time for a quantum',
  killed: 'it ended the processes that played it',
  late: 'what played it came too late',
  diverged: 'it does not sound the same wherever it is rendered',
  silenced: 'a node of it failed',
  overdue: 'no process took it up in time',
};

interface Probation {
  readonly number: number;
  readonly previous: number;
  readonly untilMs: number;
  readonly underruns: number;
  readonly divergences: number;
}

/**
 * Changes the program while it plays: compiles and decodes here, aside; lays it in a slot, has the
 * keeper bring it to the replicas, and gives the one command that switches them all. A program that
 * proves bad within its probation is withdrawn.
 */
export class ProgramDesk implements ProgramSource {
  private turn: Promise<unknown> = Promise.resolve();
  private probation: Probation | null = null;
  private bus: Bus | null = null;

  constructor(
    private readonly segment: Segment,
    private readonly books: ProgramBooks,
    private readonly policy: PatchPolicy,
    private readonly told: (message: string, fields: object) => void,
  ) {}

  /** Begins to watch what plays; of a predecessor's last change too. */
  begin(bus: Bus): void {
    this.bus = bus;
    const { number, previous } = bus.program;
    if (previous !== 0) this.watch(number, previous);
  }

  /** One after the other. @throws TenutoError */
  prepare(wanted: PatchSource): Promise<ProgramChange> {
    const result = this.turn.then(() => this.prepareNow(wanted));
    this.turn = result.catch(() => {});
    return result;
  }

  private async prepareNow(wanted: PatchSource): Promise<ProgramChange> {
    const { rateHz, quantum, channels } = this.segment.layout;
    const file = wanted.file ?? 'patch';
    const text = wanted.text ?? readPatchFile(file);
    const bytes = Buffer.byteLength(text);
    if (bytes > limits.patchBytesMax) {
      const what = `${file}: ${bytes} bytes, it may have ${limits.patchBytesMax}`;
      throw new TenutoError('TENUTO_PATCH_LIMIT', what);
    }
    const engine = { rateHz, quantumFrames: quantum, channels };
    const loaded = await loadPatchText(text, file, { engine, checkModules });
    const number = await this.offer(loaded);
    await this.ready(number);
    const fadeFrames = this.framesOf(wanted.fadeMs ?? this.policy.fadeMs);
    return { number, fadeFrames, withdraws: false };
  }

  /** The program plays from the tick of its acknowledgement on. */
  changed(number: number): void {
    if (this.bus !== null) this.watch(number, this.bus.program.previous);
  }

  /** Looks whether what plays on probation is well. Called often; allocates little. */
  look(): void {
    const { probation, bus } = this;
    if (probation === null || bus === null) return;
    const playing = playingProgram(this.segment);
    if (playing !== probation.number || performance.now() > probation.untilMs) {
      // It may not be heard yet; the keeper may have withdrawn it.
      const gone = this.stateOf(probation.number) === ProgramState.withdrawn;
      if (gone) this.tell(probation.number);
      if (gone || performance.now() > probation.untilMs) this.probation = null;
      return;
    }
    const failure = this.trouble(probation);
    if (failure === null) return;
    this.probation = null;
    const at = findProgram(this.segment, probation.number);
    failProgram(this.segment, at, failure);
    this.tell(probation.number);
    const fadeFrames = this.framesOf(this.policy.fadeMs);
    void bus.changeProgram({ number: probation.previous, fadeFrames, withdraws: true });
  }

  private tell(number: number): void {
    const at = findProgram(this.segment, number);
    const { failure } = programFailure(this.segment, at);
    this.told('a patch was withdrawn', { program: number, reason: failureTexts[failure] });
  }

  private trouble({ underruns, divergences }: Probation): ProgramFailure | null {
    if (silencedNodes(this.segment) > 0) return 'silenced';
    const now = (index: number) => readCounter(this.segment, index);
    if (now(counterIndex.divergences) !== divergences) return 'diverged';
    // One may be the machine's; what is too slow comes too late again and again.
    return now(counterIndex.underruns) - underruns > 2 ? 'late' : null;
  }

  private watch(number: number, previous: number): void {
    const underruns = readCounter(this.segment, counterIndex.underruns);
    const divergences = readCounter(this.segment, counterIndex.divergences);
    const untilMs = performance.now() + this.policy.probationMs;
    this.probation = { number, previous, untilMs, underruns, divergences };
  }

  private framesOf(ms: number): number {
    return Math.round((ms / 1000) * this.segment.layout.rateHz);
  }

  private stateOf(number: number): number {
    const at = findProgram(this.segment, number);
    return at < 0 ? ProgramState.empty : programState(this.segment, at);
  }

  /** Lays a program in a slot. @throws TenutoError `TENUTO_PATCH_LIMIT` */
  private async offer({ compiled, assets }: LoadedPatch): Promise<number> {
    this.checkSize(compiled);
    const { source } = compiled;
    const info = Buffer.from(JSON.stringify(infoOf(compiled, true)));
    const { program } = compiled;
    if (program.length + info.length > programRoom(this.segment)) {
      throw new TenutoError('TENUTO_PATCH_LIMIT', `${source.file}: the patch is too large`);
    }
    const number = nextProgramNumber(this.segment);
    const hasOwnNodes = (compiled.modules?.length ?? 0) > 0;
    await this.books.add({ number, program, info, hasOwnNodes });
    const held: number[] = [];
    try {
      const rows = assets.map(({ samples, channels, frames, rate }): ProgramAsset => {
        const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
        const fd = memoryOf(bytes);
        held.push(fd);
        return { channels, frames, rate, pid: process.pid, fd };
      });
      const content = { number, program, info, hasOwnNodes, assets: rows };
      const deadline = performance.now() + roomMs;
      while (!offerProgram(this.segment, content)) {
        if (performance.now() > deadline) this.fail('overdue', 'there is no room for it');
        await delay(lookMs);
      }
      // The keeper takes the sounds over.
      while (this.stateOf(number) === ProgramState.offered) await delay(lookMs);
      return number;
    } finally {
      for (const fd of held) closeSync(fd);
    }
  }

  private checkSize({ stateBytes, source }: CompiledPatch): void {
    const { arenaBytes } = this.segment.layout;
    if (stateBytes <= arenaBytes) return;
    const text = `${source.file}: ${stateBytes} bytes of state, this engine has room for ${arenaBytes}`;
    throw new TenutoError(
      'TENUTO_PATCH_LIMIT',
      `${text}; start it with a larger patch.stateBytesMax`,
    );
  }

  /** Waits until the replicas have it. @throws TenutoError `TENUTO_PATCH_WITHDRAWN` */
  private async ready(number: number): Promise<void> {
    const deadline = performance.now() + readyMs;
    while (this.stateOf(number) === ProgramState.preparing) {
      if (performance.now() > deadline) this.fail('overdue', '');
      await delay(lookMs);
    }
    if (this.stateOf(number) === ProgramState.ready) return;
    const at = findProgram(this.segment, number);
    const { failure, text } = programFailure(this.segment, at);
    this.fail(failure, text);
  }

  private fail(failure: ProgramFailure, more: string): never {
    const text = more === '' ? failureTexts[failure] : `${failureTexts[failure]}: ${more}`;
    throw new TenutoError('TENUTO_PATCH_WITHDRAWN', text);
  }
}

function memoryOf(content: Uint8Array): number {
  const bytes = Math.max(content.length, 1);
  const fd = createSharedMemory({ name: 'tenuto:asset', bytes });
  const mapping = mapShared(fd, bytes, { writable: true });
  new Uint8Array(mapping.buffer).set(content);
  mapping.unmap();
  return fd;
}
