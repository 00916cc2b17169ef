import { commandWords } from '../memory/layout.js';
import type { PatchMachine } from './replica-core.js';

/** Operations of commands that do harm, for proofs; real patches use the ones below 0x7f00. */
export const plantedFault = { die: 0x7f00, hang: 0x7f01, diverge: 0x7f02 } as const;

/**
 * Lets commands kill, hang or falsify whichever replica applies them. Only engines that were
 * started for a proof have it; elsewhere these operations are unknown and ignored.
 */
export function withFaults<M extends PatchMachine>(machine: M): M {
  let falsify = false;
  const apply = machine.apply.bind(machine);
  const render = machine.render.bind(machine);
  return Object.assign(machine, {
    apply(words: Int32Array, at: number) {
      const op = words[at]! & 0xffff;
      if (op === plantedFault.die) process.kill(process.pid, 'SIGKILL');
      if (op === plantedFault.hang) for (;;);
      if (op === plantedFault.diverge) falsify = process.pid % 2 === words[at + 3]!;
      if (op < plantedFault.die) apply(words, at);
    },
    render() {
      render();
      if (!falsify) return;
      falsify = false;
      machine.output[0]! += 1e-3;
    },
  });
}

/** Words of a command that does harm. */
export function plantFault(op: number, value = 0): Int32Array {
  const words = new Int32Array(commandWords);
  words[0] = op;
  words[3] = value;
  return words;
}
