import type { PatchMachine } from '../../src/engine/replica-core.js';
import { limits } from '../../src/limits.js';

/** Operations of the simulation's commands. */
export const ToyOp = { mix: 1, die: 2, hang: 3 } as const;

const hashWords = 16;
const arenaWords = hashWords + limits.streamsMax;

/**
 * The smallest patch that notices everything: its state is a hash of all that it was ever told, and
 * every sample depends on the whole state. So one command applied twice, late, or not at all, one
 * tick skipped, one frame of a stream too many, or one torn byte of a snapshot changes all that
 * follows.
 */
export class ToyPatch implements PatchMachine {
  static readonly arenaBytes = arenaWords * 4;
  readonly arena: Uint8Array;
  readonly output: Float32Array;
  private readonly state = new Int32Array(arenaWords);
  /** Per stream, the frames it has read: part of the arena. */
  private readonly positions = this.state.subarray(hashWords);
  private readonly ends = new Int32Array(limits.streamsMax);

  /**
   * @param onFatal called for a command that kills or hangs whoever applies it.
   * @param read the frame at a position of a stream.
   */
  constructor(
    quantumSamples: number,
    private readonly onFatal: (op: number) => void,
    private readonly read: (stream: number, position: number) => number = () => 0,
  ) {
    this.arena = new Uint8Array(this.state.buffer);
    this.output = new Float32Array(quantumSamples);
    this.state[0] = 1;
  }

  setStreamEnd(stream: number, frames: number): void {
    this.ends[stream] = frames;
  }

  apply(words: Int32Array, at: number): void {
    const op = words[at]! & 0xffff;
    if (op !== ToyOp.mix) this.onFatal(op);
    for (let i = 0; i < 8; i++) this.mix(words[at + i]!);
  }

  render(): void {
    for (let stream = 0; stream < this.ends.length; stream++) {
      while (this.positions[stream] !== this.ends[stream]) {
        const position = this.positions[stream]!;
        this.mix(this.read(stream, position) ^ Math.imul(stream + 1, 0x9e3779b1));
        this.positions[stream] = position + 1;
      }
    }
    for (let i = 0; i < this.output.length; i++) {
      this.mix(i);
      this.output[i] = (this.state[i & (hashWords - 1)]! >> 8) / 2 ** 23;
    }
  }

  private mix(value: number): void {
    const { state } = this;
    const at = state[0]! & (hashWords - 1);
    let x = state[hashWords - 1]! ^ value;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    state[at] = (state[at]! + (x ^ (x >>> 16))) | 0;
    state[0] = (state[0]! + 1) | 0;
    state[hashWords - 1] = x;
  }
}
