import { closeSync } from 'node:fs';
import type { ControlOrder } from '../../engine/orders.js';
import { TenutoError } from '../../errors.js';
import { describeEvent } from '../../flight/event-text.js';
import { readEvents } from '../../memory/events.js';
import { readProcesses } from '../../memory/process-table.js';
import type { Segment } from '../../memory/segment.js';
import type { StreamSegment } from '../../memory/stream.js';
import type { MetricsSource } from '../../observe/metrics-table.js';
import { type ProcessDetail, readProcessDetails } from '../../observe/processes.js';
import { readStatus, type Status } from '../../observe/status.js';
import { readStreams, type StreamStatus } from '../../observe/streams.js';
import { monotonicNs, openPidfd, sendSignalByPidfd } from '../../os/index.js';
import type { ToldEvent } from './schemas.js';

const signals = { kill: 9, hang: 19 } as const;

/** What a visitor of the demo may do to a process. */
export type Harm = keyof typeof signals;

/** The engine as the doors to the network see it: read from memory, and nothing kept. */
export class EngineView {
  constructor(
    readonly segment: Segment,
    readonly name: string,
    private readonly streamSegments: readonly StreamSegment[],
    private readonly order: Pick<ControlOrder, 'demo'>,
  ) {}

  /** Whether processes may be killed and stopped from here. */
  get isDemo(): boolean {
    return this.order.demo;
  }

  status(): Status {
    return readStatus(this.segment, this.name);
  }

  processes(): ProcessDetail[] {
    return readProcessDetails(this.segment);
  }

  streams(): StreamStatus[] {
    return readStreams(this.segment, this.streamSegments);
  }

  /** Events after `since`, oldest first; 0 for all that are kept. */
  events(since: number): ToldEvent[] {
    const nowUs = monotonicNs() / 1000;
    return readEvents(this.segment, since).map((event) => {
      const { sequence, kind, timeUs } = event;
      // The clock of events has 32 bits, which are over after 71 minutes.
      const agoSec = ((nowUs - timeUs) >>> 0) / 1e6;
      return { sequence, kind, agoSec, ...describeEvent(this.segment, event) };
    });
  }

  /** What metrics are read from. */
  metrics(readers: number): MetricsSource {
    const { streams, processes, status } = this;
    return {
      status: status.call(this),
      processes: processes.call(this),
      streams: streams.call(this),
      readers,
    };
  }

  /**
   * Kills a process, or stops it for good; only in the demo, only processes of this engine's table.
   *
   * @throws TenutoError `TENUTO_REQUEST_FORBIDDEN`, `TENUTO_REQUEST_UNKNOWN`
   */
  harm(pid: number, harm: Harm): { name: string } {
    if (!this.isDemo) {
      const text = 'processes may be killed and stopped in the demo only: control.demo is off';
      throw new TenutoError('TENUTO_REQUEST_FORBIDDEN', text);
    }
    const pidfd = this.isOurs(pid) ? openPidfd(pid) : -1;
    // Looked up again: the descriptor stands for the process that the table still names.
    const found = pidfd < 0 ? undefined : this.processes().find((one) => one.pid === pid);
    try {
      if (found === undefined) {
        throw new TenutoError('TENUTO_REQUEST_UNKNOWN', `no process ${pid} of the engine's`);
      }
      if (found.role === 'keeper') {
        const text =
          'the keeper is the root of the engine: without it the sound ends, as it should';
        throw new TenutoError('TENUTO_REQUEST_FORBIDDEN', text);
      }
      sendSignalByPidfd(pidfd, signals[harm]);
      return { name: found.name };
    } finally {
      if (pidfd >= 0) closeSync(pidfd);
    }
  }

  private isOurs(pid: number): boolean {
    return pid > 1 && readProcesses(this.segment).some((row) => row.pid === pid);
  }
}
