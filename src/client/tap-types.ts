import type { PatchInfo } from '../dsp/compiler.js';

/** A point of a patch that is listened to. */
export interface TapPoint {
  /** As it was asked for. */
  readonly address: string;
  /** 1 for mono, 2 for stereo, the number of voices; may change with the patch. */
  readonly lanes: number;
  /**
   * The last quantum that `next` rendered, interleaved; the same array until `lanes` changes. Zeros
   * while the patch has no such point.
   */
  readonly samples: Float32Array;
}

/** A second rendering of a running patch, for looking into it. */
export interface EngineTap extends Disposable {
  readonly points: readonly TapPoint[];
  /** The patch's text, and what its nodes are called. */
  readonly patch: PatchInfo;
  readonly rate: number;
  /** Frames in a quantum. */
  readonly quantum: number;
  /** The tick that the points hold. */
  readonly tick: number;
  /** Ticks that were left out, because this program came too late for them. */
  readonly lostTicks: number;
  /** Whether there will never be a next quantum. Asks the kernel: not for every turn of a loop. */
  readonly isEnded: boolean;
  /** Renders the next quantum that the engine has rendered; false when there is none now. */
  next(): boolean;
  /** Idempotent. */
  close(): void;
}
