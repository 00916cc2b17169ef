import type { Status } from '../client/index.js';
import { monotonicNs, notifyService } from '../os/index.js';

/** A status line that says the same is not sent again sooner. */
const statusMs = 5000;

/**
 * What a service manager is told of an engine that it started (`Type=notify`, `WatchdogSec=`):
 * that it plays, how it is, that it still goes on, and that it ends. Silent without a manager.
 */
export class ServiceNotice {
  private readonly socket: string;
  /** Milliseconds between two signs of life; 0 when none are wanted. */
  private readonly everyMs: number;
  private isReady = false;
  private lastLifeMs = Number.NEGATIVE_INFINITY;
  private lastStatusMs = Number.NEGATIVE_INFINITY;
  private seen = '';

  constructor(env: NodeJS.ProcessEnv) {
    this.socket = env.NOTIFY_SOCKET ?? '';
    const isMine = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid;
    // Half of what is granted, as sd_watchdog_enabled(3) advises.
    this.everyMs = isMine ? Number(env.WATCHDOG_USEC ?? 0) / 2000 : 0;
  }

  /** The first sample was played. */
  ready(status: Status): void {
    this.isReady = true;
    this.send(`READY=1\nSTATUS=${statusLine(status)}`);
  }

  /** It reads its settings again; followed by `ready`. */
  reloading(): void {
    const sinceUs = Math.floor(monotonicNs() / 1000);
    this.send(`RELOADING=1\nMONOTONIC_USEC=${sinceUs}`);
  }

  /** It is about to end in order. */
  stopping(): void {
    this.send('STOPPING=1\nSTATUS=ending');
  }

  /** One look at the engine, now and then: signs of life are sent only for one that goes on. */
  look(status: Status, nowMs: number): void {
    if (this.socket === '' || !this.isReady) return;
    if (nowMs - this.lastStatusMs >= statusMs) {
      this.lastStatusMs = nowMs;
      this.send(`STATUS=${statusLine(status)}`);
    }
    if (this.everyMs === 0 || nowMs - this.lastLifeMs < this.everyMs / 2) return;
    const { counters, device } = status;
    const progress = `${counters.quanta} ${counters.concealed}`;
    // An engine that waits for its device, as it was told to, does what it should.
    const lives = progress !== this.seen || device.state === 'held';
    this.seen = progress;
    if (!lives) return;
    this.lastLifeMs = nowMs;
    this.send('WATCHDOG=1');
  }

  private send(text: string): void {
    if (this.socket !== '') notifyService(this.socket, text);
  }
}

function statusLine({ state, device, counters }: Status): string {
  const where = device.name === '' ? 'no device' : device.name;
  return `${state} on ${where}, ${counters.underruns} underruns, ${counters.restarts} replaced`;
}
