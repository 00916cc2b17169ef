import type { Layout } from '../../dsp/arena.js';
import { commandOps, commandWord, commandWords, frameOf, operationOf } from '../../dsp/command.js';
import { TimedCommands } from '../../dsp/timed-commands.js';

/** A timed command that waits, as control knows it. */
export interface Pending {
  /** Ticks since the first one. */
  readonly tick: number;
  readonly frame: number;
  readonly words: Int32Array;
}

/** The list of timed commands in the arena, as control follows it. */
export class PendingModel {
  /** The one that is due last first. */
  private readonly list: Pending[] = [];

  get count(): number {
    return this.list.length;
  }

  get all(): readonly Pending[] {
    return this.list;
  }

  /** Takes the list over from the arena of a snapshot. */
  restore(arena: Int32Array, layout: Layout): void {
    const commands = new TimedCommands(arena, (layout.timed - layout.base) / 4);
    for (let i = commands.count - 1; i >= 0; i--) this.add(arena, commands.at(i));
  }

  add(words: Int32Array, at: number): void {
    const tick = words[at + commandWord.tick]!;
    const frame = frameOf(words[at]!);
    const pending = { tick, frame, words: words.slice(at, at + commandWords) };
    this.list.splice(this.placeBefore(pending), 0, pending);
  }

  /** Another program plays: parameters have other places in it, or are gone. */
  rename(
    placeOf: (node: number, port: number) => { node: number; port: number } | undefined,
  ): void {
    const kept = this.list.filter(({ words }) => {
      const op = operationOf(words[0]!);
      if (op === commandOps.start || op === commandOps.stop) return true;
      const place = placeOf(words[commandWord.node]!, words[commandWord.port]!);
      words[commandWord.node] = place?.node ?? 0;
      words[commandWord.port] = place?.port ?? 0;
      return place !== undefined;
    });
    this.list.splice(0, this.list.length, ...kept);
  }

  /** Takes out what is due at or before a tick, in order. */
  take(tick: number): Pending[] {
    const due: Pending[] = [];
    for (let last = this.list.at(-1); last && ((tick - last.tick) | 0) >= 0; ) {
      due.push(last);
      this.list.pop();
      last = this.list.at(-1);
    }
    return due;
  }

  /** Where it stands: before all that are not later, which came before it. */
  private placeBefore(pending: Pending): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isEarlier(pending, this.list[middle]!)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isEarlier(a: Pending, b: Pending): boolean {
  const ticks = (a.tick - b.tick) | 0;
  return ticks === 0 ? a.frame < b.frame : ticks < 0;
}
