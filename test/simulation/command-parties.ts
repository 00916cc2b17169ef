import { hashOf, keyOf } from '../../src/control/bus/command-id.js';
import { JournalFollower } from '../../src/control/bus/journal-follower.js';
import { LaneWriter } from '../../src/control/bus/lane-writer.js';
import { type Receipt, Receipts } from '../../src/control/bus/receipts.js';
import { commandAt, currentSealedTick, findRecord } from '../../src/memory/journal.js';
import { commandWords, RecordStatus, record } from '../../src/memory/layout.js';
import type { Segment } from '../../src/memory/segment.js';
import type { Checker } from './checker.js';
import type { Random } from './random.js';
import { ToyOp } from './toy-patch.js';
import { Violation } from './violation.js';

/** What the commands' clients see of the simulated world. */
interface CommandWorld {
  readonly segment: Segment;
  readonly random: Random;
  readonly checker: Checker;
  nextCommandId(): number;
}

/** Commands of one client at a time. */
const askedMax = 3;

/**
 * Clients that give each command a name and ask until they are answered, whichever control process
 * it is that hears them. Answers get lost. What an answer says must be so.
 */
export class CommandBook {
  /** By name, the running number. */
  readonly asked = new Map<string, number>();
  answered = 0;
  private isClosed = false;

  constructor(private readonly world: CommandWorld) {}

  /** Sometimes somebody has something new to say. */
  look(): void {
    const { random } = this.world;
    if (this.isClosed || this.asked.size >= askedMax || !random.chance(0.3)) return;
    const number = this.world.nextCommandId();
    this.asked.set(`command ${number}`, number);
  }

  /** An answer, which may get lost. @throws Violation when it is not true */
  answer(id: string, { seq, sealedTick, isVoid }: Receipt): void {
    const number = this.asked.get(id)!;
    const { segment, checker, random } = this.world;
    const sealedAs = checker.commands.get(number);
    if (sealedAs !== seq) throw new Violation(`${id} is answered as ${seq}, but is ${sealedAs}`);
    const at = findRecord(segment, sealedTick);
    if (at >= 0) {
      const { words } = segment;
      const has = Array.from({ length: words[at + record.commands]! }, (_, i) => i).some(
        (i) => words[commandAt(segment, at, i) + 5] === number,
      );
      const passed = words[at + record.status] === RecordStatus.passed;
      if (!has) throw new Violation(`${id} is answered with tick ${sealedTick}, but is not in it`);
      if (passed === isVoid) throw new Violation(`${id} is answered ${isVoid}, wrongly`);
    }
    if (random.chance(0.3)) return;
    this.asked.delete(id);
    this.answered++;
  }

  /** Nothing new is said any more. */
  close(): void {
    this.isClosed = true;
  }

  /** @throws Violation when somebody still asks long after */
  checkAllAnswered(): void {
    const [id] = this.asked.keys();
    if (id !== undefined) throw new Violation(`${id} is not answered after all`);
  }
}

/** What the bus does for commands that have a name, without what it does for people. */
export class CommandDesk {
  private follower: JournalFollower;
  private receipts: Receipts;
  /** Names in the lanes, of this process and of its predecessors. */
  private readonly waiting = new Set<number>();
  private readonly lane: LaneWriter;

  constructor(
    private readonly world: CommandWorld,
    lane: number,
  ) {
    this.lane = new LaneWriter(world.segment, lane);
    this.receipts = new Receipts(world.segment);
    this.follower = this.begin();
  }

  /** Hears who asks, and answers who can be answered. */
  step(book: CommandBook): void {
    book.look();
    if (!this.follow()) this.follower = this.begin();
    for (const [id, number] of [...book.asked]) {
      const hash = hashOf(id);
      const receipt = this.receipts.find(hash);
      if (receipt !== undefined) book.answer(id, receipt);
      else if (!this.waiting.has(keyOf(hash))) this.offer(number, hash);
    }
  }

  private offer(number: number, hash: { low: number; high: number }): void {
    const words = new Int32Array(commandWords);
    words[0] = ToyOp.mix;
    words[3] = number;
    words[5] = number;
    words[6] = hash.low;
    words[7] = hash.high;
    if (this.lane.offer(words, this.follower.cursors)) this.waiting.add(keyOf(hash));
  }

  private begin(): JournalFollower {
    const { segment } = this.world;
    const oldest = JournalFollower.oldest(segment, currentSealedTick(segment));
    this.follower = new JournalFollower(segment, oldest);
    this.receipts = new Receipts(segment);
    this.waiting.clear();
    this.follow();
    this.lane.forEachWaiting(this.follower.cursors, (at) => {
      const { words } = segment;
      this.waiting.add(keyOf({ low: words[at + 6]!, high: words[at + 7]! }));
    });
    return this.follower;
  }

  private follow(): boolean {
    const { words } = this.world.segment;
    return this.follower.follow((sealed) => {
      for (let index = 0; index < sealed.commands; index++) {
        const at = sealed.at(index);
        const hash = { low: words[at + 6]!, high: words[at + 7]! };
        const { tick, isVoid, seqBefore } = sealed;
        const seq = (seqBefore + index + 1) | 0;
        const row = { seq, sealedTick: tick, tick, frame: 0, isVoid, isLate: false };
        this.receipts.note(hash, row);
        this.waiting.delete(keyOf(hash));
      }
    });
  }
}
