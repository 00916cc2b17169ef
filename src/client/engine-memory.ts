import { closeSync } from 'node:fs';
import { clock, Directive, layoutOf } from '../memory/layout.js';
import { headerBytes, openSegment, readGeometry, type Segment } from '../memory/segment.js';
import {
  identity,
  isAlive,
  type Mapping,
  mapShared,
  openSharedMemory,
  type ProcessIdentity,
} from '../os/index.js';

/** The memory of an engine as its clients see it: for reading only. */
export class EngineMemory {
  readonly segment: Segment;
  private readonly mapping: Mapping;
  private readonly keeper: ProcessIdentity | null;

  /** @throws TenutoError `TENUTO_SYSTEM`, `TENUTO_PERMISSION` when the keeper is gone or foreign. */
  constructor(at: { keeperPid: number; segmentFd: number }) {
    this.keeper = identity(at.keeperPid);
    const fd = openSharedMemory({ pid: at.keeperPid, fd: at.segmentFd });
    try {
      const head = mapShared(fd, headerBytes);
      const { bytes } = layoutOf(readGeometry(head.buffer));
      head.unmap();
      this.mapping = mapShared(fd, bytes);
      this.segment = openSegment(this.mapping.buffer);
    } finally {
      closeSync(fd);
    }
  }

  /** Whether it was told to end: it fades out and plays nothing more. */
  get isClosing(): boolean {
    const { words, layout } = this.segment;
    return Atomics.load(words, layout.clock + clock.directive) >= Directive.fade;
  }

  /** Whether its keeper lives. Asks the kernel: not for every turn of a loop. */
  get isAlive(): boolean {
    return this.keeper !== null && isAlive(this.keeper);
  }

  /** Idempotent. What was read of it before reads as zeros afterwards. */
  release(): void {
    this.mapping.unmap();
  }
}
