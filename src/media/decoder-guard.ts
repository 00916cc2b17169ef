import { limits } from '../limits.js';

/**
 * Calls a WebAssembly decoder so that nothing of it gets out. The decoders of this family write
 * each error to the console, and some repeat a failing call for ever while they do; so the console
 * is ours for the time of the call, and the call is ended when it complains without end.
 * The call must be synchronous: nothing else runs while the console is replaced.
 *
 * @throws Error whatever the decoder threw, as an Error (they also throw strings).
 */
export function guarded<T>(call: () => T): T {
  const { error, log, warn } = console;
  let complaints = 0;
  const count = () => {
    complaints++;
    if (complaints > limits.mediaComplaintsMax) throw new Error('the decoder is in a loop');
  };
  console.error = console.log = console.warn = count;
  try {
    return call();
  } catch (thrown) {
    throw thrown instanceof Error ? thrown : new Error(`the decoder ended: ${String(thrown)}`);
  } finally {
    console.error = error;
    console.log = log;
    console.warn = warn;
  }
}

/** A decoder that is made anew when the data broke it, so often and no more. */
export class Restartable<T extends { free(): void }> {
  readonly #make: () => Promise<T>;
  #current: T | undefined;
  #restarts = 0;

  private constructor(make: () => Promise<T>, first: T) {
    this.#make = make;
    this.#current = first;
  }

  static async start<T extends { free(): void }>(make: () => Promise<T>): Promise<Restartable<T>> {
    return new Restartable(make, await make());
  }

  /**
   * The result of `call`, or undefined when it threw; the decoder is another one then.
   * Null when that has happened too often, which ends the file.
   */
  async run<R>(call: (decoder: T) => R | Promise<R>): Promise<R | undefined | null> {
    const decoder = this.#current;
    if (!decoder) return null;
    try {
      return await guarded(() => call(decoder));
    } catch {
      this.free();
      if (this.#restarts++ >= limits.mediaDecoderRestartsMax) return null;
      this.#current = await this.#make();
      return undefined;
    }
  }

  free(): void {
    const decoder = this.#current;
    this.#current = undefined;
    if (!decoder) return;
    try {
      guarded(() => decoder.free());
    } catch {
      // Its memory is damaged; it goes as a whole with the instance.
    }
  }
}
