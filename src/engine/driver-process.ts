import { closeSync } from 'node:fs';
import type { Device } from '../device/device.js';
import { TenutoError } from '../errors.js';
import { deviceToGoOnWith, noteDevice, waitingRequest } from '../memory/device-desk.js';
import { clock, DeviceState, Directive, desk } from '../memory/layout.js';
import { tellReady } from '../memory/process-table.js';
import {
  identity,
  isAlive,
  monotonicNs,
  monotonicUs,
  openPidfd,
  sendSignalByPidfd,
} from '../os/index.js';
import type { Attachment } from './attach.js';
import { DeviceOpener } from './device-opener.js';
import { DriverCore, DriverStep } from './driver-core.js';
import type { DriverManners } from './driver-manners.js';
import { childExit } from './keeper-core.js';
import { StandbyAdvice, StandbyCore } from './standby-core.js';
import { currentDriverPid, currentGeneration } from './takeover.js';

const SIGKILL = 9;
/** A driver without a device looks around and beats so often: within any watch's patience. */
const idleNs = 1e6;
/** Between two looks whether the predecessor has left. */
const handoverLookNs = 200_000;
/** For a fenced driver's device to play what it was given. */
const drainMs = 500;
/** For the kernel to free the device of a process that was killed. */
const busyMs = 200;

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

/** A device that was opened for a turn at driving, and how to begin with it. */
interface Readiness {
  device: Device | null;
  manners: DriverManners;
  /** Number of the request that it answers; 0 for none. */
  request: number;
}

const overtaken = new TenutoError('TENUTO_DEVICE_LOST', 'another driver was quicker');

/** A driver process: it stands by until it is its turn, and then drives until it ends. */
export class Driver {
  private readonly predecessor: Predecessor;
  private readonly standby: StandbyCore;
  private readonly opener: DeviceOpener;

  constructor(private readonly attachment: Attachment) {
    const { segment, order } = attachment;
    this.predecessor = new Predecessor(attachment);
    this.opener = new DeviceOpener(attachment);
    this.standby = new StandbyCore(segment, order.place, order.driverPatienceUs);
  }

  /** Null when it is told to leave instead, or has nothing to begin with. */
  standBy(): Readiness | null {
    const { attachment, standby, predecessor } = this;
    const { segment, order } = attachment;
    tellReady(segment, order.row);
    for (;;) {
      predecessor.follow();
      const advice = standby.advise(monotonicUs());
      if (advice === StandbyAdvice.leave) return null;
      if (advice === StandbyAdvice.takeOver) {
        predecessor.end();
        return this.isFirst ? this.openFirst() : this.goOn();
      }
      const ready = advice === StandbyAdvice.open ? this.openWhatIsAsked() : null;
      if (ready !== null) return ready;
      attachment.wait(standby.waitWord, standby.waitValue, standby.waitUs * 1000);
    }
  }

  /** Drives the engine until it is fenced, handed over or told to close; how the process is to end. */
  drive({ device, manners, request }: Readiness): number {
    const { segment, order, streams } = this.attachment;
    const world = { nowUs: monotonicUs, wake: this.attachment.wake };
    const who = { generation: order.place, pid: process.pid };
    const core = new DriverCore(segment, device, world, who, streams, manners);
    while (!core.isSeated && core.step() === DriverStep.go);
    if (core.isSeated && device !== null) noteDevice(segment, order.place, device.name);
    if (request > 0) this.opener.settle(request, core.isSeated ? null : overtaken);
    let current = device;
    for (;;) {
      const step = core.step();
      if (step === DriverStep.done) break;
      if (step === DriverStep.device) core.deviceAnswered(core.pacer!.wait());
      else if (step === DriverStep.lost) {
        current?.close();
        current = null;
      } else if (step === DriverStep.idle) this.rest(idleNs);
    }
    // What was committed is to be heard; the fence sees to it that nothing is heard twice.
    if (core.end === 'handed-over') current?.write(core.tail);
    if (core.end !== 'fenced') current?.drain(drainMs);
    current?.close();
    return core.end === 'closed' ? childExit.finished : childExit.again;
  }

  private get isFirst(): boolean {
    const { words, layout } = this.attachment.segment;
    return Atomics.load(words, layout.desk + desk.state) === DeviceState.none;
  }

  private rest(ns: number): void {
    const { words, layout } = this.attachment.segment;
    const word = layout.clock + clock.directive;
    this.attachment.wait(word, Atomics.load(words, word), ns);
  }

  private beat(): void {
    const { words, layout } = this.attachment.segment;
    Atomics.store(words, layout.clock + clock.beatUs, monotonicUs());
    Atomics.add(words, layout.clock + clock.standbyBeat, 1);
  }

  /**
   * The engine's first device: the first of the list that opens. One that is away or busy is waited
   * for a while; it goes on beating meanwhile, so that nobody takes it for hung.
   */
  private openFirst(): Readiness | null {
    const { segment, order } = this.attachment;
    const deadlineNs = monotonicNs() + order.device.firstPatienceMs * 1e6;
    for (;;) {
      let failure: TenutoError | null = null;
      for (const first of order.device.first) {
        const device = this.opener.open(first);
        if (!(device instanceof TenutoError)) return this.begin(device, 0);
        failure ??= device;
      }
      const { words, layout } = segment;
      const leaving = Atomics.load(words, layout.clock + clock.directive) >= Directive.fade;
      if (leaving) return null;
      if (monotonicNs() > deadlineNs || !mayReturn(failure)) {
        this.opener.settle(0, failure);
        process.exit(childExit.noDevice);
      }
      this.beat();
      this.rest(order.device.retryMs * 1e6);
    }
  }

  /** The predecessor died or hangs: with the device that it had, or without one if that fails. */
  private goOn(): Readiness {
    const { segment, order } = this.attachment;
    const { words, layout } = segment;
    const last = deviceToGoOnWith(segment);
    if (last === null) return this.begin(null, 0);
    const unplayed = Atomics.load(words, layout.desk + desk.unplayedFrames);
    const deadlineNs = monotonicNs() + busyMs * 1e6;
    for (;;) {
      const device = this.opener.open(last, unplayed);
      if (!(device instanceof TenutoError)) return this.begin(device, unplayed);
      // The kernel may take a moment to free what the predecessor had open.
      if (device.code !== 'TENUTO_DEVICE_BUSY' || monotonicNs() > deadlineNs) {
        this.opener.settle(Atomics.load(words, layout.desk + desk.settled), device);
        return this.begin(null, 0);
      }
      this.rest(order.device.retryMs * 1e4);
    }
  }

  /** Make before break: opens and starts what control asks for, and only then takes over. */
  private openWhatIsAsked(): Readiness | null {
    const { segment } = this.attachment;
    const { words, layout } = segment;
    const request = waitingRequest(segment);
    if (request === null) return null;
    const device = this.opener.open(request);
    if (device instanceof TenutoError) {
      const isOwn = request.name === deviceToGoOnWith(segment)?.name;
      if (device.code !== 'TENUTO_DEVICE_BUSY' || !isOwn) {
        this.opener.settle(request.number, device);
        return null;
      }
      // Hardware that can be open once only, and is by the current driver: break before make.
    }
    this.relieve();
    const ready =
      device instanceof TenutoError
        ? this.goOn()
        : this.begin(device, Atomics.load(words, layout.desk + desk.unplayedFrames));
    if (device instanceof TenutoError && ready.device === null) {
      this.opener.settle(request.number, device);
      return ready;
    }
    ready.manners.askedUs = request.us;
    return { ...ready, request: request.number };
  }

  /** Asks the current driver to leave, and ends it when it does not. */
  private relieve(): void {
    const { standby } = this;
    standby.askToLeave();
    const deadlineNs = monotonicNs() + standby.patienceUs * 1000;
    while (!standby.hasLeft && monotonicNs() < deadlineNs) this.rest(handoverLookNs);
    if (!standby.hasLeft) this.predecessor.end();
  }

  private begin(device: Device | null, replayFrames: number): Readiness {
    const gently = device !== null && device.name !== 'virtual' && !this.isFirst;
    const standIn =
      this.attachment.order.device.onLoss === 'continue' ? this.opener.standIn() : null;
    return { device, manners: { standIn, replayFrames, gently, askedUs: null }, request: 0 };
  }
}

/** Whether waiting may help: what is away or busy may come back, what nobody knows will not. */
function mayReturn(failure: TenutoError | null): boolean {
  return failure?.code === 'TENUTO_DEVICE_LOST' || failure?.code === 'TENUTO_DEVICE_BUSY';
}
