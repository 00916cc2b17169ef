import { readFileSync } from 'node:fs';

/** The few parts of the WebAssembly interface in use; Node's types leave them out. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Table {
    readonly length: number;
    /** @returns the length before */
    grow(places: number): number;
    set(place: number, kernel: Kernel): void;
  }
  class Instance {
    constructor(module: Module, imports: { env: { memory: Memory } });
    readonly exports: object;
  }
}

/** Renders one quantum of the node whose block is at byte `node`. */
export type Kernel = (node: number) => void;

/** Writes four lanes into each of so many frames from byte `at` on. */
export type Hold = (at: number, frames: number, a: number, b: number, c: number, d: number) => void;

const PAGE_BYTES = 65_536;

let compiled: WebAssembly.Module | undefined;

/** A kernel and the node that it is for. */
export interface KernelCall {
  readonly kernel: Kernel;
  readonly block: number;
}

/** Bytes of one call in a list for `run`; after the last call stands a place of 0. */
const CALL_BYTES = 8;

interface Exports {
  readonly table: WebAssembly.Table;
  readonly arenaBase: () => number;
  readonly configure: (quantum: number, rate: number) => void;
  readonly hold: Hold;
  readonly run: Kernel;
}

/** The kernels over a linear memory of their own. */
export class KernelMemory {
  private readonly memory: WebAssembly.Memory;
  private readonly exports: Exports;
  private readonly kernels: Readonly<Record<string, Kernel>>;
  private readonly places = new Map<Kernel, number>();

  /** @param bytesMax the most that `reserve` may ask for */
  constructor(bytesMax: number) {
    // Read and compiled once in a process: every renderer shares the code.
    compiled ??= new WebAssembly.Module(
      readFileSync(new URL('../dsp/kernels.wasm', import.meta.url)),
    );
    // One page for what the module itself uses, one for the list of calls.
    const maximum = Math.ceil(bytesMax / PAGE_BYTES) + 2;
    this.memory = new WebAssembly.Memory({ initial: 1, maximum });
    const instance = new WebAssembly.Instance(compiled, { env: { memory: this.memory } });
    this.exports = instance.exports as Exports;
    this.kernels = instance.exports as Record<string, Kernel>;
  }

  /** The first byte that the module itself does not use. */
  get base(): number {
    return this.exports.arenaBase();
  }

  /** Makes bytes up to `end` usable, zeroed, and tells the kernels the format. */
  reserve(end: number, format: { quantum: number; rate: number }): ArrayBuffer {
    const pages = Math.ceil((end - this.memory.buffer.byteLength) / PAGE_BYTES);
    if (pages > 0) this.memory.grow(pages);
    this.exports.configure(format.quantum, format.rate);
    return this.memory.buffer;
  }

  get hold(): Hold {
    return this.exports.hold;
  }

  /** The kernel exported as `name`, or undefined. */
  find(name: string): Kernel | undefined {
    return this.kernels[name];
  }

  /** Bytes that `chain` may need for so many calls. */
  static chainBytes(calls: number): number {
    return 2 * calls * CALL_BYTES;
  }

  /**
   * The same calls in the same order, those of this memory's own kernels that follow each other as
   * one: a call from JavaScript costs as much as a small kernel.
   *
   * @param at byte from which on `chainBytes` are free
   */
  chain(calls: readonly KernelCall[], at: number): KernelCall[] {
    const own = new Set(Object.values(this.kernels));
    const words = new Uint32Array(this.memory.buffer);
    const chained: KernelCall[] = [];
    let word = at / 4;
    let isOpen = false;
    for (const call of calls) {
      const isOwn = own.has(call.kernel);
      if (isOpen && !isOwn) words[word++] = 0;
      if (!isOwn) chained.push(call);
      else if (!isOpen) chained.push({ kernel: this.exports.run, block: word * 4 });
      isOpen = isOwn;
      if (!isOwn) continue;
      words[word++] = this.placeOf(call.kernel);
      words[word++] = call.block;
    }
    if (isOpen) words[word] = 0;
    return chained;
  }

  private placeOf(kernel: Kernel): number {
    const known = this.places.get(kernel);
    if (known !== undefined) return known;
    const { table } = this.exports;
    // Place 0 ends a list.
    const place = table.grow(table.length === 0 ? 2 : 1) || 1;
    table.set(place, kernel);
    this.places.set(kernel, place);
    return place;
  }
}
