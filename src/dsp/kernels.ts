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

/** The kernels over a linear memory of their own. */
export class KernelMemory {
  private readonly memory: WebAssembly.Memory;
  private readonly exports: Readonly<Record<string, (...words: number[]) => number>>;

  /** @param bytesMax the most that `reserve` may ask for */
  constructor(bytesMax: number) {
    // Read and compiled once in a process: every renderer shares the code.
    compiled ??= new WebAssembly.Module(
      readFileSync(new URL('../dsp/kernels.wasm', import.meta.url)),
    );
    const maximum = Math.ceil(bytesMax / PAGE_BYTES) + 1;
    this.memory = new WebAssembly.Memory({ initial: 1, maximum });
    const instance = new WebAssembly.Instance(compiled, { env: { memory: this.memory } });
    this.exports = instance.exports as Record<string, (...words: number[]) => number>;
  }

  /** The first byte that the module itself does not use. */
  get base(): number {
    return this.exports.arenaBase!();
  }

  /** Makes bytes up to `end` usable, zeroed, and tells the kernels the format. */
  reserve(end: number, format: { quantum: number; rate: number }): ArrayBuffer {
    const pages = Math.ceil((end - this.memory.buffer.byteLength) / PAGE_BYTES);
    if (pages > 0) this.memory.grow(pages);
    this.exports.configure!(format.quantum, format.rate);
    return this.memory.buffer;
  }

  get hold(): Hold {
    return this.exports.hold!;
  }

  /** The kernel exported as `name`, or undefined. */
  find(name: string): Kernel | undefined {
    return this.exports[name];
  }
}
