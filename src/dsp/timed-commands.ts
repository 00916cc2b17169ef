import { limits } from '../limits.js';
import {
  commandFlags,
  commandOps,
  commandWord,
  commandWords,
  frameOf,
  operationOf,
} from './command.js';

const capacity = limits.timedCommandsMax;

/** 32-bit words of the list: how many wait, their order, and the records. */
export const timedWords = 1 + capacity + capacity * commandWords;

/**
 * Commands that wait for their tick, in the arena: so a snapshot holds them, every replica has the
 * same, and they take effect on their frame whatever becomes of those who sent them.
 *
 * `order` lists the rows of those that wait, the last one due first, and behind them the free rows.
 * Commands of one frame keep the order in which they came.
 */
export class TimedCommands {
  private readonly order: number;
  private readonly rows: number;

  /** @param base word index of the list */
  constructor(
    private readonly words: Int32Array,
    private readonly base: number,
  ) {
    this.order = base + 1;
    this.rows = this.order + capacity;
  }

  /** For a fresh arena. */
  prepare(): void {
    this.words[this.base] = 0;
    for (let i = 0; i < capacity; i++) this.words[this.order + i] = i;
  }

  get count(): number {
    return this.words[this.base]!;
  }

  /**
   * Adds a copy of a record; gives its word index, or -1 when the list is full. For the audio
   * thread.
   */
  add(record: Int32Array, at: number): number {
    const { words, order } = this;
    const count = words[this.base]!;
    if (count >= capacity) return -1;
    const row = words[order + count]!;
    const place = this.rows + row * commandWords;
    for (let i = 0; i < commandWords; i++) words[place + i] = record[at + i]!;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.isLater(this.at(middle), place)) low = middle + 1;
      else high = middle;
    }
    for (let i = count; i > low; i--) words[order + i] = words[order + i - 1]!;
    words[order + low] = row;
    words[this.base] = count + 1;
    return place;
  }

  /** Word index of the record that is due next; -1 when there is none at or before `tick`. */
  due(tick: number): number {
    const count = this.words[this.base]!;
    if (count === 0) return -1;
    const place = this.at(count - 1);
    return ((tick - this.words[place + commandWord.tick]!) | 0) >= 0 ? place : -1;
  }

  /** Takes the one that is due next from the list; its words stay until the next `add`. */
  drop(): void {
    this.words[this.base]!--;
  }

  /** Word index of the n-th record of those that wait, the last one due first. */
  at(index: number): number {
    return this.rows + this.words[this.order + index]! * commandWords;
  }

  /**
   * Takes over what waits in another list, for nodes that have other numbers now: by the number
   * before the number after, or -1 for one that is gone. For the audio thread.
   */
  adopt(from: TimedCommands, nodes: Int32Array): void {
    for (let i = from.count - 1; i >= 0; i--) {
      const at = from.at(i);
      const op = operationOf(from.words[at]!);
      const named = op !== commandOps.start && op !== commandOps.stop;
      const before = from.words[at + commandWord.node]!;
      const node = named ? (nodes[before] ?? -1) : before;
      if (node < 0) continue;
      const place = this.add(from.words, at);
      if (place >= 0) this.words[place + commandWord.node] = node;
    }
  }

  /** Whether the record at `a` takes effect after the one at `b`. */
  private isLater(a: number, b: number): boolean {
    const { words } = this;
    const ticks = (words[a + commandWord.tick]! - words[b + commandWord.tick]!) | 0;
    if (ticks !== 0) return ticks > 0;
    return frameOf(words[a]!) > frameOf(words[b]!);
  }
}

/** Whether a record is to wait for its tick. */
export function isTimed(word: number): boolean {
  return (word & commandFlags.timed) !== 0;
}
