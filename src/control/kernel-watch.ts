import { TenutoError } from '../errors.js';
import { count, counterIndex } from '../memory/counters.js';
import type { Segment } from '../memory/segment.js';
import { KernelLog } from '../observe/kernel-log.js';
import type { createLogger } from '../observe/log.js';

/** What of the kernel's log is looked for, and where. */
export interface KernelWatchOrder {
  file: string;
  patterns: string[];
}

/**
 * Counts the kernel's faults while an engine runs: a tripwire watches the counter. Where its log may
 * not be read, which is so for most users, nothing is counted.
 */
export function watchKernel(
  segment: Segment,
  { file, patterns }: KernelWatchOrder,
  logger: ReturnType<typeof createLogger>,
): Disposable | null {
  try {
    return new KernelLog(file, patterns, ({ message, uptimeSec }) => {
      count(segment, counterIndex.kernelFaults, 1);
      logger.warn('the kernel tells of a fault', { message, uptimeSec });
    });
  } catch (error) {
    if (!(error instanceof TenutoError)) throw error;
    logger.debug(`the kernel's log is not followed: ${error.message}`);
    return null;
  }
}
