/** PFFFT compiled to WebAssembly; the package brings no types of its own. */
declare module '@echogarden/pffft-wasm/simd' {
  export interface PffftModule {
    /** Another array after each growth of the memory. */
    readonly HEAPF32: Float32Array;
    _pffft_aligned_malloc(bytes: number): number;
    _pffft_aligned_free(address: number): void;
    /** 0 when the length cannot be transformed. @param kind 0: real, 1: complex */
    _pffft_new_setup(length: number, kind: number): number;
    _pffft_destroy_setup(setup: number): void;
    /** @param direction 0: forward, 1: backward */
    _pffft_transform_ordered(
      setup: number,
      input: number,
      output: number,
      work: number,
      direction: number,
    ): void;
  }
  export default function load(): Promise<PffftModule>;
}
