import { constants } from 'node:os';

/** Signals that ask a command to end in order. */
const endings = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const;
export type EndingSignal = (typeof endings)[number];

/**
 * A terminal, npm and `timeout` each pass one Ctrl-C on, so that it arrives two or three times
 * within milliseconds; only what comes later than this is a second wish of the user.
 */
const echoMs = 300;

/**
 * Waits for the user to end a command: the first signal asks for an orderly end, a second one
 * forces it. While it is open those signals do not end the process by themselves.
 */
export class Interrupt {
  /** Settles with the first signal. */
  readonly asked: Promise<EndingSignal>;
  /** Settles with the second one. */
  readonly forced: Promise<EndingSignal>;
  /** Called at SIGHUP instead of ending, where there is no terminal that could have gone. */
  reload: (() => void) | null = null;
  #first: EndingSignal | null = null;
  readonly #handlers = new Map<EndingSignal, () => void>();

  constructor() {
    let ask!: (signal: EndingSignal) => void;
    let force!: (signal: EndingSignal) => void;
    this.asked = new Promise((resolve) => {
      ask = resolve;
    });
    this.forced = new Promise((resolve) => {
      force = resolve;
    });
    let firstMs = 0;
    for (const signal of endings) {
      const handler = () => {
        if (signal === 'SIGHUP' && this.reload !== null && !hasTerminal()) {
          this.reload();
          return;
        }
        const nowMs = performance.now();
        if (this.#first === null) {
          this.#first = signal;
          firstMs = nowMs;
          ask(signal);
        } else if (nowMs - firstMs > echoMs) {
          force(signal);
        }
      };
      this.#handlers.set(signal, handler);
      process.on(signal, handler);
    }
  }

  /** The first signal that came, or null. */
  get signal(): EndingSignal | null {
    return this.#first;
  }

  /** 128 + the number of the first signal, or null when none came. */
  get exitStatus(): number | null {
    return this.#first === null ? null : 128 + constants.signals[this.#first];
  }

  /** Gives the signals their usual effect again. */
  close(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
    this.#handlers.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Whether SIGHUP means that somebody's terminal is gone, and not that settings are to be read. */
function hasTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
}
