/**
 * What a node is to the patch compiler, the renderer and the reference page. To add a node: copy
 * `nodes/gain.ts` and `assembly/gain.ts`, add one line to `nodes/index.ts` and one to
 * `assembly/index.ts`; the contract suite and docs/nodes.md then cover it by themselves.
 */

import type { Hold } from './kernels.js';

/** The unit a port is in. Patches may also write kHz for Hz, ms or beats for s, dB for gain. */
export type Unit = 'Hz' | 's' | 'gain' | 'cents' | 'semitones' | 'dB' | 'bpm' | 'none';

/** What runs over a cable: one lane, left and right, or one lane for each voice. */
export type Width = 'mono' | 'stereo' | 'voices';

/** An input or a parameter: to a kernel both are a number for each frame and lane. */
export interface PortDefinition {
  readonly name: string;
  /** One sentence for the reference page. */
  readonly summary: string;
  readonly unit: Unit;
  /** Numbers and commands are held within [min, max]; a kernel does the same for cables. */
  readonly min: number;
  readonly max: number;
  /** The value of a port that a patch does not mention. */
  readonly default: number;
  /** The shortest ramp of a SET command, so that it cannot click; 0 for gates and switches. */
  readonly smoothingMs: number;
}

/** A choice made when the patch is compiled; it cannot change while the patch sounds. */
export type OptionDefinition =
  /** Arrives as the index of the chosen word. */
  | { kind: 'choice'; choices: readonly string[]; default: string; summary: string }
  | {
      kind: 'number';
      unit: Unit;
      min: number;
      max: number;
      default: number;
      integer?: boolean;
      summary: string;
    }
  /** Arrives as 0 or 1. */
  | { kind: 'flag'; default: boolean; summary: string }
  /** The name of an entry under `assets`; arrives as its index. */
  | { kind: 'asset'; summary: string }
  /** Text and lists do not arrive themselves: `compile` makes numbers of them. */
  | { kind: 'text'; default: string; summary: string }
  | { kind: 'list'; default: readonly ListItem[]; summary: string };

export type ListItem = string | number | readonly (string | number)[];

/** What a node knows when it is laid out in the arena. */
export interface NodeContext {
  /** Frames in a second. */
  readonly rate: number;
  /** Frames in a quantum. */
  readonly quantum: number;
  /** Channels of the device. */
  readonly channels: number;
  readonly width: Width;
  /** Lanes of the output: 1, 2 or the number of voices. */
  readonly lanes: number;
  /** Groups of four lanes. */
  readonly banks: number;
  /** What enters each port, in the order of the ports. */
  readonly inputs: readonly PortContext[];
  /** Options as numbers, by name. */
  readonly options: Readonly<Record<string, number>>;
  /** What `compile` made, or nothing. */
  readonly data: Float32Array;
  /**
   * True when the port named by `feedback` closes a loop: it then carries the previous quantum,
   * so a delay must subtract `quantum` frames from its time (and can go no lower).
   */
  readonly feedback: boolean;
  /** A positive integer below 2^31 that differs from node to node and repeats from run to run. */
  readonly seed: number;
}

export interface PortContext {
  /** False for a number. */
  readonly cabled: boolean;
  readonly width: Width;
  readonly lanes: number;
}

/** What `compile` is given: the text and list options as written, and where to complain. */
export interface CompileInput {
  readonly options: Readonly<Record<string, number>>;
  readonly texts: Readonly<Record<string, string>>;
  readonly lists: Readonly<Record<string, readonly ListItem[]>>;
  /** Reports a mistake in option `option` (item `index` of a list) and returns never. */
  fail(message: string, option: string, index?: number): never;
}

/**
 * The output's width.
 * - `widest`: that of the widest cable in, mono without any, or as many voices as the patch says.
 *   Mono cables are spread; stereo and voices do not meet.
 * - `mono`, `stereo`: always that; cables in must not be wider.
 * - `sum`: takes every width; stereo if `stereo(ctx)` says so, else mono.
 * - `asset`: mono or stereo as the asset is.
 * - `sink`: takes every width and has no output.
 */
export type LanesRule = 'widest' | 'mono' | 'stereo' | 'sum' | 'asset' | 'sink';

/** The arena as a node written in TypeScript sees it; all of it prepared once. */
export interface NodeHost {
  readonly ctx: NodeContext;
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  /** Byte offset of the table of 32-bit words that say how far each stream has arrived. */
  readonly streamEnds: number;
  /** Byte offsets: of the state, of output 0, and of the node's block (see assembly/abi.ts). */
  readonly state: number;
  readonly output: number;
  readonly block: number;
  /** Fills an output of one bank quickly with what does not change. */
  readonly hold: Hold;
  readonly sources: Sources;
  /** Interleaved frames of the device; nodes add to it. */
  readonly device: Float32Array;
}

/** Sound from outside the program. */
export interface Sources {
  readonly streams: readonly StreamView[];
  readonly assets: readonly AssetView[];
}

/** The ring of a client's stream. */
export interface StreamView {
  /** Interleaved: frame f, channel c at (f mod frames) * channels + c. */
  samples: Float32Array;
  channels: number;
  /** Capacity in frames, a power of two. */
  frames: number;
}

/** A decoded file. It never changes. */
export interface AssetView {
  /** Interleaved: frame f, channel c at f * channels + c. */
  samples: Float32Array;
  channels: number;
  frames: number;
  rate: number;
}

export interface NodeDefinition {
  /** The name in patches: lower case, one word. */
  readonly type: string;
  /** One sentence for the reference page. */
  readonly summary: string;
  readonly ports: readonly PortDefinition[];
  readonly options?: Readonly<Record<string, OptionDefinition>>;
  readonly lanes: LanesRule;
  /** For `sum`: whether the output is stereo. */
  readonly stereo?: (ctx: Pick<NodeContext, 'inputs' | 'options'>) => boolean;
  /** True for what can start voices by itself, so that `voices: N` may be written on it. */
  readonly voices?: boolean;
  /** Names of the outputs when there are several; a cable names one as `node.output`. */
  readonly outputs?: readonly string[];
  /** The port that may close a loop. */
  readonly feedback?: string;
  /** The choice that the kernel sees as its variant. */
  readonly variant?: string;
  /** Bytes of state, zeroed at the start. Everything the node remembers is there. */
  readonly stateBytes: (ctx: NodeContext) => number;
  /** The four free words of the block; integers unless `floatWords`. */
  readonly words?: (ctx: NodeContext) => readonly number[];
  readonly floatWords?: boolean;
  /** Fills the state before the first quantum; both views begin at the state. */
  readonly prepare?: (ctx: NodeContext, i32: Int32Array, f32: Float32Array) => void;
  /** Makes numbers of text and list options, in the compiler. */
  readonly compile?: (input: CompileInput) => Float32Array;
  /** Refuses options that do not go together, in the renderer: programs come from outside. */
  readonly accepts?: (ctx: NodeContext) => boolean;
  /** The exported kernel; `<kernel>_init` is called once when it exists. */
  readonly kernel?: string;
  /** For nodes written in TypeScript: prepares the function that renders one quantum. */
  readonly create?: (host: NodeHost) => () => void;
  /**
   * Makes a state valid that the same node had with other options or data, when a patch is changed
   * while it plays. Without it such a node begins anew.
   */
  readonly mend?: (ctx: NodeContext, i32: Int32Array, f32: Float32Array) => void;
  /** For what plays a client's stream: the word of its state that says how far it has read. */
  readonly streamPosition?: (ctx: NodeContext, stream: number) => number | undefined;
  /**
   * Of a user's node, the digest of its code: with other code the state is another one. Such a node
   * is silenced, and the fact counted, where a built-in one would end the process.
   */
  readonly code?: string;
  /** Other code with the same word here understands the state. */
  readonly stateVersion?: string;
}

/** A port that sound runs into: silent by default, any level. */
export function signalPort(name: string, summary: string): PortDefinition {
  return { name, summary, unit: 'gain', min: -1e6, max: 1e6, default: 0, smoothingMs: 5 };
}

/** A port that opens above 0 and closes at 0 or below. */
export function gatePort(name: string, summary: string, open = 0): PortDefinition {
  return { name, summary, unit: 'none', min: 0, max: 1, default: open, smoothingMs: 0 };
}
