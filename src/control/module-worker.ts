import { parentPort, workerData } from 'node:worker_threads';
import { checkOwnNode } from '../dsp/own-contract.js';
import { type OwnModule, runOwnModule, withholdWorld } from '../dsp/own-nodes.js';

// Runs code of a user's aside: what never ends is ended with its thread.
for (const module of workerData as OwnModule[]) {
  try {
    const definition = await runOwnModule(module);
    withholdWorld();
    const broken = checkOwnNode(definition, true).find(({ failure }) => failure !== null);
    if (broken) parentPort!.postMessage(`${module.file}: ${broken.name}: ${broken.failure}`);
  } catch (error) {
    parentPort!.postMessage(error instanceof Error ? error.message : String(error));
  }
}
