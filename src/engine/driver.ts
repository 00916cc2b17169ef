import { closeSync } from 'node:fs';
import type { Device } from '../device/device.js';
import { openDevice } from '../device/open.js';
import { TenutoError } from '../errors.js';
import { count, counterIndex } from '../memory/counters.js';
import { clock, Directive, DriverMark } from '../memory/layout.js';
import { tellReady } from '../memory/process-table.js';
import { recordTime, timerIndex } from '../memory/timers.js';
import {
  identity,
  isAlive,
  monotonicNs,
  monotonicUs,
  openPidfd,
  sendSignalByPidfd,
} from '../os/index.js';
import { type Attachment, attach } from './attach.js';
import { DriverCore, type DriverEnd, DriverStep } from './driver-core.js';
import { childExit } from './keeper-core.js';
import { enterRealtime } from './realtime.js';
import { rehearse } from './rehearsal.js';
import { StandbyAdvice, StandbyCore } from './standby-core.js';
import { currentDriverPid, currentGeneration } from './takeover.js';

const SIGKILL = 9;
/** How often a driver without a device beats: a few times within any watch's patience. */
const beatNs = 1e6;

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

/** Stands by until it is this driver's turn. False when it is told to leave instead. */
function standBy(attachment: Attachment): boolean {
  const { segment, order } = attachment;
  const { quantum, rateHz } = segment.layout;
  const patienceUs = (order.driverQuanta * quantum * 1e6) / rateHz;
  const predecessor = new Predecessor(attachment);
  const standby = new StandbyCore(segment, order.place, Math.round(patienceUs));
  tellReady(segment, order.row);
  for (;;) {
    predecessor.follow();
    const advice = standby.advise(monotonicUs());
    if (advice === StandbyAdvice.leave) return false;
    if (advice === StandbyAdvice.takeOver) {
      predecessor.end();
      return true;
    }
    attachment.wait(standby.waitWord, standby.waitValue, standby.waitUs * 1000);
  }
}

/**
 * Opens the device, again and again while it is away: content waits meanwhile. It goes on beating,
 * so that no other driver takes the absence of the device for that of the driver.
 */
function openPatiently(attachment: Attachment, device: Device): boolean {
  const { segment, order } = attachment;
  const { words, layout } = segment;
  const deadlineNs = monotonicNs() + order.device.giveUpMs * 1e6;
  let nextNs = 0;
  for (;;) {
    if (monotonicNs() >= nextNs) {
      if (open(attachment, device)) return true;
      nextNs = monotonicNs() + order.device.retryMs * 1e6;
    }
    const directive = Atomics.load(words, layout.clock + clock.directive);
    if (directive >= Directive.fade || monotonicNs() > deadlineNs) return false;
    Atomics.store(words, layout.clock + clock.beatUs, monotonicUs());
    Atomics.add(words, layout.clock + clock.standbyBeat, 1);
    attachment.wait(layout.clock + clock.directive, directive, beatNs);
  }
}

function open({ segment }: Attachment, device: Device): boolean {
  count(segment, counterIndex.deviceOpens, 1);
  const askedUs = monotonicUs();
  try {
    device.open();
    recordTime(segment, timerIndex.deviceOpen, (monotonicUs() - askedUs) | 0);
    return true;
  } catch (error) {
    if (!(error instanceof TenutoError)) throw error;
    count(segment, counterIndex.deviceFailures, 1);
    count(segment, counterIndex.streamOpenFailures, 1);
    return false;
  }
}

/** Drives the engine until it is fenced, told to close, or loses the device. */
function drive(attachment: Attachment, device: Device): DriverEnd {
  const { segment, order, streams } = attachment;
  const world = { nowUs: monotonicUs, wake: attachment.wake };
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
  // The first driver of all is waited for, and its first turns are silent.
  const first =
    Atomics.load(segment.words, layout.clock + clock.driverMark) === DriverMark.starting;
  if (!first) rehearse(layout);
  enterRealtime(attachment, order.realtimePriority);
  if (!standBy(attachment)) process.exit(childExit.finished);
  if (!openPatiently(attachment, device)) process.exit(childExit.noDevice);
  const end = drive(attachment, device);
  device.close();
  process.exit(end === 'closed' ? childExit.finished : childExit.again);
}

main();
