import { readFileSync } from 'node:fs';
import { assert } from '../errors.js';

/** The few parts of the WebAssembly interface in use; Node's types leave them out. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    constructor(module: Module, imports: { env: { memory: Memory } });
    readonly exports: object;
  }
}

/** What the kernels do; `assembly/` says how. Addresses, bytes and counts. */
export interface KernelExports {
  memoryBase(): number;
  take(block: number, frames: number): void;
  produce(block: number, frames: number): number;
  needed(block: number, frames: number): number;
  slide(
    history: number,
    stride: number,
    held: number,
    from: number,
    channels: number,
    frames: number,
  ): void;
  block32(plan: number): void;
  block64(plan: number): void;
  merge(from: number, stride: number, to: number, channels: number, frames: number): void;
}

const PAGE_BYTES = 65_536;
/** Where places are given out from; the module's own few bytes are below. */
const base = 2048;
/** A vector may be read that begins before the end of what counts. */
const slackBytes = 64;

let compiled: WebAssembly.Module | undefined;

/** A linear memory of one conversion: first all places are reserved, then it is opened. */
export class KernelMemory {
  #end = base;
  #buffer: ArrayBuffer | undefined;

  /** The address of so many bytes, at the start of a line of the cache. */
  reserve(bytes: number): number {
    assert(this.#buffer === undefined, 'places are reserved before the memory is opened');
    const start = this.#end;
    this.#end += Math.ceil(bytes / 64) * 64;
    return start;
  }

  /** Makes the memory, zeroed; it never grows, so views of it stay. */
  open(): KernelExports {
    // Read and compiled once in a process: every conversion shares the code.
    compiled ??= new WebAssembly.Module(
      readFileSync(new URL('../pcm/kernels.wasm', import.meta.url)),
    );
    const pages = Math.ceil((this.#end + slackBytes) / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const instance = new WebAssembly.Instance(compiled, { env: { memory } });
    const exports = instance.exports as KernelExports;
    assert(exports.memoryBase() <= base, 'the module has place for what is its own');
    this.#buffer = memory.buffer;
    return exports;
  }

  floats(at: number, count: number): Float32Array {
    return new Float32Array(this.#opened, at, count);
  }

  doubles(at: number, count: number): Float64Array {
    return new Float64Array(this.#opened, at, count);
  }

  words(at: number, count: number): Int32Array {
    return new Int32Array(this.#opened, at, count);
  }

  get #opened(): ArrayBuffer {
    assert(this.#buffer !== undefined, 'the memory is open');
    return this.#buffer;
  }
}
