/**
 * Calls kernels one after the other: from byte `at` on, pairs of a kernel's place in the module's
 * table and its node's block, up to a pair whose place is 0. One call from outside instead of many.
 */
export function run(at: usize): void {
  for (;;) {
    const kernel = load<u32>(at);
    if (kernel == 0) return;
    call_indirect<void>(kernel, load<usize>(at, 4));
    at += 8;
  }
}
