import type { PatchMachine } from '../../src/engine/replica-core.js';

/** Operations of the simulation's commands. */
export const ToyOp = { mix: 1, die: 2, hang: 3 } as const;

const arenaWords = 16;

/**
 * The smallest patch that notices everything: its state is a hash of all that it was ever told, and
 * every sample depends on the whole state. So one command applied twice, late, or not at all, one
 * tick skipped, or one torn byte of a snapshot changes all that follows.
 */
export class ToyPatch implements PatchMachine {
  static readonly arenaBytes = arenaWords * 4;
  readonly arena: Uint8Array;
  readonly output: Float32Array;
  private readonly state = new Int32Array(arenaWords);

  /** @param onFatal called for a command that kills or hangs whoever applies it. */
  constructor(
    quantumSamples: number,
    private readonly onFatal: (op: number) => void,
  ) {
    this.arena = new Uint8Array(this.state.buffer);
    this.output = new Float32Array(quantumSamples);
    this.state[0] = 1;
  }

  setStreamEnd(stream: number, frames: number): void {
    this.mix(Math.imul(stream + 1, 0x9e3779b1) ^ frames);
  }

  apply(words: Int32Array, at: number): void {
    const op = words[at]! & 0xffff;
    if (op !== ToyOp.mix) this.onFatal(op);
    for (let i = 0; i < 8; i++) this.mix(words[at + i]!);
  }

  render(): void {
    for (let i = 0; i < this.output.length; i++) {
      this.mix(i);
      this.output[i] = (this.state[i & (arenaWords - 1)]! >> 8) / 2 ** 23;
    }
  }

  private mix(value: number): void {
    const { state } = this;
    const at = state[0]! & (arenaWords - 1);
    let x = state[arenaWords - 1]! ^ value;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    state[at] = (state[at]! + (x ^ (x >>> 16))) | 0;
    state[0] = (state[0]! + 1) | 0;
    state[arenaWords - 1] = x;
  }
}
