export { runOwnModule, withholdWorld } from './own-nodes.js';

import {
  checkFinite,
  checkQuiet,
  checkSmooth,
  checkSnapshot,
  music,
  rigVariants,
} from './contract.js';
import type { NodeDefinition } from './node.js';

/** One thing that a node promises, and what came of it. */
export interface ContractResult {
  readonly name: string;
  /** Null when it is kept. */
  readonly failure: string | null;
}

/**
 * The contract that every built-in node passes, for a node of the user's: the same samples wherever
 * it is run, also from a snapshot on; numbers whatever enters; nothing left of silence; no clicks.
 *
 * @param isQuick - the first of these only, a little of each: what a patch is loaded with
 */
export function checkOwnNode(definition: NodeDefinition, isQuick = false): ContractResult[] {
  const results: ContractResult[] = [];
  const run = (name: string, check: () => void) => {
    try {
      check();
      results.push({ name, failure: null });
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      results.push({ name, failure: text.replace(/^assertion failed: /, '') });
    }
  };
  const variants = rigVariants(definition);
  for (const { name, ...variant } of isQuick ? variants.slice(0, 2) : variants) {
    const cabled = { ...variant, stimulus: music };
    for (const ticks of isQuick ? [20] : [0, 7, 60]) {
      run(`${name}: goes on with equal bits after a snapshot at tick ${ticks}`, () => {
        checkSnapshot(definition, cabled, { ticks, after: 12, seed: 7 + ticks });
        checkSnapshot(definition, { ...cabled, isPlain: true }, { ticks, after: 12, seed: ticks });
      });
    }
    run(`${name}: stays finite for any input`, () => checkFinite(definition, cabled));
    if (isQuick) continue;
    run(`${name}: keeps no denormal numbers in silence`, () => {
      checkQuiet(definition, cabled, 300);
    });
  }
  if (isQuick) return results;
  const [plainest] = variants;
  for (const port of definition.ports.filter(({ smoothingMs }) => smoothingMs > 0)) {
    run(`ramps \`${port.name}\` without clicks`, () => {
      checkSmooth(definition, { ...plainest!, stimulus: music }, port);
    });
  }
  return results;
}
