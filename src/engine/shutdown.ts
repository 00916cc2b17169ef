import { clock, Directive, DriverMark } from '../memory/layout.js';
import type { Role } from '../memory/process-table.js';
import type { Segment, Waiting } from '../memory/segment.js';
import type { KeeperPolicy, Seat } from './seats.js';

/** Why the engine ended. The same words in code, status, reports and docs. */
export type StopReason =
  /** Somebody asked for it: `tenuto stop`, or the library. */
  | 'requested'
  /** SIGTERM, SIGINT or SIGQUIT. */
  | 'signal'
  /** The program that started the engine is gone. */
  | 'lifeline'
  /** The stream reached the tick at which it was to end. */
  | 'stop-tick'
  /** The device was away for longer than the engine waits for one. */
  | 'no-device'
  /** No replica, or no driver, could be kept alive. */
  | 'failed';

/** What one phase of the shutdown did. */
export interface PhaseReport {
  phase: string;
  ms: number;
  /** False when the deadline passed and what was left was killed. */
  inTime: boolean;
}

/** What the shutdown did, phase by phase, and what could not be ended. */
export interface ShutdownReport {
  reason: StopReason;
  ms: number;
  forced: boolean;
  phases: PhaseReport[];
  abandoned: { role: Role; pid: number }[];
}

interface Phase {
  name: string;
  directive: number;
  limitMs: number;
  /** Seats that must be empty for the phase to be over. */
  ends: (seat: Seat) => boolean;
  /** What else must be true. */
  reached?: () => boolean;
}

interface ShutdownWorld extends Waiting {
  nowUs(): number;
  ask(seat: Seat): void;
  kill(seat: Seat): void;
}

/**
 * The shutdown: one directive after the other, each with a deadline, after which whoever it was
 * for is killed. So the whole is bounded by the sum of the deadlines.
 */
export class Shutdown {
  report: ShutdownReport | null = null;
  private readonly phases: Phase[];
  private readonly done: PhaseReport[] = [];
  private readonly abandoned: { role: Role; pid: number }[] = [];
  private readonly begunUs: number;
  private phaseUs: number;
  private index = -1;
  private late = false;
  private forced = false;

  constructor(
    private readonly segment: Segment,
    private readonly world: ShutdownWorld,
    policy: KeeperPolicy,
    private readonly seats: readonly Seat[],
    readonly reason: StopReason,
  ) {
    this.begunUs = world.nowUs();
    this.phaseUs = this.begunUs;
    this.phases = this.plan(policy.phases);
    this.next(this.begunUs);
  }

  /** Skips to the kill. */
  force(): void {
    this.forced = true;
  }

  /** A process could not be killed. */
  abandon(seat: Seat): void {
    this.abandoned.push({ role: seat.role, pid: seat.pid });
  }

  poll(nowUs: number): void {
    while (this.report === null) {
      const phase = this.phases[this.index]!;
      const left = this.seats.filter((seat) => seat.pid !== 0 && phase.ends(seat));
      if (left.length === 0 && (phase.reached?.() ?? true)) {
        this.finish(phase, nowUs);
        continue;
      }
      this.killUnborn(left, nowUs);
      const expired = nowUs - this.phaseUs >= phase.limitMs * 1000;
      if (!expired && !this.forced) return;
      this.late = true;
      for (const seat of left) this.kill(seat, nowUs);
      if (left.length > 0) return;
      this.finish(phase, nowUs);
    }
  }

  private plan(limits: KeeperPolicy['phases']): Phase[] {
    const { words, layout } = this.segment;
    const mark = () => Atomics.load(words, layout.clock + clock.driverMark);
    const drivers = () => this.seats.some((seat) => seat.role === 'driver' && seat.pid !== 0);
    const isCurrent = (seat: Seat) => seat.role === 'driver' && seat.state === 'running';
    return [
      {
        name: 'fade',
        directive: Directive.fade,
        limitMs: limits.fadeMs,
        ends: () => false,
        reached: () => mark() >= DriverMark.ended || !drivers(),
      },
      {
        name: 'services',
        directive: Directive.finish,
        limitMs: limits.servicesMs,
        ends: (seat) => seat.role === 'service',
      },
      {
        name: 'replicas',
        directive: Directive.leave,
        limitMs: limits.replicasMs,
        ends: (seat) => seat.role === 'replica' || (seat.role === 'driver' && !isCurrent(seat)),
      },
      {
        name: 'driver',
        directive: Directive.close,
        limitMs: limits.driverMs,
        ends: (seat) => seat.role === 'driver',
      },
      {
        name: 'control',
        directive: Directive.end,
        limitMs: limits.driverMs,
        ends: () => true,
      },
    ];
  }

  private finish(phase: Phase, nowUs: number): void {
    const ms = Math.round((nowUs - this.phaseUs) / 100) / 10;
    this.done.push({ phase: phase.name, ms, inTime: !this.late });
    this.next(nowUs);
  }

  private next(nowUs: number): void {
    const { words, layout } = this.segment;
    this.index++;
    this.phaseUs = nowUs;
    this.late = false;
    const phase = this.phases[this.index];
    if (phase) {
      Atomics.store(words, layout.clock + clock.directive, phase.directive);
      // Whoever waits on a word sees the directive at once; control waits for its sockets.
      const control = this.seats.find((seat) => seat.role === 'control' && seat.pid !== 0);
      if (phase.directive === Directive.end && control) this.world.ask(control);
      for (const word of [
        clock.directive,
        clock.evenCalls,
        clock.oddCalls,
        clock.requestedGeneration,
        clock.assignments,
      ]) {
        this.world.wake(layout.clock + word);
      }
      return;
    }
    this.report = {
      reason: this.reason,
      ms: Math.round((nowUs - this.begunUs) / 100) / 10,
      forced: this.forced,
      phases: this.done,
      abandoned: this.abandoned,
    };
  }

  /** Who is still starting up has nothing to end in order, and would only be waited for. */
  private killUnborn(left: readonly Seat[], nowUs: number): void {
    for (const seat of left) {
      if (seat.state === 'starting' && seat.role !== 'service') this.kill(seat, nowUs);
    }
  }

  private kill(seat: Seat, nowUs: number): void {
    if (seat.killedUs > 0) return;
    seat.killedUs = nowUs;
    this.world.kill(seat);
  }
}
