import { Worker } from 'node:worker_threads';
import type { OwnModule } from '../dsp/own-nodes.js';
import { TenutoError } from '../errors.js';

/** Code that has not ended by then never does. */
const endMs = 10_000;

/**
 * Runs the user's nodes aside, and a little of what they promise, before they are run anywhere else.
 *
 * @throws TenutoError `TENUTO_MODULE_INVALID`
 */
export async function checkModules(modules: readonly OwnModule[]): Promise<void> {
  const worker = new Worker(new URL('../control/module-worker.js', import.meta.url), {
    workerData: modules,
    resourceLimits: { maxOldGenerationSizeMb: 256 },
    stdout: true,
    stderr: true,
  });
  const names = modules.map(({ file }) => file).join(', ');
  const failure = await new Promise<string | null>((resolve) => {
    let found: string | null = null;
    const timer = setTimeout(() => {
      found = `${names}: it does not end`;
      void worker.terminate();
    }, endMs);
    worker.on('message', (text: string) => {
      found ??= text;
    });
    worker.on('error', (error) => {
      found ??= `${names}: ${error.message}`;
    });
    worker.on('exit', () => {
      clearTimeout(timer);
      resolve(found);
    });
  });
  if (failure !== null) throw new TenutoError('TENUTO_MODULE_INVALID', failure);
}
