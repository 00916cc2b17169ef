import type { Performance } from '../../src/dsp/performance.js';
import { limits } from '../../src/limits.js';
import { commandAt, fateOf, findRecord, recordAt } from '../../src/memory/journal.js';
import {
  clock,
  commandWords,
  journalTicks,
  OutputKind,
  outputHeader,
  RecordStatus,
  record,
} from '../../src/memory/layout.js';
import { outputAt } from '../../src/memory/output-ring.js';
import { firstProgram } from '../../src/memory/programs.js';
import type { Segment } from '../../src/memory/segment.js';
import {
  fencedGeneration,
  fencedValue,
  isLaterGeneration,
  tickAfter,
} from '../../src/memory/ticks.js';
import type { StreamChecker } from './stream-checker.js';
import { ToyOp, ToyPatch, toyPerformance } from './toy-patch.js';
import { Violation } from './violation.js';

function check(holds: boolean, what: () => string): void {
  if (!holds) throw new Violation(what());
}

/**
 * Watches from outside, after every step of any party, and knows only what was sealed: it renders
 * the journal by itself and compares every quantum on the output ring with that.
 */
export class Checker {
  private readonly reference: Performance<ToyPatch>;
  private readonly sealedRecords = new Map<number, Int32Array>();
  private readonly seenCommands = new Map<number, number>();
  private lastCommandOfLane = new Map<number, number>();
  private sealed: number;
  /** Frames of streams that were read in this tick. */
  private readonly frames = new Map<number, number>();
  private position = 0;
  private nextTick: number;
  private sealingGeneration = 0;
  private outputGeneration = 0;
  playedTicks = 0;
  concealed = 0;
  voidedTicks = 0;
  programChanges = 0;
  reverted = 0;
  silenced = 0;
  /** What was committed, in order; kept when the simulation compares what is heard with it. */
  readonly committed: number[] = [];
  keepsCommitted = false;

  constructor(
    private readonly segment: Segment,
    private readonly streams: StreamChecker,
  ) {
    const { firstTick, rateHz, quantum } = segment.layout;
    this.reference = toyPerformance(rateHz, quantum);
    this.load(firstProgram);
    this.reference.begin(firstProgram, 0);
    this.sealed = tickAfter(firstTick, -1);
    this.nextTick = firstTick;
  }

  private load(program: number): void {
    if (this.reference.part(program)) return;
    const { quantumSamples } = this.segment.layout;
    // While one program fades into another both read the same frames.
    const read = (stream: number, position: number) => {
      const key = stream * 2 ** 32 + (position >>> 0);
      const value = this.frames.get(key) ?? this.streams.read(stream, position);
      this.frames.set(key, value);
      return value;
    };
    const onFatal = (op: number) => {
      throw new Violation(`what kills was passed: ${op} of program ${program}`);
    };
    this.reference.add(program, new ToyPatch(quantumSamples, program, onFatal, read));
  }

  /** Commands that were sealed so far, and which in the order of all each of them is. */
  get commands(): ReadonlyMap<number, number> {
    return this.seenCommands;
  }

  afterStep(): void {
    const { words, layout } = this.segment;
    const sealed = words[layout.clock + clock.sealed]!;
    this.sealingGeneration = this.onward(this.sealingGeneration, fencedGeneration(sealed));
    const sealedTo = fencedValue(sealed, this.sealed);
    while (this.sealed !== sealedTo) this.takeSealed(tickAfter(this.sealed, 1));
    this.streams.afterStep();
    const committed = words[layout.clock + clock.committed]!;
    const generation = fencedGeneration(committed);
    this.outputGeneration = this.onward(this.outputGeneration, generation);
    const committedTo = fencedValue(committed, this.position);
    const steps = (committedTo - this.position) | 0;
    check(steps >= 0 && steps <= 1, () => `the output position moved by ${steps}`);
    if (steps === 1) this.takeCommitted(generation);
  }

  private onward(before: number, now: number): number {
    const ok = before === now || isLaterGeneration(now, before);
    check(ok, () => `generation ${before} was followed by ${now}`);
    return now;
  }

  private takeSealed(tick: number): void {
    const { words } = this.segment;
    const at = recordAt(this.segment, this.sealingGeneration, tick);
    check(words[at + record.tick] === tick, () => `tick ${tick} was sealed without its record`);
    const copy = this.copyOf(at, words[at + record.commands]!);
    this.sealedRecords.set(tick, copy);
    this.streams.takeSealed(tick, copy);
    this.sealedRecords.delete(tickAfter(tick, -journalTicks));
    for (let i = 0; i < copy[record.commands]!; i++) {
      const command = record.words + i * commandWords;
      this.takeCommand(copy[command + 5]!, copy[command + 6]!, tick);
    }
    this.sealed = tick;
  }

  /** A record and behind it its commands. */
  private copyOf(at: number, commands: number): Int32Array {
    const { words } = this.segment;
    const copy = new Int32Array(record.words + commands * commandWords);
    copy.set(words.subarray(at, at + record.words));
    const from = commandAt(this.segment, at, 0);
    copy.set(words.subarray(from, from + commands * commandWords), record.words);
    return copy;
  }

  private takeCommand(id: number, lane: number, tick: number): void {
    check(!this.seenCommands.has(id), () => `command ${id} was sealed again at tick ${tick}`);
    const before = this.lastCommandOfLane.get(lane) ?? 0;
    check(id > before, () => `command ${id} was sealed after ${before} at tick ${tick}`);
    this.seenCommands.set(id, this.seenCommands.size + 1);
    this.lastCommandOfLane.set(lane, id);
  }

  private takeCommitted(generation: number): void {
    const { words, samples } = this.segment;
    const { position } = this;
    const at = outputAt(this.segment, generation, position);
    check(
      words[at + outputHeader.position] === position,
      () => `position ${position} is not there`,
    );
    this.position = tickAfter(position, 1);
    const { quantumSamples } = this.segment.layout;
    if (this.keepsCommitted) {
      const from = at + outputHeader.words;
      this.committed.push(...samples.subarray(from, from + quantumSamples));
    }
    if (words[at + outputHeader.kind] === OutputKind.concealed) {
      this.concealed++;
      return;
    }
    const tick = words[at + outputHeader.tick]!;
    check(tick === this.nextTick, () => `tick ${tick} was played where ${this.nextTick} was due`);
    this.renderReference(tick);
    const from = at + outputHeader.words;
    const { output } = this.reference;
    for (let i = 0; i < output.length; i++) {
      check(Object.is(samples[from + i], output[i]), () => `sample ${i} of tick ${tick} is wrong`);
    }
    this.nextTick = tickAfter(tick, 1);
    this.playedTicks++;
  }

  /** Renders a tick from what was sealed; only the keeper may have changed it, by voiding it. */
  private renderReference(tick: number): void {
    const { words } = this.segment;
    const sealed = this.sealedRecords.get(tick);
    const at = findRecord(this.segment, tick);
    check(sealed !== undefined && at >= 0, () => `tick ${tick} was played but is not sealed`);
    const now = this.copyOf(at, sealed![record.commands]!);
    for (let i = 0; i < now.length; i++) {
      const same = now[i] === sealed![i] || i === record.status;
      check(same, () => `the record of tick ${tick} changed after it was sealed`);
    }
    const status = words[at + record.status]!;
    check(status !== fateOf(status), () => `tick ${tick} was played before it was passed`);
    for (let i = 0; i < limits.streamsMax; i++) {
      this.reference.setStreamEnd(i, sealed![record.streamCursors + i]!);
    }
    const fate = fateOf(status);
    if (fate === RecordStatus.void) this.voidedTicks++;
    const before = this.reference.program;
    if (fate === RecordStatus.reverted) this.reference.revert();
    if (this.reference.program !== before) this.reverted++;
    if (fate === RecordStatus.silenced) this.reference.silenceOwn();
    if (fate === RecordStatus.silenced) this.silenced++;
    const commands = fate === RecordStatus.live ? sealed![record.commands]! : 0;
    for (let i = 0; i < commands; i++) {
      const at = record.words + i * commandWords;
      const op = sealed![at]!;
      if (op === ToyOp.change) this.load(sealed![at + 1]!);
      const fatal = op !== ToyOp.mix && op !== ToyOp.change;
      check(!fatal, () => `a fatal command was passed at tick ${tick}`);
      const playing = this.reference.program;
      this.reference.apply(sealed!, at);
      if (this.reference.program !== playing) this.programChanges++;
    }
    this.frames.clear();
    this.reference.render();
  }
}
