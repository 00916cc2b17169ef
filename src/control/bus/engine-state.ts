import { headerWords, type Layout, layoutProgram } from '../../dsp/arena.js';
import { commandOps, commandWord, frameOf, operationOf } from '../../dsp/command.js';
import { switchFlags, switchOp, switchWords } from '../../dsp/performance.js';
import { isTimed } from '../../dsp/timed-commands.js';
import { transportWord } from '../../dsp/transport.js';
import { sealedTick } from '../../memory/journal.js';
import { SnapshotState, snapshot } from '../../memory/layout.js';
import { firstProgram, playingProgram } from '../../memory/programs.js';
import type { Segment } from '../../memory/segment.js';
import { newestSnapshot, snapshotBytesAt } from '../../memory/snapshots.js';
import { tickAfter, ticksBetween } from '../../memory/ticks.js';
import type { Transport } from './command.js';
import type { IdHash } from './command-id.js';
import { JournalFollower, type SealedRecord } from './journal-follower.js';
import { ParameterModel } from './parameter-model.js';
import type { BookedPort, PatchBook } from './patch-book.js';
import { PendingModel } from './pending-model.js';
import type { ProgramBook } from './program-book.js';
import { type Receipt, Receipts } from './receipts.js';

/** One parameter, as `get` shows it. */
export interface ParameterView {
  /** Where it is, after the last sealed tick. */
  value: number;
  /** Where it goes. */
  target: number;
  unit: BookedPort['unit'];
  min: number;
  max: number;
}

/** The state, as `get` shows it. */
export interface StateView {
  /** Number of the last sealed command. */
  seq: number;
  /** The last sealed tick. */
  tick: number;
  transport: Transport;
  /** Which OSC time tag is frame 0 of which tick; null while nothing plays yet. */
  clock: { ntp: [number, number]; tick: number } | null;
  values: Record<string, ParameterView>;
}

/** What commands changed, for those who follow the state. */
export interface StateChange {
  seq: number;
  tick: number;
  transport: Transport;
  /** Where the parameters go that were named. */
  values: Record<string, number>;
}

/**
 * The engine's state as control sees it. All of it is read from the engine's memory: from a
 * snapshot, and from what was sealed since. So it is right from the first look of a process that
 * was just started, whatever became of the one before.
 */
export class EngineState {
  receipts: Receipts;
  transport: Transport = 'playing';
  private pending = new PendingModel();
  private follower: JournalFollower;
  private parameters: ParameterModel;
  private readonly changed = new Set<string>();
  /** Of what was sealed last: the program, and the one that plays if that is withdrawn. */
  private number = 0;
  private previous = 0;
  private playing: ProgramBook;

  constructor(
    private readonly segment: Segment,
    private readonly books: (number: number) => ProgramBook | undefined,
  ) {
    this.playing = this.demand(playingProgram(segment));
    const { program } = this.playing;
    this.receipts = new Receipts(segment);
    this.follower = new JournalFollower(segment, tickAfter(segment.layout.firstTick, -1));
    this.parameters = new ParameterModel(program, layoutProgram(program, 0));
  }

  get seq(): number {
    return this.follower.seq;
  }

  /** The names of what plays, after the last sealed command. */
  get book(): PatchBook {
    return this.playing.book;
  }

  /**
   * The program that plays, after the last sealed command; its number, and that of the one which
   * plays on if it is withdrawn, or 0.
   */
  get programNow(): ProgramBook & { number: number; previous: number } {
    return { ...this.playing, number: this.number, previous: this.previous };
  }

  /** Timed commands that wait in the arena. */
  get pendingCount(): number {
    return this.pending.count;
  }

  get tick(): number {
    return this.follower.tick;
  }

  /** Per lane, how many of its commands were sealed. */
  get cursors(): Int32Array {
    return this.follower.cursors;
  }

  /** Reads the state anew: parameters from a snapshot, and all names that the journal holds. */
  begin(): void {
    const { segment } = this;
    let restored = readSnapshot(segment);
    while (restored === 'changed') restored = readSnapshot(segment);
    this.number = restored?.program ?? firstProgram;
    this.previous = restored?.previous ?? 0;
    this.playing = this.demand(this.number);
    const { program } = this.playing;
    const layout = layoutProgram(program, 0);
    const parameters = new ParameterModel(program, layout);
    const { firstTick, quantum } = segment.layout;
    const from = restored?.tick ?? tickAfter(firstTick, -1);
    this.pending = new PendingModel();
    this.transport = 'playing';
    if (restored !== null) {
      parameters.restore(restored.arena, this.rendered(from) * quantum);
      this.pending.restore(restored.arena, layout);
      this.transport = transportIn(restored.arena, layout);
    }
    this.parameters = parameters;
    this.receipts = new Receipts(segment);
    const oldest = JournalFollower.oldest(segment, sealedTick(segment, from));
    const begin = ticksBetween(oldest, from) < 0 ? oldest : from;
    this.follower = new JournalFollower(segment, begin);
    this.follow(() => {}, from);
    this.rememberPending();
  }

  /** Names of what waits that nobody wrote down: nobody was answered, and it is known from now on. */
  private rememberPending(): void {
    const { firstTick } = this.segment.layout;
    for (const { words, tick, frame } of this.pending.all) {
      const hash = this.hashAt(words, 0);
      if (hash === null || this.receipts.find(hash) !== undefined) continue;
      this.receipts.keep(hash, {
        high: hash.high,
        seq: this.seq,
        sealedTick: this.tick,
        tick: tickAfter(firstTick, tick),
        frame,
        isVoid: false,
        isLate: false,
      });
    }
  }

  /**
   * Takes in what was sealed since; false when some of it is gone.
   *
   * @param parametersFrom the tick whose parameters are known already
   */
  follow(visit: (record: SealedRecord) => void, parametersFrom?: number): boolean {
    return this.follower.follow((record) => {
      const isNew = parametersFrom === undefined || ticksBetween(record.tick, parametersFrom) > 0;
      this.take(record, isNew);
      visit(record);
    });
  }

  /** What becomes of the n-th command of a record. */
  receiptOf(record: SealedRecord, index: number): Receipt {
    const { words } = this.segment;
    const at = record.at(index);
    const isTimedOne = isTimed(words[at]!);
    const wanted = tickAfter(this.segment.layout.firstTick, words[at + commandWord.tick]!);
    const isLate = isTimedOne && ticksBetween(wanted, record.tick) < 0;
    const waits = isTimedOne && !isLate;
    return {
      high: words[at + commandWord.idHigh]!,
      seq: (record.seqBefore + index + 1) | 0,
      sealedTick: record.tick,
      tick: waits ? wanted : record.tick,
      frame: waits ? frameOf(words[at]!) : 0,
      isVoid: record.isVoid,
      isLate,
    };
  }

  /** The name of a command record; null when it has none. */
  hashAt(words: Int32Array, at: number): IdHash | null {
    const low = words[at + commandWord.idLow]!;
    const high = words[at + commandWord.idHigh]!;
    return low === 0 && high === 0 ? null : { low, high };
  }

  /** Of the named parameters, where they go. */
  private targets(paths: Iterable<string>): Record<string, number> {
    const values: Record<string, number> = {};
    for (const path of paths) {
      const port = this.book.ports.get(path);
      if (port !== undefined) values[path] = this.read(port).target;
    }
    return values;
  }

  /** @throws TenutoError `TENUTO_COMMAND_UNKNOWN` */
  view(path?: string): Omit<StateView, 'clock'> {
    const values: Record<string, ParameterView> = {};
    for (const port of this.book.select(path)) {
      const { unit, min, max } = port;
      values[port.path] = { ...this.read(port), unit, min, max };
    }
    const { seq, tick, transport } = this;
    return { seq: seq >>> 0, tick: tick >>> 0, transport, values };
  }

  /** What was changed since the last call. */
  change(): StateChange {
    const values = this.targets(this.changed);
    this.changed.clear();
    const { seq, tick, transport } = this;
    return { seq: seq >>> 0, tick: tick >>> 0, transport, values };
  }

  private read(port: BookedPort): { value: number; target: number } {
    const { quantum } = this.segment.layout;
    const frame = this.rendered(this.tick) * quantum;
    return this.parameters.read(port.node, port.port, frame) ?? { value: 0, target: 0 };
  }

  /** What is known of a program that may play. */
  private demand(number: number): ProgramBook {
    const found = this.books(number);
    if (found === undefined) throw new Error(`program ${number} is not known here`);
    return found;
  }

  /** Another program plays: its parameters go on as the renderer's do. */
  private changeProgram(number: number, withdraws: boolean): void {
    const found = this.books(number);
    if (found === undefined || number === this.number) return;
    const { book: old, parameters: before } = this;
    this.previous = withdraws ? 0 : this.number;
    this.number = number;
    this.playing = found;
    this.parameters = new ParameterModel(found.program, layoutProgram(found.program, 0));
    for (const port of found.book.ports.values()) {
      const other = old.ports.get(port.path);
      if (other?.value === port.value) this.parameters.adopt(port, before, other);
      this.changed.add(port.path);
    }
    this.pending.rename((node, port) => {
      const path = old.pathOf(node, port);
      return path === undefined ? undefined : found.book.ports.get(path);
    });
  }

  private take(record: SealedRecord, isNew: boolean): void {
    const { words } = this.segment;
    if (isNew && record.isReverted && this.previous !== 0) this.changeProgram(this.previous, true);
    for (let index = 0; index < record.commands; index++) {
      const at = record.at(index);
      const hash = this.hashAt(words, at);
      if (hash !== null) this.receipts.note(hash, this.receiptOf(record, index));
      if (!isNew || record.isVoid) continue;
      if (isTimed(words[at]!)) this.pending.add(words, at);
      else this.apply(words, at, { tick: record.tick, frame: frameOf(words[at]!) });
    }
    if (isNew) this.applyDue(record.tick);
  }

  private applyDue(tick: number): void {
    const now = ticksBetween(tick, this.segment.layout.firstTick);
    for (const pending of this.pending.take(now)) {
      const frame = pending.tick === now ? pending.frame : 0;
      this.apply(pending.words, 0, { tick, frame });
    }
  }

  private apply(words: Int32Array, at: number, when: { tick: number; frame: number }): void {
    const { quantum, firstTick } = this.segment.layout;
    const op = operationOf(words[at]!);
    if (op === switchOp) {
      const withdraws = (words[at + switchWords.flags]! & switchFlags.withdraw) !== 0;
      this.changeProgram(words[at + switchWords.program]!, withdraws);
      return;
    }
    if (op === commandOps.start) this.transport = 'playing';
    if (op === commandOps.stop) this.transport = 'stopped';
    const ticks = ticksBetween(when.tick, firstTick) >>> 0;
    this.parameters.apply(words, at, ticks * quantum + Math.min(when.frame, quantum - 1));
    const node = words[at + commandWord.node]!;
    const path = this.book.pathOf(node, words[at + commandWord.port]!);
    if (path !== undefined) this.changed.add(path);
  }

  /** Ticks that have been rendered when this one has. */
  private rendered(tick: number): number {
    return (ticksBetween(tick, this.segment.layout.firstTick) + 1) >>> 0;
  }
}

/** Whether what is in the arena is heard, or on its way to be. */
function transportIn(arena: Int32Array, layout: Layout): Transport {
  const at = (layout.header - layout.base) / 4 + headerWords.transport + transportWord.target;
  const [target] = new Float32Array(arena.buffer, arena.byteOffset + 4 * at, 1);
  return target === 0 ? 'stopped' : 'playing';
}

interface ReadSnapshot {
  readonly tick: number;
  readonly program: number;
  readonly previous: number;
  readonly arena: Int32Array;
}

/** The newest snapshot; null when there is none yet, `changed` when it was just overwritten. */
function readSnapshot(segment: Segment): ReadSnapshot | 'changed' | null {
  const { words } = segment;
  const at = newestSnapshot(segment);
  if (at < 0) return null;
  const tick = words[at + snapshot.tick]!;
  const program = words[at + snapshot.program]!;
  const previous = words[at + snapshot.previous]!;
  const from = snapshotBytesAt(at) / 4;
  const arena = words.slice(from, from + Math.ceil(words[at + snapshot.bytes]! / 4));
  const isWhole =
    Atomics.load(words, at + snapshot.state) === SnapshotState.valid &&
    words[at + snapshot.tick] === tick;
  return isWhole ? { tick, program, previous, arena } : 'changed';
}
