import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { RunningEngine } from '../client/index.js';
import { TenutoError } from '../errors.js';
import { say } from './terminal.js';

/** Editors write a file in several steps. */
const restMs = 100;

/**
 * Loads the patch of a running engine again when its file, or a module beside it, is saved, and says
 * what became of it.
 */
export class PatchWatch implements Disposable {
  private readonly watcher: FSWatcher;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly engine: RunningEngine,
    private readonly file: string,
  ) {
    const name = basename(file);
    this.watcher = watch(dirname(resolve(file)), (_, changed) => {
      if (changed !== name && !/\.(m?js|m?ts)$/.test(changed ?? '')) return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.reload(), restMs);
    });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.timer);
    this.watcher.close();
  }

  private reload(): void {
    this.engine.loadPatch({ file: resolve(this.file) }).then(
      ({ tick }) => say(`${this.file} was loaded again and plays from tick ${tick} on`),
      (error: unknown) => {
        if (!(error instanceof TenutoError)) throw error;
        say(`${error.message}\nthe patch before plays on`);
      },
    );
  }
}
