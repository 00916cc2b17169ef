import { writeScheduling } from '../memory/process-table.js';
import { becomeRealtime, limitRealtimeCpu, setTimerSlack } from '../os/index.js';
import type { Attachment } from './attach.js';

/**
 * CPU time without a wait after which the kernel ends a real-time process that computes for ever,
 * so that it does not take the core from its watchdog. RealtimeKit grants nothing above this.
 */
const runawayUs = 200_000;

/**
 * Asks for real-time scheduling and says in the process table what was given; where it is refused,
 * the keeper asks RealtimeKit for it.
 */
export function enterRealtime({ order, segment }: Attachment, priority: number): void {
  // Ordinary processes are woken up to 50 us late, so that wake-ups can be gathered.
  setTimerSlack(1);
  if (!order.realtime) {
    writeScheduling(segment, order.row, 'other');
    return;
  }
  limitRealtimeCpu(runawayUs, runawayUs);
  const { policy } = becomeRealtime(priority);
  writeScheduling(segment, order.row, policy);
}
