import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Role } from '../memory/process-table.js';
import type { ServiceOrder } from './orders.js';

/** What can be started: a role, or which of the services. */
export type ProgramName = Exclude<Role, 'none' | 'keeper' | 'service'> | ServiceOrder['kind'];

const programs: Record<ProgramName, string> = {
  driver: '../engine/driver.js',
  replica: '../engine/replica.js',
  control: '../control/main.js',
  recorder: '../service/recorder-main.js',
  flight: '../service/flight-main.js',
};

/**
 * V8 options of the real-time processes: a young generation that never fills in an hour of steady
 * state, and compiled WebAssembly from the first tick.
 */
const realtimeFlags = ['--max-semi-space-size=4', '--min-semi-space-size=4'];
const smallFlags = ['--max-semi-space-size=1', '--max-old-space-size=64'];
const traceFlags = ['--trace-gc', '--trace-gc-nvp'];

/**
 * Starts a program. It comes up and waits for its order on standard input; should that
 * end without one, it leaves.
 *
 * @param options.name - the engine's, for who looks before it names itself
 * @param options.traceGc - its collections are told on standard output
 */
export function startProgram(
  program: ProgramName,
  options: { name?: string; traceGc?: boolean } = {},
): ChildProcess {
  const { name = '', traceGc = false } = options;
  const script = fileURLToPath(new URL(programs[program], import.meta.url));
  const flags = program === 'driver' || program === 'replica' ? realtimeFlags : smallFlags;
  // The padding is room for the name that it gives itself.
  const args = [script, `name=${name}`.padEnd(64, ' ')];
  const child = spawn(process.execPath, [...flags, ...(traceGc ? traceFlags : []), ...args], {
    stdio: ['pipe', traceGc ? 'inherit' : 'ignore', 'inherit'],
  });
  // What could not be started has no pid; what died is told by its exit.
  child.on('error', () => {});
  child.stdin!.on('error', () => {});
  return child;
}

/** Programs that were started before there was an order for them, one of a role. */
export class PreparedPrograms {
  private readonly waiting = new Map<ProgramName, ChildProcess>();

  constructor(programs: readonly ProgramName[]) {
    for (const one of programs) this.waiting.set(one, startProgram(one));
  }

  /** The process of this program, once; undefined when there is none (any more). */
  take(program: ProgramName): ChildProcess | undefined {
    const child = this.waiting.get(program);
    this.waiting.delete(program);
    const lives = child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
    return lives ? child : undefined;
  }

  /** Ends those that were not needed. */
  discard(): void {
    for (const child of this.waiting.values()) child.kill('SIGKILL');
    this.waiting.clear();
  }
}
