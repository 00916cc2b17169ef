import { randomUUID } from 'node:crypto';
import { commandWord, commandWords } from '../../dsp/command.js';
import { switchFlags, switchOp, switchWords } from '../../dsp/performance.js';
import { isTimed } from '../../dsp/timed-commands.js';
import { type ErrorCode, TenutoError } from '../../errors.js';
import { limits } from '../../limits.js';
import { count, counterIndex } from '../../memory/counters.js';
import { currentSealedTick } from '../../memory/journal.js';
import type { Segment } from '../../memory/segment.js';
import { ticksBetween } from '../../memory/ticks.js';
import type { ClockMap } from './clock-map.js';
import {
  type Ack,
  type Command,
  type CommandTime,
  commandSchema,
  type ResultingState,
  type Transport,
} from './command.js';
import { hashOf, type IdHash, keyOf, noId } from './command-id.js';
import type { EngineState, StateChange, StateView } from './engine-state.js';
import type { SealedRecord } from './journal-follower.js';
import { countOf, LaneWriter } from './lane-writer.js';
import type { PatchBook } from './patch-book.js';
import { PatchChanges, type ProgramChange, type ProgramSource } from './patch-changes.js';
import type { Receipt } from './receipts.js';
import { type RecordTime, recordsOf, resultOf } from './records.js';

/** Where a command came from. */
export type Origin = 'socket' | 'osc' | 'http' | 'websocket' | 'datagram' | 'restore';

/** While commands wait to be sealed, the journal is looked at so often. */
const hurriedLookMs = 1;

/** A command that was taken and is not sealed yet. */
interface Waiting {
  readonly id: string;
  readonly hash: IdHash;
  readonly records: Int32Array;
  /** Null for one that a predecessor took. */
  readonly command: Command | null;
  /** Number of its last record in the lane; set once it is written there. */
  last: number;
  readonly answer: Promise<Ack>;
  settle(ack: Ack): void;
}

/** What the bus needs of its process. */
export interface BusOptions {
  /** Without one, the patch stays. */
  programs?: ProgramSource;
  /** Lane of this control process. */
  lane: number;
  state: EngineState;
  clock: ClockMap;
  /** Is told what was refused, and why. */
  onRefused?: (what: { id: string; origin: Origin; code: ErrorCode; message: string }) => void;
}

/**
 * The control bus: the one owner of the engine's state. Every way in gives its commands to `submit`
 * and nothing else changes anything. A command is validated, written into the lane, and acknowledged
 * once the journal holds it; whatever it is, it is answered.
 *
 * It may be killed at any moment: what it knows, it reads from the engine's memory when it begins.
 */
export class Bus {
  /** Taken, and waiting for room in the lane. */
  private readonly queue: Waiting[] = [];
  /** In the lane, in the order of their numbers. */
  private readonly offered: Waiting[] = [];
  private readonly byId = new Map<number, Waiting>();
  private readonly listeners = new Set<(change: StateChange) => void>();
  private readonly lane: LaneWriter;
  private readonly state: EngineState;
  private readonly clock: ClockMap;
  private readonly onRefused: NonNullable<BusOptions['onRefused']>;
  /** Timed records that were taken and are not sealed yet. */
  private timedOnTheWay = 0;
  private timer: NodeJS.Timeout | null = null;
  /** Records that wait in `queue`. */
  private queued = 0;
  private isClosed = false;
  private isLooking = false;
  /** While another program is on its way into the journal. */
  private switching: Promise<void> | null = null;
  private readonly patches: PatchChanges;

  constructor(
    private readonly segment: Segment,
    options: BusOptions,
  ) {
    this.state = options.state;
    this.clock = options.clock;
    this.onRefused = options.onRefused ?? (() => {});
    this.patches = new PatchChanges(options.programs, {
      changeProgram: (change, id, named) => this.changeProgram(change, id, named),
      refuse: (id, error, origin) => this.refuse(id, error, origin),
      checkSeq: (ifSeq) => this.checkSeq(ifSeq),
    });
    this.lane = new LaneWriter(segment, options.lane);
    this.state.begin();
    this.adopt();
    this.look();
  }

  /**
   * Takes a command, as it came from outside; the answer never fails. The same `id` again is
   * answered as it was the first time.
   */
  submit(input: unknown, origin: Origin): Promise<Ack> {
    const parsed = commandSchema.safeParse(input);
    if (!parsed.success) {
      const id = givenId(input);
      const [issue] = parsed.error.issues;
      const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
      const text = `${where}${issue?.message ?? 'no command'}`;
      const error = new TenutoError('TENUTO_COMMAND_INVALID', text);
      return Promise.resolve(this.refuse(id, error, origin));
    }
    if (this.switching !== null) return this.switching.then(() => this.submit(input, origin));
    const command = parsed.data;
    const id = command.id ?? randomUUID();
    const hash = command.id === undefined ? noId : hashOf(id);
    const known = this.recall(command.do === 'loadPatch' ? null : command, id, hash);
    if (known !== null) return known;
    if (command.do === 'loadPatch') return this.patches.load(command, { id, hash, origin });
    try {
      return this.take(command, id, hash);
    } catch (error) {
      if (!(error instanceof TenutoError)) throw error;
      return Promise.resolve(this.refuse(id, error, origin));
    }
  }

  /**
   * The state as it is: every parameter, those of a node, or one.
   *
   * @throws TenutoError `TENUTO_COMMAND_UNKNOWN`
   */
  get(path?: string): StateView {
    this.look();
    return { ...this.state.view(path), clock: this.clock.view };
  }

  /** The names of the patch that plays. */
  get book(): PatchBook {
    return this.state.book;
  }

  /** The program that plays, as of the last look; whether a command brought it, too. */
  get program(): EngineState['programNow'] {
    return this.state.programNow;
  }

  /** The number of the program that plays now: the keeper may have withdrawn the one of before. */
  programNumber(): number {
    this.look();
    return this.state.programNow.number;
  }

  /** How far the engine is: its last sealed tick and command, and whether it is heard. */
  get head(): { transport: Transport; seq: number; tick: number } {
    const { transport, seq, tick } = this.state;
    return { transport, seq: seq >>> 0, tick: tick >>> 0 };
  }

  /** Number of the last sealed command. */
  get seq(): number {
    return this.state.seq >>> 0;
  }

  /** Resolves when all that was submitted so far has been answered. */
  async settled(): Promise<Bus['head']> {
    await (this.queue.at(-1) ?? this.offered.at(-1))?.answer;
    return this.head;
  }

  /** Calls `listener` after commands took effect; gives back what ends it. */
  subscribe(listener: (change: StateChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Looks at the journal: answers what was sealed, and offers what waits. */
  look(): void {
    // Whoever is told of a change may ask for more of it.
    if (this.isClosed || this.isLooking) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.isLooking = true;
    try {
      const seqBefore = this.state.seq;
      if (!this.state.follow((record) => this.settle(record))) this.startOver();
      if (this.state.seq !== seqBefore) this.tell();
    } finally {
      this.isLooking = false;
    }
    this.pump();
    if (this.queue.length > 0 || this.byId.size > 0 || this.offered.length > 0) {
      this.timer ??= setTimeout(() => this.look(), hurriedLookMs);
    }
  }

  /** Answers nothing more. Idempotent. */
  close(): void {
    this.isClosed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  /** The answer to a command that was given before, or null. */
  private recall(command: Command | null, id: string, hash: IdHash): Promise<Ack> | null {
    if (hash === noId) return null;
    this.look();
    const waiting = this.byId.get(keyOf(hash));
    const again = (ack: Ack): Ack => {
      if (!ack.ok) return { ...ack, id };
      return { ...ack, id, state: this.resultOf(command), repeated: true };
    };
    if (waiting?.hash.high === hash.high) return waiting.answer.then(again);
    const receipt = this.state.receipts.find(hash);
    return receipt === undefined ? null : Promise.resolve(again(this.ackOf(id, receipt, null)));
  }

  private take(command: Command, id: string, hash: IdHash): Promise<Ack> {
    this.checkSeq(command.ifSeq);
    const time = this.timeOf(command);
    const { rateHz } = this.segment.layout;
    const records = recordsOf(command, this.state.book, rateHz, { id: hash, time });
    if (this.queue.length >= limits.commandsWaitingMax) {
      const text = `${this.queue.length} commands wait already`;
      throw new TenutoError('TENUTO_COMMAND_LIMIT', text);
    }
    const timed = time === null ? 0 : countOf(records);
    if (this.state.pendingCount + this.timedOnTheWay + timed > limits.timedCommandsMax) {
      const text = `${limits.timedCommandsMax} commands wait for their time already`;
      throw new TenutoError('TENUTO_COMMAND_LIMIT', text);
    }
    this.timedOnTheWay += timed;
    return this.enqueue(makeWaiting(id, hash, records, command)).answer;
  }

  private checkSeq(ifSeq: number | undefined): void {
    const expected = (this.state.seq + this.waitingRecords()) >>> 0;
    if (ifSeq === undefined || ifSeq === expected) return;
    const text = `the state is at ${expected}, not at ${ifSeq}`;
    throw new TenutoError('TENUTO_COMMAND_STALE', text);
  }

  /**
   * Has another program play, one that is ready. Commands wait until it does: from then on they name
   * what is in it.
   */
  changeProgram(
    { number, fadeFrames, withdraws }: ProgramChange,
    id = randomUUID() as string,
    hash = noId,
  ): Promise<Ack> {
    const records = new Int32Array(commandWords);
    records[commandWord.op] = switchOp;
    records[switchWords.program] = number;
    records[switchWords.flags] = withdraws ? switchFlags.withdraw : 0;
    records[switchWords.fadeFrames] = fadeFrames;
    records[commandWord.idLow] = hash.low;
    records[commandWord.idHigh] = hash.high;
    const { answer } = this.enqueue(makeWaiting(id, hash, records, null));
    this.switching = answer.then(() => {
      this.switching = null;
    });
    return answer;
  }

  private enqueue(waiting: Waiting): Waiting {
    this.queue.push(waiting);
    this.queued += countOf(waiting.records);
    if (waiting.hash !== noId) this.byId.set(keyOf(waiting.hash), waiting);
    this.pump();
    this.timer ??= setTimeout(() => this.look(), hurriedLookMs);
    return waiting;
  }

  /** When a command is to take effect; null for as soon as can be. */
  private timeOf({ at }: Command): RecordTime | null {
    if (at === undefined) return null;
    const time = this.momentOf(at);
    if (time === null) return null;
    const { firstTick, rateHz, quantum } = this.segment.layout;
    const sealed = ticksBetween(currentSealedTick(this.segment), firstTick);
    const aheadSec = (((time.tick - sealed) | 0) * quantum) / rateHz;
    if (aheadSec > limits.commandAheadSecMax + 1) {
      const text = `${Math.round(aheadSec)} s ahead; at most ${limits.commandAheadSecMax} s`;
      throw new TenutoError('TENUTO_COMMAND_RANGE', text);
    }
    return time;
  }

  private momentOf(at: CommandTime): RecordTime | null {
    const { firstTick, rateHz, quantum } = this.segment.layout;
    if ('ntp' in at) return this.clock.timeOf(at.ntp);
    if ('inSec' in at) {
      if (at.inSec === 0) return null;
      const next = ticksBetween(currentSealedTick(this.segment), firstTick) + 1;
      const frames = Math.round(at.inSec * rateHz);
      return { tick: (next + Math.floor(frames / quantum)) | 0, frame: frames % quantum };
    }
    const frame = at.frame ?? 0;
    if (frame >= quantum) {
      throw new TenutoError('TENUTO_COMMAND_RANGE', `a tick has ${quantum} frames, no ${frame}`);
    }
    return { tick: ticksBetween(at.tick | 0, firstTick), frame };
  }

  private waitingRecords(): number {
    return this.queued + this.lane.waiting(this.state.cursors);
  }

  /** Moves commands into the lane as far as there is room. */
  private pump(): void {
    let moved = 0;
    for (const waiting of this.queue) {
      if (!this.lane.offer(waiting.records, this.state.cursors)) break;
      waiting.last = (this.lane.next - 1) | 0;
      this.offered.push(waiting);
      this.queued -= countOf(waiting.records);
      moved++;
    }
    if (moved > 0) this.queue.splice(0, moved);
  }

  /** What a predecessor has written and nobody sealed yet will be: it must not be written again. */
  private adopt(): void {
    const { words } = this.segment;
    this.lane.forEachWaiting(this.state.cursors, (at) => {
      const hash = this.state.hashAt(words, at);
      if (hash === null || this.byId.has(keyOf(hash))) return;
      this.byId.set(keyOf(hash), makeWaiting('', hash, new Int32Array(0), null));
    });
  }

  /** Answers those commands that a record holds. */
  private settle(record: SealedRecord): void {
    const cursor = record.cursors[this.lane.lane]!;
    let first = 0;
    for (let lane = 0; lane < this.lane.lane; lane++) first += record.taken[lane]!;
    let settled = 0;
    for (const waiting of this.offered) {
      const left = (cursor - waiting.last) | 0;
      if (left <= 0) break;
      settled++;
      const index = first + record.taken[this.lane.lane]! - left;
      const receipt = this.state.receiptOf(record, index);
      if (receipt.isLate) count(this.segment, counterIndex.commandsLate, 1);
      this.byId.delete(keyOf(waiting.hash));
      this.timedOnTheWay -= timedIn(waiting.records);
      waiting.settle(this.ackOf(waiting.id, receipt, waiting.command));
    }
    this.offered.splice(0, settled);
    this.settleAdopted(record);
  }

  private settleAdopted(record: SealedRecord): void {
    if (this.byId.size === 0) return;
    for (let index = 0; index < record.commands; index++) {
      const hash = this.state.hashAt(this.segment.words, record.at(index));
      const waiting = hash === null ? undefined : this.byId.get(keyOf(hash));
      if (waiting === undefined || waiting.id !== '') continue;
      this.byId.delete(keyOf(waiting.hash));
      const receipt = this.state.receiptOf(record, index);
      waiting.settle(this.ackOf(waiting.id, receipt, waiting.command));
    }
  }

  private ackOf(id: string, receipt: Receipt, command: Command | null): Ack {
    if (receipt.isVoid) {
      const text = 'it ended the processes that applied it, and was withdrawn';
      return this.refuse(id, new TenutoError('TENUTO_COMMAND_VOIDED', text));
    }
    const { seq, tick, frame, isLate } = receipt;
    return {
      id,
      ok: true,
      seq: seq >>> 0,
      tick: tick >>> 0,
      frame,
      state: this.resultOf(command),
      ...(isLate && { late: true }),
    };
  }

  /** What a command brings about: also what it will, when it waits for its time. */
  private resultOf(command: Command | null): ResultingState {
    const { book, transport } = this.state;
    return command === null ? { transport, values: {} } : resultOf(command, book, transport);
  }

  private refuse(id: string, { code, message }: TenutoError, origin: Origin = 'socket'): Ack {
    count(this.segment, counterIndex.commandsRefused, 1);
    this.onRefused({ id, origin, code, message });
    return { id, ok: false, code, message, seq: this.seq };
  }

  private tell(): void {
    if (this.listeners.size === 0) return;
    const change = this.state.change();
    for (const listener of this.listeners) listener(change);
  }

  /** The journal went on without this process being looked at for so long that it has holes. */
  private startOver(): void {
    this.state.begin();
    const text = 'the journal was lost sight of; whether it took effect is not known';
    const lost = this.offered.splice(0);
    for (const waiting of lost) {
      this.byId.delete(keyOf(waiting.hash));
      this.timedOnTheWay -= timedIn(waiting.records);
      const receipt = this.state.receipts.find(waiting.hash);
      waiting.settle(
        receipt === undefined
          ? this.refuse(waiting.id, new TenutoError('TENUTO_ENGINE_FAILED', text))
          : this.ackOf(waiting.id, receipt, waiting.command),
      );
    }
  }
}

function makeWaiting(
  id: string,
  hash: IdHash,
  records: Int32Array,
  command: Command | null,
): Waiting {
  let settle: (ack: Ack) => void = () => {};
  const answer = new Promise<Ack>((resolve) => {
    settle = resolve;
  });
  return { id, hash, records, command, last: 0, answer, settle };
}

/** Of a command's records, those that are to wait for their time. */
function timedIn(records: Int32Array): number {
  return records.length > 0 && isTimed(records[0]!) ? countOf(records) : 0;
}

/** What a refusal is addressed to. */
function givenId(input: unknown): string {
  const id = (input as { id?: unknown } | null)?.id;
  return typeof id === 'string' ? id.slice(0, limits.commandIdMax) : '';
}
