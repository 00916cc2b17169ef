import { limits } from '../limits.js';
import { headerWords, type Layout, layoutProgram } from './arena.js';
import { commandOps, commandWord, frameOf, operationOf } from './command.js';
import { type Kernel, type KernelCall, KernelMemory } from './kernels.js';
import type { NodeDefinition, NodeHost, Sources } from './node.js';
import { type NodeLibrary, noNodes } from './nodes/index.js';
import type { Part } from './performance.js';
import { decodeProgram, outputCount, type Program } from './program.js';
import { Ramps } from './ramps.js';
import { isTimed, TimedCommands } from './timed-commands.js';
import { Transport } from './transport.js';

/** Words of a user's node's guard: frames for which it still falls, and its last frame. */
const guardWord = { left: 1, last: 4 } as const;
const FALL_SEC = 0.005;

/** What a `meter` node measured, linear: 1 is full scale. One number for each lane. */
export interface MeterLevels {
  readonly peak: number[];
  readonly rms: number[];
}

/**
 * Renders a program, quantum by quantum. The same program, the same commands and the same sources
 * give the same samples, bit for bit, in every process and after every snapshot.
 *
 * A snapshot is a copy of `arena` between two calls of `render`; writing such a copy into the
 * `arena` of another Renderer of the same program continues there.
 */
export class Renderer implements Part {
  /** Frames in a second. */
  readonly rate: number;
  /** Frames in a quantum. */
  readonly quantum: number;
  /** Channels of `output`. */
  readonly channels: number;
  /** Exactly the bytes that make a snapshot. */
  readonly arena: Uint8Array;
  /** Interleaved, `quantum * channels` samples, finite; valid from one `render` to the next. */
  readonly output: Float32Array;
  readonly lastFrame: Float32Array;
  /** For the contract suite: where everything lies in `memory`. */
  readonly layout: Layout;
  readonly memory: ArrayBuffer;
  readonly program: Program;
  readonly sources: Sources;
  /** Of use to `carry.ts`: the parameters, as the arena holds them. */
  readonly ramps: Ramps;
  /** Of use to `carry.ts`: commands that wait for their tick. */
  readonly timed: TimedCommands;

  /** What the first of the user's nodes that failed has said; not part of the arena. */
  failure: string | null = null;
  private readonly i32: Int32Array;
  private readonly valueBits = new Int32Array(1);
  private readonly value = new Float32Array(this.valueBits.buffer);
  private readonly transport: Transport;
  private calls: readonly KernelCall[];
  private readonly kernels: KernelCall[];
  private readonly chain: () => readonly KernelCall[];
  private readonly guards: Int32Array;
  private readonly fallFrames: number;
  private readonly starters: readonly (() => void)[];
  private readonly blocks: Int32Array;
  private readonly header: number;
  private readonly meters: ReadonlySet<number>;

  /**
   * @param own nodes of the user's that the program may hold
   * @throws TenutoError TENUTO_PROGRAM_INVALID, TENUTO_PATCH_LIMIT
   */
  constructor(bytes: Uint8Array, sources: Sources, own: NodeLibrary = noNodes) {
    const program = decodeProgram(bytes, own);
    const { rate, quantum, channels } = program;
    this.program = program;
    this.sources = sources;
    this.rate = rate;
    this.quantum = quantum;
    this.channels = channels;
    const kernelMemory = new KernelMemory(limits.arenaBytesMax);
    this.layout = layoutProgram(program, kernelMemory.base);
    const calls = Math.ceil(this.layout.end / 8) * 8;
    const end = calls + KernelMemory.chainBytes(program.nodes.length);
    this.memory = kernelMemory.reserve(end, { quantum, rate });
    const { base, persistentEnd, device, header } = this.layout;
    this.arena = new Uint8Array(this.memory, base, persistentEnd - base);
    this.output = new Float32Array(this.memory, device, quantum * channels);
    this.lastFrame = new Float32Array(this.memory, header + 4 * headerWords.lastFrame, channels);
    this.i32 = new Int32Array(this.memory);
    this.header = header / 4;
    this.meters = new Set(
      program.nodes.flatMap(({ definition }, i) => (definition.type === 'meter' ? [i] : [])),
    );
    this.ramps = new Ramps(this.memory, this.layout, program);
    this.timed = new TimedCommands(this.i32, this.layout.timed / 4);
    const transport = header / 4 + headerWords.transport;
    this.transport = new Transport(this.memory, transport, { quantum, channels });
    this.blocks = Int32Array.from(this.layout.nodes, (node) => node.block);
    this.guards = Int32Array.from(this.layout.nodes, ({ guard }) => guard / 4);
    this.fallFrames = Math.round(FALL_SEC * rate);
    this.prepare();
    const shared = {
      f32: new Float32Array(this.memory),
      i32: this.i32,
      f64: new Float64Array(this.memory),
      hold: kernelMemory.hold,
      sources,
      device: this.output,
      streamEnds: header + 4 * headerWords.streamEnds,
    };
    this.kernels = program.nodes.map((node, i) => {
      const { ctx, state, output, block } = this.layout.nodes[i]!;
      const host: NodeHost = { ...shared, ctx, state, output, block };
      const kernel = prepareKernel(node.definition, host, kernelMemory);
      const isOwn = node.definition.code !== undefined;
      return { kernel: isOwn ? this.guarded(kernel, i) : kernel, block };
    });
    this.chain = () => kernelMemory.chain(this.kernels, calls);
    this.calls = this.chain();
    this.starters = program.nodes.flatMap((node, i) => {
      const starter = memoryStarter(node.definition, kernelMemory);
      return starter ? [() => starter(this.blocks[i]!)] : [];
    });
    for (const start of this.starters) start();
  }

  /** As it was made: what it has rendered is forgotten. Allocates a little. */
  reset(): void {
    this.failure = null;
    this.arena.fill(0);
    this.prepare();
    for (const start of this.starters) start();
  }

  /** For the contract suite: another kernel renders a node from now on. */
  substitute(node: number, kernel: Kernel): void {
    this.kernels[node] = { kernel, block: this.blocks[node]! };
    this.calls = this.chain();
  }

  private prepare(): void {
    prepareNodes(this.program, this.layout, this.memory);
    this.ramps.prepare(this.program, this.layout);
    this.timed.prepare();
    this.transport.prepare();
  }

  /**
   * A user's node that throws falls silent from what it put out last. Every replica throws at the
   * same frame, so all go on alike.
   */
  private guarded(kernel: Kernel, index: number): Kernel {
    const guard = this.guards[index]!;
    const { output, ctx } = this.layout.nodes[index]!;
    const banks = outputCount(this.program.nodes[index]!.definition) * ctx.banks;
    const words = banks * this.quantum * 4;
    const f32 = new Float32Array(this.memory);
    const sound = output / 4;
    const last = guard + guardWord.last;
    const keep = () => {
      for (let i = 0; i < banks * 4; i++) {
        f32[last + i] = f32[sound + ((i >> 2) + 1) * this.quantum * 4 - 4 + (i & 3)]!;
      }
    };
    const fall = () => {
      const left = this.i32[guard + guardWord.left]!;
      for (let i = 0; i < words; i++) {
        const frame = (i >> 2) % this.quantum;
        const bank = Math.floor((i >> 2) / this.quantum);
        const gain = Math.max(0, left - frame - 1) / this.fallFrames;
        f32[sound + i] = f32[last + bank * 4 + (i & 3)]! * gain;
      }
      this.i32[guard + guardWord.left] = Math.max(0, left - this.quantum);
    };
    return (block) => {
      if (this.i32[guard] === 0) {
        try {
          kernel(block);
          keep();
          return;
        } catch (error) {
          this.failure ??= error instanceof Error ? error.message : String(error);
          this.silenceNode(guard);
        }
      }
      fall();
    };
  }

  /** Silences every node of the user's: one of them computes for ever. For the audio thread. */
  silenceOwn(): void {
    for (let i = 0; i < this.guards.length; i++) {
      if (this.guards[i]! >= 0) this.silenceNode(this.guards[i]!);
    }
  }

  private silenceNode(guard: number): void {
    if (this.i32[guard] !== 0) return;
    this.i32[guard] = 1;
    this.i32[guard + guardWord.left] = this.fallFrames;
    this.count(headerWords.silenced);
  }

  /** User's nodes that failed and are silent since. */
  get silencedNodes(): number {
    return this.i32[this.header + headerWords.silenced]!;
  }

  /** Quanta rendered so far, modulo 2^32. */
  get tick(): number {
    return this.i32[this.header + headerWords.tick]! >>> 0;
  }

  /** Commands that named no parameter, an unknown operation, or no finite number. */
  get ignoredCommands(): number {
    return this.i32[this.header + headerWords.ignored]! >>> 0;
  }

  /**
   * Says how many frames of client stream `stream` have arrived in all (uint32, wraps).
   * For the audio thread.
   */
  setStreamEnd(stream: number, frames: number): void {
    if (stream < 0 || stream >= limits.streamsMax) return;
    this.i32[this.header + headerWords.streamEnds + stream] = frames | 0;
  }

  /**
   * Applies the command record at `words[offset]` to the coming quantum: operation and frame,
   * node, port, value (float32 bits), ramp or hold frames. A timed record waits in the arena until
   * its tick is rendered; others of one quantum come in the order of their frames, and before the
   * timed ones. What names nothing is ignored and counted. For the audio thread.
   */
  apply(words: Int32Array, offset: number): void {
    if (!isTimed(words[offset]!)) {
      this.applyAt(words, offset, frameOf(words[offset]!));
    } else if (this.timed.add(words, offset) < 0) {
      this.count(headerWords.ignored);
    }
  }

  private applyAt(words: Int32Array, offset: number, atFrame: number): void {
    const op = operationOf(words[offset]!);
    const frame = Math.min(atFrame, this.quantum - 1);
    if (op === commandOps.start || op === commandOps.stop) {
      const frames = Math.max(0, words[offset + commandWord.frames]!);
      this.transport.fade(frame, op === commandOps.start ? 1 : 0, frames);
      return;
    }
    const node = words[offset + commandWord.node]!;
    const param = this.ramps.find(node, words[offset + commandWord.port]!);
    this.valueBits[0] = words[offset + commandWord.value]!;
    const value = this.value[0]!;
    const frames = Math.max(0, words[offset + commandWord.frames]!);
    let taken = param >= 0 && Number.isFinite(value);
    if (!taken) taken = false;
    else if (op === commandOps.set) taken = this.ramps.set(param, frame, value, frames);
    else if (op === commandOps.gate) taken = this.ramps.jump(param, frame, value, 0);
    else if (op === commandOps.trigger) {
      taken = this.ramps.jump(param, frame, value, Math.max(1, frames));
    } else taken = false;
    if (!taken) this.count(headerWords.ignored);
  }

  /** Renders one quantum into `output`. Allocates nothing. For the audio thread. */
  render(): void {
    this.applyDue();
    this.ramps.fill();
    this.output.fill(0);
    for (let i = 0; i < this.calls.length; i++) {
      const { kernel, block } = this.calls[i]!;
      kernel(block);
    }
    this.ramps.settle();
    this.transport.apply(this.output);
    this.count(headerWords.tick);
  }

  /** Timed commands whose tick has come; those that came too late take effect at once. */
  private applyDue(): void {
    const { timed } = this;
    const tick = this.i32[this.header + headerWords.tick]!;
    for (let at = timed.due(tick); at >= 0; at = timed.due(tick)) {
      timed.drop();
      const isLate = this.i32[at + commandWord.tick] !== tick;
      this.applyAt(this.i32, at, isLate ? 0 : frameOf(this.i32[at]!));
    }
  }

  /**
   * Reads the `meter` node with index `node` (`names.nodes[name].node`), or undefined when that is
   * none. Allocates: not for the audio thread.
   */
  readMeter(node: number): MeterLevels | undefined {
    const place = this.layout.nodes[node];
    if (!place || !this.meters.has(node)) return undefined;
    const f32 = new Float32Array(this.memory, place.state, place.stateBytes >> 2);
    const lanes = Array.from(
      { length: place.ctx.lanes },
      (_, lane) => (lane >> 2) * 8 + (lane & 3),
    );
    return {
      peak: lanes.map((word) => f32[word]!),
      rms: lanes.map((word) => Math.sqrt(f32[word + 4]!)),
    };
  }

  private count(word: number): void {
    const at = this.header + word;
    this.i32[at] = (this.i32[at]! + 1) | 0;
  }
}

/** Writes blocks, constants and first states into a fresh arena. */
function prepareNodes(program: Program, layout: Layout, memory: ArrayBuffer): void {
  const i32 = new Int32Array(memory);
  const f32 = new Float32Array(memory);
  program.nodes.forEach((node, index) => {
    const { ctx, block, state, stateBytes, output, ports } = layout.nodes[index]!;
    const { definition } = node;
    const word = block / 4;
    const variant = definition.variant ? ctx.options[definition.variant]! : 0;
    i32.set([ctx.banks, state, output, variant], word);
    const view = definition.floatWords ? f32 : i32;
    view.set((definition.words?.(ctx) ?? []).slice(0, 4), word + 4);
    ports.forEach((port, p) => {
      i32.set([port.pointer, port.frameStride, port.bankStride], word + 8 + 3 * p);
      const source = node.ports[p]!;
      // Padding lanes repeat the last value: they must hold a number a kernel can live with.
      if (source.kind !== 'lanes') return;
      const lanes = Math.ceil(source.values.length / 4) * 4;
      for (let lane = 0; lane < lanes; lane++) {
        const from = Math.min(lane, source.values.length - 1);
        f32[port.pointer / 4 + lane] = source.values[from]!;
      }
    });
    definition.prepare?.(
      ctx,
      new Int32Array(memory, state, stateBytes >> 2),
      new Float32Array(memory, state, stateBytes >> 2),
    );
  });
}

function prepareKernel(definition: NodeDefinition, host: NodeHost, memory: KernelMemory): Kernel {
  if (definition.create) return definition.create(host);
  const kernel = memory.find(definition.kernel!);
  if (!kernel) throw new Error(`kernels.wasm lacks ${definition.kernel}; run npm run build:wasm`);
  return kernel;
}

/** What a kernel has to be told once of a fresh block. */
function memoryStarter(definition: NodeDefinition, memory: KernelMemory): Kernel | undefined {
  return definition.create ? undefined : memory.find(`${definition.kernel}_init`);
}
