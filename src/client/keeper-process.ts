import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The keeper's own heap is small: it only decides. */
const flags = ['--max-semi-space-size=1', '--max-old-space-size=64'];

/**
 * An environment, but for the variable that has Node read certificates as it starts:
 * the engine speaks no TLS, and a usual bundle of them costs each of its processes 40 ms.
 */
function engineEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = env;
  return rest;
}

/**
 * A keeper that has been started ahead of its order: it comes up while the settings and the patch
 * are read, and waits. Until `startEngine` takes it, it has done nothing and is nobody's engine;
 * should this program end meanwhile, it ends too.
 */
export class PreparedKeeper implements Disposable {
  private child: ChildProcess | null;

  /** @internal */
  constructor(child: ChildProcess) {
    this.child = child;
    // A failure to start it shows when it is taken.
    child.on('error', () => {});
    child.stdin!.on('error', () => {});
  }

  /**
   * The process, which from now on belongs to the caller; null when there is none (any more).
   *
   * @internal
   */
  take(): ChildProcess | null {
    const { child } = this;
    this.child = null;
    const lives = child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
    return lives ? child : null;
  }

  /** Ends it, unless it has become an engine. Idempotent. */
  [Symbol.dispose](): void {
    // It takes along what it has started itself; killed, it could not.
    this.take()?.stdin?.end();
  }
}

/**
 * Starts a keeper ahead of its order, for `startEngine` to use: the engine then begins earlier by
 * the time that a process takes to come up. Holds this program's event loop until it is used or
 * disposed of.
 *
 * @param name - what `ps` shows until it has its order
 * @param env - of the engine's processes; default: this program's
 */
export function prepareKeeper(name = '', env: NodeJS.ProcessEnv = process.env): PreparedKeeper {
  const script = fileURLToPath(new URL('../engine/keeper.js', import.meta.url));
  // A session of its own: what a terminal sends to its foreground group does not reach the engine.
  // The padding is room for the name that it gives itself.
  const args = [...flags, script, `name=${name}`.padEnd(64, ' ')];
  return new PreparedKeeper(
    spawn(process.execPath, args, {
      detached: true,
      env: engineEnvironment(env),
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
}
