import { commandFlags, commandOps, commandWord, operationOf } from '../dsp/command.js';
import type { PatchInfo } from '../dsp/compiler.js';
import { switchOp, switchWords } from '../dsp/performance.js';
import { commandWords } from '../memory/layout.js';

const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);

/** Commands of journals in the words of the patch that they were sent to. */
export class CommandWords {
  /** By `node.port` of a command. */
  private readonly paths = new Map<string, string>();

  constructor(
    info: PatchInfo | null,
    private readonly rateHz: number,
  ) {
    for (const [name, node] of Object.entries(info?.names?.nodes ?? {})) {
      for (const [port, place] of Object.entries(node.ports ?? {})) {
        this.paths.set(`${place.node}.${place.port}`, `${name}.${port}`);
      }
    }
  }

  /** What each command of a record says. */
  list(words: Int32Array): string[] {
    const texts: string[] = [];
    for (let at = 0; at + commandWords <= words.length; at += commandWords) {
      texts.push(this.text(words, at));
    }
    return texts;
  }

  private text(words: Int32Array, at: number): string {
    const first = words[at + commandWord.op]!;
    const node = words[at + commandWord.node]!;
    const port = words[at + commandWord.port]!;
    const path = this.paths.get(`${node}.${port}`) ?? `node ${node} port ${port}`;
    bits[0] = words[at + commandWord.value]!;
    const value = String(Number(float[0]!.toPrecision(7)));
    const frames = words[at + commandWord.frames]!;
    const ms = `${Number(((frames * 1000) / this.rateHz).toFixed(2))} ms`;
    const later =
      (first & commandFlags.timed) === 0 ? '' : `, at tick ${words[at + commandWord.tick]! >>> 0}`;
    switch (operationOf(first)) {
      case commandOps.set:
        return `${path} to ${value}${frames > 0 ? ` in ${ms}` : ''}${later}`;
      case commandOps.gate:
        return `${path} ${float[0] === 0 ? 'closed' : `opened to ${value}`}${later}`;
      case commandOps.trigger:
        return `${path} triggered for ${ms}${later}`;
      case commandOps.start:
        return `start${later}`;
      case commandOps.stop:
        return `stop${later}`;
      case switchOp:
        return `change to program ${words[at + switchWords.program]}`;
      default:
        return `operation ${operationOf(first)}, which is ignored`;
    }
  }
}
