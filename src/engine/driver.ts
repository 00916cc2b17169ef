import { closeSync } from 'node:fs';
import type { Device } from '../device/device.js';
import { openDevice } from '../device/open.js';
import { TenutoError } from '../errors.js';
import { count, counterIndex } from '../memory/counters.js';
import { clock, Directive } from '../memory/layout.js';
import { writeScheduling } from '../memory/process-table.js';
import {
  becomeRealtime,
  isAlive,
  identity,
  monotonicNs,
  openPidfd,
  sendSignalByPidfd,
} from '../os/index.js';
import { type Attachment, attach } from './attach.js';
import { type DriverEnd, DriverCore, DriverStep } from './driver-core.js';
import { childExit } from './keeper-core.js';
import { rehearse } from './rehearsal.js';
import { StandbyAdvice, StandbyCore } from './standby-core.js';
import { currentDriverPid, currentGeneration } from './takeover.js';

const SIGKILL = 9;

/** Holds on to the process of the current generation, so that ending it never hits another. */
class Predecessor {
  private generation = -1;
  private pidfd = -1;

  constructor(private readonly attachment: Attachment) {}

  follow(): void {
    const current = currentGeneration(this.attachment.segment);
    if (current === this.generation) return;
    if (this.pidfd >= 0) closeSync(this.pidfd);
    this.generation = current;
    this.pidfd = -1;
    const pid = currentDriverPid(this.attachment.segment);
    const who = pid > 1 ? identity(pid) : null;
    if (who === null || !isAlive(who)) return;
    try {
      this.pidfd = openPidfd(pid);
    } catch {
      // It ended in between: nothing is left to hold on to.
    }
  }

  /** What it may still do is fenced by the generation; ended, it does not even try. */
  end(): void {
    if (this.pidfd >= 0) sendSignalByPidfd(this.pidfd, SIGKILL);
  }
}

const nowUs = () => (monotonicNs() / 1000) | 0;

/** Stands by until it is this driver's turn. False when it is told to leave instead. */
function standBy(attachment: Attachment): boolean {
  const { segment, order } = attachment;
  const { quantum, rateHz } = segment.layout;
  const patienceUs = (order.driverQuanta * quantum * 1e6) / rateHz;
  const predecessor = new Predecessor(attachment);
  const standby = new StandbyCore(segment, order.place, patienceUs, monotonicNs() / 1000);
  Atomics.store(segment.words, segment.layout.clock + clock.standbyReady, order.place);
  for (;;) {
    predecessor.follow();
    const advice = standby.advise(monotonicNs() / 1000);
    if (advice === StandbyAdvice.leave) return false;
    if (advice === StandbyAdvice.takeOver) {
      predecessor.end();
      return true;
    }
    attachment.wait(standby.waitWord, standby.waitValue, (patienceUs * 1000) / 4);
  }
}

/** Opens the device, again and again while it is away: content waits meanwhile. */
function openPatiently(attachment: Attachment, device: Device): boolean {
  const { segment, order } = attachment;
  const { words, layout } = segment;
  const deadlineNs = monotonicNs() + order.device.giveUpMs * 1e6;
  for (;;) {
    try {
      count(segment, counterIndex.deviceOpens, 1);
      device.open();
      return true;
    } catch (error) {
      if (!(error instanceof TenutoError)) throw error;
      count(segment, counterIndex.deviceFailures, 1);
    }
    const directive = Atomics.load(words, layout.clock + clock.directive);
    if (directive >= Directive.fade || monotonicNs() > deadlineNs) return false;
    Atomics.add(words, layout.clock + clock.beat, 1);
    Atomics.add(words, layout.clock + clock.standbyBeat, 1);
    attachment.wait(layout.clock + clock.directive, directive, order.device.retryMs * 1e6);
  }
}

/** Drives the engine until it is fenced, told to close, or loses the device. */
function drive(attachment: Attachment, device: Device): DriverEnd {
  const { segment, order, streams } = attachment;
  const world = { nowUs, wake: attachment.wake };
  const who = { generation: order.place, pid: process.pid };
  const core = new DriverCore(segment, device, world, who, streams);
  for (;;) {
    const step = core.step();
    if (step === DriverStep.done) return core.end;
    if (step === DriverStep.device) core.deviceAnswered(device.wait());
  }
}

function main(): void {
  const attachment = attach('driver', { locked: true });
  const { segment, order } = attachment;
  const { layout } = segment;
  const device = openDevice(order.device, {
    rateHz: layout.rateHz,
    channels: layout.channels,
    quantum: layout.quantum,
    epochNs: order.epochNs,
  });
  rehearse(layout);
  if (order.realtime) {
    const { policy } = becomeRealtime(order.realtimePriority);
    writeScheduling(segment, order.row, policy);
  }
  if (!standBy(attachment)) process.exit(childExit.finished);
  if (!openPatiently(attachment, device)) process.exit(childExit.noDevice);
  const end = drive(attachment, device);
  device.close();
  process.exit(end === 'closed' ? childExit.finished : childExit.again);
}

main();
